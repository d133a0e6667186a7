"""Options that several commands share, declared once: `-o` is a format everywhere, `-d` a place."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from sloctl.duration import DAY, parse_duration
from sloctl.naming import LABEL_STYLES

_Value = TypeVar("_Value")


class OptionHolder(Protocol):
    """A parser or a group of it."""

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action: ...  # noqa: ANN401 - as argparse has it


def add_specs(parser: argparse.ArgumentParser) -> None:
    """Add SPEC…, the files that a command reads."""
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument(
        "--sloth-period",
        metavar="DURATION",
        type=argument_type(_parse_period),
        default=30 * DAY,
        help="the window of Sloth's SLOs, whose files have none; default 30d",
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="read what contradicts another tool's standard but can mean only one thing",
    )


def _parse_period(text: str) -> int:
    return int(parse_duration(text))


def add_slo_choice(parser: argparse.ArgumentParser) -> None:
    """Add --slo, which `spec_arguments.select_slos` reads."""
    parser.add_argument(
        "--slo", metavar="SERVICE/NAME", action="append", help="this one only; repeat it for several"
    )


def add_per_second(parser: argparse.ArgumentParser) -> None:
    """Add --per-second, a number of events above 0."""
    parser.add_argument(
        "--per-second",
        metavar="EVENTS",
        type=argument_type(_parse_event_rate),
        help="events of one budget a second, to tell budget and floors in events",
    )


def add_label_style(parser: argparse.ArgumentParser) -> None:
    """Add --label-style; a key of LABEL_STYLES."""
    parser.add_argument(
        "--label-style",
        choices=LABEL_STYLES,
        default="slo",
        help="label names of the series: slo_id … (default), or Sloth's own; the same for every command",
    )


def add_output_format(parser: argparse.ArgumentParser, formats: Iterable[str] = ("text", "json")) -> None:
    """Add -o/--output; text unless told otherwise."""
    parser.add_argument("-o", "--output", choices=tuple(formats), default="text", help="default text")


def add_color(parser: argparse.ArgumentParser) -> None:
    """Add --color; `wants_color` reads it."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto (default): on a terminal, without NO_COLOR in the environment",
    )


def wants_color(choice: str) -> bool:
    """Say whether standard output gets colours."""
    if choice != "auto":
        return choice == "always"
    # As no-color.org has it: set and not empty, whatever it says.
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def add_output_directory(parser: argparse.ArgumentParser, *, required: bool, help_text: str) -> None:
    """Add -d/--output-dir, and refuse the -o that used to mean it."""
    parser.add_argument("-d", "--output-dir", metavar="DIR", type=Path, required=required, help=help_text)
    parser.add_argument("-o", "--output", action=_MovedToOutputDir, help=argparse.SUPPRESS)


def argument_type(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Make argparse show the message of the ValueError that *parse* raises."""

    def parse_argument(text: str) -> _Value:
        try:
            return parse(text)
        except ValueError as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from wrong

    return parse_argument


def _parse_event_rate(text: str) -> float:
    try:
        events = float(text)
    except ValueError:
        events = 0.0
    if not 0 < events < float("inf"):
        raise ValueError(f"a number of events above 0, got {text!r}")
    return events


class _MovedToOutputDir(argparse.Action):
    """The option -o of a command that has a place to write to and no choice of format."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error("-o is a format, and this command has only one: name the directory with -d/--output-dir")
