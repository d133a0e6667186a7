"""Print the versions of sloctl, of Python, and of what it reads specs with; of use in a bug report.

example:
  sloctl version
"""

import argparse
import platform
from importlib.metadata import version
from typing import Final

from sloctl.cli.exit_codes import FINE

_READERS: Final = ("msgspec", "promql-parser", "PyYAML")


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: there is one answer."""


def run(_: argparse.Namespace) -> int:
    parts = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _READERS)]
    print(f"sloctl {version('sloctl')} ({', '.join(parts)})")
    return FINE
