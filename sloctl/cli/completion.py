"""Print what makes a shell complete commands, options and their values, or the manual page.

example:
  source <(sloctl completion bash)                                  in ~/.bashrc
  sloctl completion zsh > "${fpath[1]}/_sloctl"
  sloctl completion fish > ~/.config/fish/completions/sloctl.fish
  sloctl completion man > sloctl.1                                  then: man ./sloctl.1
"""

import argparse
from collections.abc import Callable, Mapping
from shlex import quote
from typing import Final

from msgspec import Struct

from sloctl.cli.exit_codes import FINE, CouldNotRun

# What ends a description in `_arguments` and `_describe`.
_ZSH_ESCAPES: Final = str.maketrans({char: f"\\{char}" for char in "[]:\\"})


class OptionWords(Struct, frozen=True):
    """An option as a shell sees it: its spellings, the values it takes, and one line of help.

    Without *values*, one that takes a value takes any, a file for all we know.
    """

    spellings: tuple[str, ...]
    help_text: str
    values: tuple[str, ...]
    takes_value: bool


class CommandWords(Struct, frozen=True):
    """A command as a shell sees it; *values* are those of its first word, where they are fixed."""

    name: str
    summary: str
    values: tuple[str, ...]
    options: tuple[OptionWords, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads it, or man")


def run(arguments: argparse.Namespace) -> int:
    print(SHELLS[arguments.shell](list_commands()))
    return FINE


def list_commands() -> list[CommandWords]:
    """Read the words of every command from its own parser; without the sidecar's extra, its name alone."""
    from sloctl.cli.main import COMMANDS, build_command_parser, load_command  # noqa: PLC0415 - it imports us

    commands = []
    for name, summary in COMMANDS.items():
        try:
            parser = build_command_parser(load_command(name), name)
        except CouldNotRun:
            commands.append(CommandWords(name, summary, (), ()))
            continue
        values: list[str] = []
        options = []
        for action in parser._actions:  # noqa: SLF001 - argparse shows its options in no other way
            choices = tuple(map(str, action.choices or ()))
            if not action.option_strings:
                values += choices
            elif action.help != argparse.SUPPRESS:
                summary_line = " ".join((action.help or "").split())
                options.append(
                    OptionWords(tuple(action.option_strings), summary_line, choices, action.nargs != 0)
                )
        commands.append(CommandWords(name, summary, tuple(values), tuple(options)))
    return commands


def render_bash(commands: list[CommandWords]) -> str:
    """Render a bash function; it completes files wherever nothing better is known."""
    cases = []
    for command in commands:
        spellings = " ".join(spelling for option in command.options for spelling in option.spellings)
        fixed = "".join(
            f"      {'|'.join(option.spellings)}) words={quote(' '.join(option.values))} ;;\n"
            for option in command.options
            if option.values
        )
        cases.append(
            f"  {command.name})\n"
            f'    case "$previous" in\n{fixed}'
            f"      *) words={quote(' '.join(command.values))}\n"
            f'         [[ "$current" == -* ]] && words={quote(spellings)} ;;\n'
            f"    esac ;;\n"
        )
    names = " ".join(command.name for command in commands)
    return (
        "_sloctl() {\n"
        '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words=""\n'
        f"  if [[ $COMP_CWORD -eq 1 ]]; then\n"
        f'    COMPREPLY=($(compgen -W "{names} --help --version" -- "$current"))\n'
        "    return\n"
        "  fi\n"
        f'  case "${{COMP_WORDS[1]}}" in\n{"".join(cases)}  esac\n'
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))\n'
        "}\n"
        "complete -o bashdefault -o default -F _sloctl sloctl"
    )


def render_zsh(commands: list[CommandWords]) -> str:
    """Render a zsh completion function, for a file `_sloctl` on the `fpath`."""
    cases = []
    for command in commands:
        specs = []
        for option in command.options:
            value = f":value:({' '.join(option.values)})" if option.values else ":value:_files"
            described = f"[{option.help_text.translate(_ZSH_ESCAPES)}]{value if option.takes_value else ''}"
            specs += [quote(f"{spelling}{described}") for spelling in option.spellings]
        rest = f"1:value:({' '.join(command.values)})" if command.values else "*:file:_files"
        lines = " \\\n        ".join([*specs, quote(rest)])
        cases.append(f"      {command.name})\n        _arguments \\\n        {lines} ;;\n")
    names = "\n".join(
        f"    {quote(f'{each.name}:{each.summary.translate(_ZSH_ESCAPES)}')}" for each in commands
    )
    return (
        "#compdef sloctl\n"
        "_sloctl() {\n"
        f"  local -a commands=(\n{names}\n  )\n"
        "  if (( CURRENT == 2 )); then\n"
        "    _describe command commands\n"
        "  else\n"
        "    local command=$words[2]\n"
        "    shift words; (( CURRENT-- ))\n"
        f"    case $command in\n{''.join(cases)}    esac\n"
        "  fi\n"
        "}\n"
        '_sloctl "$@"'
    )


def render_fish(commands: list[CommandWords]) -> str:
    """Render fish's `complete` lines."""
    lines = []
    for command in commands:
        here = f"complete -c sloctl -n {quote(f'__fish_seen_subcommand_from {command.name}')}"
        lines.append(
            f"complete -c sloctl -f -n __fish_use_subcommand -a {command.name} -d {quote(command.summary)}"
        )
        if command.values:
            lines.append(f"{here} -f -a {quote(' '.join(command.values))}")
        for option in command.options:
            names = " ".join(
                f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"
                for spelling in option.spellings
            )
            value = f" -x -a {quote(' '.join(option.values))}" if option.values else " -r"
            lines.append(f"{here} {names}{value if option.takes_value else ''} -d {quote(option.help_text)}")
    return "\n".join(lines)


def render_manual(commands: list[CommandWords]) -> str:
    """Render the manual page, for man(7)'s macros."""
    lines = [
        ".TH SLOCTL 1",
        ".SH NAME",
        r"sloctl \- service level objectives for Prometheus",
        ".SH SYNOPSIS",
        ".B sloctl",
        ".I COMMAND [...]",
        ".SH DESCRIPTION",
        "A spec compiles into Prometheus rules, alerts and Grafana dashboards.",
        "A sidecar computes the burn live.",
        ".SH COMMANDS",
    ]
    for command in commands:
        summary = f"{command.summary[:1].upper()}{command.summary[1:]}."
        lines += [f'.SS "sloctl {command.name}"', _escape_roff(summary)]
        for option in command.options:
            value = f" {'|'.join(option.values) or 'VALUE'}" if option.takes_value else ""
            spellings = _escape_roff(f"{', '.join(option.spellings)}{value}")
            lines += [".TP", rf"\fB{spellings}\fR", _escape_roff(option.help_text) or r"\&"]
    lines += [
        ".SH EXIT STATUS",
        "0: fine. 1: problems were found, or a gate is closed. 2: it could not run.",
    ]
    return "\n".join(lines)


def _escape_roff(text: str) -> str:
    """Write text that roff takes for text: no escapes, no requests, and hyphens that can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


SHELLS: Final[Mapping[str, Callable[[list[CommandWords]], str]]] = {
    "bash": render_bash,
    "zsh": render_zsh,
    "fish": render_fish,
    "man": render_manual,
}
