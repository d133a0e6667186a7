"""The constants of compiled rules, one changed at a time, and whether the compiled tests notice."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.real import promtool

_RULE: Final = re.compile(r"^ *- (?:record|alert): (?P<name>\S+)$")
_CONSTANTS_FOLLOW: Final = re.compile(r"^ +(?:expr|for): ")
_OTHER_KEY: Final = re.compile(r"^ *(?:- )?(?:name|interval|rules|labels|annotations|record|alert): ?")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
# A duration or a number that stands for itself: in no name, no string.
_CONSTANT: Final = re.compile(r"(?<![\w.:$])(?:(?:\d+(?:ms|[smhdwy]))+|\d+(?:\.\d+)?)(?![\w.])")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule file with one constant changed, and where."""

    rule: str
    constant: str
    line: str
    text: str


def mutate_constants(rules: str) -> Iterator[Mutation]:
    """Double each constant of each expression and `for`, 0 becoming 1; those of the repair are left out."""
    lines = rules.split("\n")
    name, in_text, in_repair = "", False, False
    for number, line in enumerate(lines):
        if line.lstrip().startswith("- name: "):
            in_repair = line.endswith(':repair"')
        if rule := _RULE.match(line):
            name, in_text = rule["name"], False
        elif _CONSTANTS_FOLLOW.match(line):
            in_text = True
        elif _OTHER_KEY.match(line):
            in_text = False
        if not in_text or in_repair:
            continue
        bare = _STRING.sub(lambda text: "x" * len(text[0]), line)
        for constant in _CONSTANT.finditer(bare):
            changed = f"{line[: constant.start()]}{_double(constant[0])}{line[constant.end() :]}"
            yield Mutation(
                name, constant[0], line.strip(), "\n".join([*lines[:number], changed, *lines[number + 1 :]])
            )


def is_noticed(directory: Path, mutation: Mutation, service: str) -> bool:
    """Whether a test in *directory* fails on the changed rules, or Prometheus cannot read them."""
    (directory / "alerts" / f"{service}.yaml").write_text(mutation.text)
    files = sorted((directory / "rule_tests").glob(f"{service}*.yaml"), reverse=True)
    return any(
        subprocess.run([promtool(), "test", "rules", file], capture_output=True, check=False).returncode != 0
        for file in files
    )


def _double(constant: str) -> str:
    if constant == "0":
        return "1"
    if re.fullmatch(r"\d+(?:\.\d+)?", constant):
        return repr(float(constant) * 2).removesuffix(".0")
    return re.sub(r"\d+", lambda digits: str(2 * int(digits[0])), constant)
