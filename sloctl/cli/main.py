"""The entry point: pick a command and run it. Only the chosen command's module is imported."""

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn, Protocol, cast

from sloctl.cli.exit_codes import COULD_NOT_RUN, CouldNotRun, describe_os_error
from sloctl.cli.streams import open_standard_streams

COMMANDS: Final = {
    "compile": "turn specs into Prometheus rules and Grafana dashboards",
    "validate": "check specs and say, at the right line, what is wrong",
    "schema": "print the JSON Schema of a spec, for editors",
    "explain": "say in plain words what an SLO means, with its own numbers",
    "backfill": "give a new SLO full windows from what Prometheus still holds",
    "status": "show how SLOs stand now; also a gate in front of a deployment",
    "sidecar": "compute live error-budget burn from a service's own metrics",
    "demo": "watch an incident burn a budget, in this terminal",
}


class Command(Protocol):
    """The interface of a command's module; its docstring is the command's help, example included."""

    __doc__: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class _CommandParser(argparse.ArgumentParser):
    """A parser that ends wrong usage with exit code 2, and names the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(COULD_NOT_RUN, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code, and ends a broken world with one line on standard error."""
    if not argv or argv[0] not in COMMANDS:
        _overview_parser().parse_args(argv or ["--help"])
        return COULD_NOT_RUN
    try:
        command = cast(Command, importlib.import_module(f"sloctl.cli.{argv[0]}"))
        code = command.run(_command_parser(command, argv[0]).parse_args(argv[1:]))
        sys.stdout.flush()
    except CouldNotRun as broken:
        reason = str(broken)
    except OSError as error:
        reason = describe_os_error(error)
    except MemoryError:
        reason = "out of memory"
    except KeyboardInterrupt:
        reason = "interrupted"
    else:
        return code
    print(f"sloctl {argv[0]}: {reason}", file=sys.stderr)
    return COULD_NOT_RUN


def _command_parser(command: Command, name: str) -> argparse.ArgumentParser:
    parser = _CommandParser(
        prog=f"sloctl {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return parser


def _overview_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = _CommandParser(
        prog="sloctl",
        usage="sloctl COMMAND [...]",
        description="Service level objectives for Prometheus: a spec compiles into rules and dashboards.",
        epilog=f"commands:\n{commands}\n\nexample:\n  sloctl compile slos -d .\n\n"
        "`sloctl COMMAND --help` shows an example of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_VersionAction, nargs=0, help="print the version and leave")
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS, help=argparse.SUPPRESS)
    return parser


class _VersionAction(argparse.Action):
    """The option --version, which alone reads the installed metadata."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - 20 ms that no other command needs

        print(f"sloctl {version('sloctl')}")
        parser.exit()


def entry_point() -> NoReturn:
    """Run the console script; a defect of ours ends with 2 as well, since 1 is a verdict on specs."""
    open_standard_streams()
    code: object = COULD_NOT_RUN
    try:
        try:
            code = main(sys.argv[1:])
        except SystemExit as leaving:
            # The parser has said what there was to say, but not yet written it.
            code = leaving.code
        sys.stdout.flush()
    except CouldNotRun as broken:
        print(f"sloctl: {broken}", file=sys.stderr)
        code = COULD_NOT_RUN
    except Exception:  # noqa: BLE001 - the last place: an exit code of 1 would mean problems found
        traceback.print_exc()
        code = COULD_NOT_RUN
    raise SystemExit(code)
