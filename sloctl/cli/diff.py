"""Say what changes between two versions of specs, in meaning and not in text.

A version is a directory or a git revision; the second is the working directory where it is not given.
Breaking is what somebody loses by: an SLO, its history, an alert, a promise. Exit codes: 0 nothing breaking,
1 something breaking, 2 could not read one of them.

example:
  sloctl diff main                             the specs in ./slos, against those of main
  sloctl diff v1.4 HEAD --path teams
  sloctl diff old/ new/ -o markdown            a comment for a pull request
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from sloctl.cli.arguments import add_label_style, add_output_format
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.cli.spec_revisions import read_revision
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES
from sloctl.problems import escape_unprintable
from sloctl.spec_changes.compare import compare_slos
from sloctl.spec_changes.reports import render_json, render_markdown, render_text

_FORMATS: Final = {"text": render_text, "markdown": render_markdown, "json": render_json}
_DEFAULT_PATH: Final = "slos"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("base", metavar="BASE", help="a git revision or a directory")
    parser.add_argument("head", metavar="HEAD", nargs="?", help="as BASE; by default what is there now")
    parser.add_argument(
        "--path",
        metavar="DIR",
        action="append",
        help=f"where the specs of a revision are; default {_DEFAULT_PATH}; repeat it for several",
    )
    add_label_style(parser)
    add_output_format(parser, _FORMATS)


def run(arguments: argparse.Namespace) -> int:
    base, head = (_read_version(version, arguments) for version in (arguments.base, arguments.head))
    changes = compare_slos(base, head, LABEL_STYLES[arguments.label_style])
    sys.stdout.write(_FORMATS[arguments.output](changes))
    return PROBLEMS_FOUND if any(change.is_breaking for change in changes) else FINE


def _read_version(version: str | None, arguments: argparse.Namespace) -> tuple[Slo, ...]:
    """Read the SLOs of a directory or a revision; raises CouldNotRun where one of its specs is refused."""
    folders = arguments.path or [_DEFAULT_PATH]
    if version is None:
        texts = read_spec_texts(folders)
    elif Path(version).exists():
        texts = read_spec_texts([version])
    elif (found := read_revision(version, folders)) is not None:
        texts = found
    else:
        raise CouldNotRun(f"{escape_unprintable(version)} is no directory and no git revision")
    slos = parse_valid_slos(texts, reading_options(arguments))
    if slos is None:
        raise CouldNotRun(f"the specs of {version or ', '.join(folders)} have the problems above")
    return slos
