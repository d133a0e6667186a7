"""The entry point: pick a command and run it. Only the chosen command's module is imported."""

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn, Protocol, cast

from sloctl.cli.exit_codes import COULD_NOT_RUN, CouldNotRun, describe_os_error
from sloctl.cli.streams import open_standard_streams
from sloctl.problems import escape_unprintable

COMMANDS: Final = {
    "compile": "turn specs into Prometheus rules and Grafana dashboards",
    "push": "bring rules to the ruler of a Mimir or a Cortex, and nothing but what has changed",
    "validate": "check specs and say, at the right line, what is wrong",
    "schema": "print the JSON Schema of a spec, for editors",
    "discover": "propose SLOs from the metrics that a Prometheus has",
    "preset": "list ready indicators, show one, and test your own",
    "diff": "say what changes between two versions of specs, in meaning",
    "exclude": "take a time out of an SLO's numbers, with a reason",
    "explain": "say in plain words what an SLO means, with its own numbers",
    "report": "tell how a month's SLOs fared, for those who were not on call",
    "backtest": "replay an SLO's alerts over the past: pages, tickets, and what they cost",
    "simulate": "play outages to an SLO: time to page, budget spent, time to quiet",
    "migrate": "bring specs of Sloth, Pyrra or OpenSLO, and see what changes",
    "export": "write specs as OpenSLO, for tools that read it",
    "backfill": "give a new SLO full windows from what Prometheus still holds",
    "status": "show how SLOs stand now; also a gate in front of a deployment",
    "sidecar": "compute live error-budget burn from a service's own metrics",
    "demo": "watch an incident burn a budget, in this terminal",
    "mcp": "serve read-only tools to an agent, over the Model Context Protocol",
    "completion": "print what makes a shell complete commands, options and their values",
    "version": "print the versions of sloctl, of Python, and of what it reads specs with",
}


class Command(Protocol):
    """The interface of a command's module; its docstring is the command's help, example included."""

    __doc__: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class _CommandParser(argparse.ArgumentParser):
    """A parser that ends wrong usage with exit code 2, and names the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(COULD_NOT_RUN, f"{self.prog}: {escape_unprintable(message)} (see {self.prog} --help)\n")

    def parse_command_line(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse all of *words*; of what is left over the first option is named, with the nearest there is."""
        arguments, left_over = self.parse_known_args(words)
        if left_over:
            unknown = next((word for word in left_over if word.startswith("-")), None)
            if unknown is None:
                self.error(f"{left_over[0]} is one word too many")
            option = unknown.partition("=")[0]
            self.error(f"there is no option {option}{self.suggest_word(option, self._option_string_actions)}")
        return arguments

    @staticmethod
    def suggest_word(word: str, known: Iterable[str]) -> str:
        """Return `: did you mean x?` where one of *known* comes close, else an empty text."""
        from sloctl.spec.messages import did_you_mean  # noqa: PLC0415 - only a misspelling pays for it

        return did_you_mean(word, known)


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code, and ends a broken world with one line on standard error."""
    if not argv or argv[0] not in COMMANDS:
        overview = _overview_parser()
        if argv and not argv[0].startswith("-"):
            overview.error(f"there is no command {argv[0]}{overview.suggest_word(argv[0], COMMANDS)}")
        overview.parse_command_line(argv or ["--help"])
        return COULD_NOT_RUN
    try:
        command = load_command(argv[0])
        code = command.run(build_command_parser(command, argv[0]).parse_command_line(argv[1:]))
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


def load_command(name: str) -> Command:
    """Import the module of one of COMMANDS."""
    return cast(Command, importlib.import_module(f"sloctl.cli.{name}"))


def build_command_parser(command: Command, name: str) -> _CommandParser:
    """Build the parser of one command; also read by completion and by the manual page."""
    parser = _CommandParser(
        prog=f"sloctl {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return parser


def _overview_parser() -> _CommandParser:
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
        import traceback  # noqa: PLC0415 - nobody else waits for it

        traceback.print_exc()
        code = COULD_NOT_RUN
    raise SystemExit(code)
