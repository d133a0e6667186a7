"""Comments that take findings back: `# sloctl:ignore CODE[, CODE] REASON [until 2027-01-01]`.

Behind a value it is about that line; on a line of its own, about the next one and what belongs to it.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from msgspec import Struct

from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec.messages import did_you_mean, quote_value
from sloctl.spec.settings import ADJUSTABLE_CODES

_MARK: Final = "sloctl:ignore"
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#\s*sloctl:ignore\b(?P<rest>.*)$")
_UNTIL: Final = re.compile(r"\s+until\s+(\S+)\s*$")
_DATE: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_CODES: Final = re.compile(r"\s*([a-z][-a-z0-9]*(?:\s*,\s*[a-z][-a-z0-9]*)*)(?:\s+|$)")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')


class Suppression(Struct, frozen=True):
    """A comment that takes the findings of some codes back, on the lines from *first* to *last*.

    *until* is the last day on which it holds, as in `2027-01-01`; empty for ever.
    """

    place: Place
    width: int
    codes: tuple[str, ...]
    reason: str
    until: str
    first: int
    last: int

    def covers(self, problem: Problem) -> bool:
        """Return whether this is about *problem*; what refuses a spec cannot be taken back."""
        return (
            problem.code in self.codes
            and problem.place.path == self.place.path
            and self.first <= problem.place.line <= self.last
            and problem.level is not ProblemLevel.ERROR
        )

    def has_expired(self, today: str) -> bool:
        """Return whether its last day is over; never on an unknown day, which is empty."""
        return bool(self.until and today) and self.until < today


def read_suppressions(path: str, content: bytes) -> tuple[list[Suppression], list[Problem]]:
    """Read the comments of a file, and the problems of those that cannot be understood."""
    if _MARK.encode() not in content:
        return [], []
    suppressions: list[Suppression] = []
    problems: list[Problem] = []
    lines = content.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        # A text in quotes is no comment; its characters keep their columns.
        comment = _COMMENT.search(_QUOTED.sub(lambda quoted: "x" * len(quoted[0]), line))
        if comment is None:
            continue
        place = Place(path, number, comment.start() + 1)
        found = _parse_comment(line[comment.start("rest") :])
        if isinstance(found, str):
            problems.append(
                Problem(place, "ignore-comment", found, ProblemLevel.WARNING, len(line) - comment.start())
            )
            continue
        codes, reason, until = found
        first, last = _covered_lines(lines, number - 1)
        suppressions.append(
            Suppression(place, len(line.rstrip()) - comment.start(), codes, reason, until, first, last)
        )
    return suppressions, problems


def suppress_problems(
    problems: Iterable[Problem], suppressions: Collection[Suppression], today: str
) -> tuple[list[Problem], frozenset[Suppression]]:
    """Return the problems that no comment takes back, and the comments that took one back."""
    in_force = [each for each in suppressions if not each.has_expired(today)]
    kept, used = [], set()
    for problem in problems:
        about = [each for each in in_force if each.covers(problem)]
        used.update(about)
        if not about:
            kept.append(problem)
    return kept, frozenset(used)


def find_needless(
    suppressions: Iterable[Suppression], used: Collection[Suppression], today: str
) -> Iterator[Problem]:
    """Find the comments that take nothing back: a needless one, and one whose day is over."""
    for each in suppressions:
        codes = ", ".join(each.codes)
        if each.has_expired(today):
            message = f"this was to hold until {each.until}: mend {codes}, or give it another day"
            yield Problem(each.place, "expired-ignore", message, ProblemLevel.WARNING, each.width)
        elif each not in used:
            message = f"nothing here is {codes}: remove this comment"
            yield Problem(each.place, "useless-ignore", message, ProblemLevel.WARNING, each.width)


def _parse_comment(text: str) -> tuple[tuple[str, ...], str, str] | str:
    """Parse what follows the mark: codes, reason, last day; or return what is wrong with it."""
    codes = _CODES.match(text)
    if codes is None:
        return "a code and a reason follow, such as recorded-sum and why it is right here"
    names = tuple(name.strip() for name in codes[1].split(","))
    for name in names:
        if name not in ADJUSTABLE_CODES:
            return (
                f"{quote_value(name)} is no finding that can be ignored{did_you_mean(name, ADJUSTABLE_CODES)}"
            )
    reason, until = text[codes.end() :].strip(), ""
    if end := _UNTIL.search(f" {reason}"):
        until, reason = end[1], reason[: max(end.start() - 1, 0)].strip()
        if not _DATE.fullmatch(until):
            return f"a day is written as in 2027-01-01, got {quote_value(until)}"
    if not reason:
        return f"a reason follows the code: why is {names[0]} right here?"
    return names, reason, until


def _covered_lines(lines: list[str], comment: int) -> tuple[int, int]:
    """Return the first and the last line that the comment in a line is about; lines here count from 0."""
    if lines[comment].split("#")[0].strip():
        return comment + 1, comment + 1
    first = comment + 1
    while first < len(lines) and _is_blank(lines[first]):
        first += 1
    if first == len(lines):
        return comment + 1, comment + 1
    last, indent = first, _indent(lines[first])
    begins_item = lines[first].lstrip().startswith("- ")
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if _is_blank(line):
            continue
        is_item_of_key = _indent(line) == indent and line.lstrip().startswith("- ") and not begins_item
        if _indent(line) <= indent and not is_item_of_key:
            break
        last = number
    return first + 1, last + 1


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
