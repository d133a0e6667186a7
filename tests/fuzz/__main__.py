"""Fuzz each target for a while, led by coverage: `make fuzz ARGS="--seconds 600 spec"`.

Begins with corpus/TARGET and goes on with what earlier runs found (build/fuzz/TARGET). What raises is kept
there as crash-…; put it into the corpus, under a name that says what it is, when it is mended.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).with_name("corpus")
TARGETS: Final = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())
FOUND: Final = ROOT / "build/fuzz"
# Longer than a spec may be told nothing new; a slow input is a find too.
_LIMITS: Final = ("-max_len=8192", "-timeout=10", "-rss_limit_mb=2048")


# What tells the process of one target from the one that the reader started.
_INSIDE: Final = "--inside"


def main() -> int:
    if sys.argv[1:2] == [_INSIDE]:
        return fuzz_here(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target; default 60")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default all")
    arguments = parser.parse_args()
    codes = [fuzz_apart(name, arguments.seconds) for name in arguments.targets or TARGETS]
    return max(codes)


def fuzz_apart(name: str, seconds: int) -> int:
    """Fuzz one target in a process of its own, since the fuzzer ends the one it runs in."""
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", _INSIDE, name, f"-max_total_time={seconds}", *_LIMITS]
    command += [
        f"-artifact_prefix={found}/",
        f"-dict={CORPUS / 'words.dict'}",
        str(found),
        str(CORPUS / name),
    ]
    print(f"== {name}: {seconds} s", flush=True)
    ended = subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.PIPE, text=True)
    lines = ended.stderr.splitlines()
    done = [line for line in lines if line.startswith(("Done ", "SUMMARY"))]
    print("\n".join(lines[-60:] if ended.returncode else done), flush=True)
    return ended.returncode


def fuzz_here(name: str, arguments: list[str]) -> int:
    import atheris  # type: ignore[import-untyped] # noqa: PLC0415 - has no types; for Linux on x86-64 alone

    # Of ours alone: the rest takes minutes, and is not what is looked for.
    with atheris.instrument_imports(include=["sloctl"]):
        from tests.fuzz import targets  # noqa: PLC0415 - it is instrumented while it is imported

    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
