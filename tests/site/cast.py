"""docs/cast.svg, a session in a terminal: recorded from a real run by `python -m tests.site.cast`."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from tests.site.build import ROOT
from tests.site.drawing import svg_document

PICTURE: Final = ROOT / "docs/cast.svg"
# Typed as they stand; the spec is that of the README, with two mistakes in it.
COMMANDS: Final = (
    "sloctl validate shop.yaml --color always",
    "sed -i 's/100%/99.9%/; s/windw/window/' shop.yaml",
    "sloctl validate shop.yaml",
    "sloctl compile shop.yaml -d .",
    "sloctl explain shop.yaml --slo shop/availability | head -n 12",
)
_MISTAKES: Final = (("objective: 99.9%", "objective: 100%"), ("window: 30d", "windw: 30d"))
# Asked for only because nobody sits at the terminal: not shown.
_UNSEEN: Final = " --color always"
_COLORS: Final = {"31": "#ff8a80", "33": "#ffd180", "36": "#80deea", "2": "#9e9e9e"}
_LINE: Final = 18
_CHARACTER: Final = 7.9
_ESCAPE: Final = re.compile(r"\x1b\[(\d+)m")


def main() -> None:
    PICTURE.write_text(draw_session(record_session()))


def record_session() -> list[tuple[str, str]]:
    """Run the commands in an empty folder; returns each with what it printed."""
    readme = (ROOT / "README.md").read_text()
    spec = re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[0]
    for right, wrong in _MISTAKES:
        spec = spec.replace(right, wrong, 1)
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "shop.yaml").write_text(spec)
        return [(command, type_command(command, folder, variables)) for command in COMMANDS]


def type_command(command: str, folder: str, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def draw_session(session: list[tuple[str, str]]) -> str:
    """Draw the session: each command appears with its output, one after the other."""
    lines: list[str] = []
    second, row, longest = 0.5, 0, 0
    for command, printed in session:
        typed = escape(command.replace(_UNSEEN, ""))
        texts = [f'<tspan fill="#a5d6a7">$</tspan> {typed}', *map(colored, printed.splitlines())]
        for number, text in enumerate(texts):
            row += 1
            longest = max(longest, len(re.sub(r"<[^>]+>|&[a-z]+;", "", text)))
            # Typing takes a second before the answer is there.
            delay = second + (1.0 if number else 0.0)
            lines.append(
                f'<text x="16" y="{22 + row * _LINE}" style="animation-delay:{delay:g}s">{text}</text>'
            )
        second += 2.5 + 0.2 * len(texts)
        row += 1
    size = (round(longest * _CHARACTER) + 32, row * _LINE + 30)
    frame = f'<rect width="{size[0]}" height="{size[1]}" rx="8" fill="#1e1e1e"/>'
    style = (
        "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#e0e0e0;white-space:pre;"
        "animation:appear .01s both}@keyframes appear{from{opacity:0}to{opacity:1}}"
        "@media(prefers-reduced-motion:reduce){text{animation:none}}"
    )
    title = "A spec with two mistakes, told at their lines; mended, compiled and explained"
    return svg_document(size, title, style=style, shapes=[frame, *lines])


def colored(line: str) -> str:
    """A line with the escapes of a terminal, as spans."""

    def spans() -> Iterator[str]:
        color = ""
        parts = _ESCAPE.split(line)
        for number, part in enumerate(parts):
            if number % 2:
                color = _COLORS.get(part, "") if part != "1" else "#ffffff"
            elif part:
                yield f'<tspan fill="{color}">{escape(part)}</tspan>' if color else escape(part)

    return "".join(spans())


if __name__ == "__main__":
    main()
