"""A migration as a person or a program reads it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from sloctl.migrate.migration import MigratedSlo, Migration, MigrationOutcome
from sloctl.problems import Problem, ProblemLevel
from sloctl.table import format_markdown_table, format_table

_HEADINGS: Final = ("SLO", "outcome", "where", "what changed")


def render_text(migration: Migration) -> str:
    """Write one line an SLO, then what is wrong with those that were refused, and the counts."""
    rows = [_HEADINGS, *map(_row, migration.slos)]
    parts = [format_table(rows)] if migration.slos else []
    errors = _errors(migration)
    if errors:
        parts.append("\n".join(map(str, errors)))
    if migration.notes:
        parts.append("\n".join(map(str, migration.notes)))
    return "\n\n".join([*parts, summarize(migration)]) + "\n"


def render_markdown(migration: Migration) -> str:
    """Write the same for a pull request."""
    parts = ["# Migration", summarize(migration)]
    if migration.slos:
        parts.append(format_markdown_table([_HEADINGS, *map(_row, migration.slos)]))
    if errors := _errors(migration):
        parts += ["## Refused", "\n".join(f"- {_as_code(problem)}" for problem in errors)]
    if migration.notes:
        parts += ["## Notes", "\n".join(f"- {_as_code(problem)}" for problem in migration.notes)]
    return "\n\n".join(parts) + "\n"


def render_json(migration: Migration) -> str:
    """Write the same for a program."""
    return json.dumps(migration_object(migration), indent=2) + "\n"


def migration_object(migration: Migration) -> dict[str, object]:
    """Return the report as an object of JSON."""
    slos = [
        {
            "slo": slo.slo,
            "path": slo.place.path,
            "line": slo.place.line,
            "outcome": slo.outcome.value,
            "notes": [_problem_object(note) for note in slo.notes],
        }
        for slo in migration.slos
    ]
    return {
        "counts": {outcome.value: count for outcome, count in count_outcomes(migration).items()},
        "files": [file.path for file in migration.files],
        "slos": slos,
        "notes": [_problem_object(note) for note in migration.notes],
        "problems": [_problem_object(problem) for problem in migration.problems],
    }


def count_outcomes(migration: Migration) -> dict[MigrationOutcome, int]:
    """Count the SLOs of each outcome."""
    counted = Counter(slo.outcome for slo in migration.slos)
    return {outcome: counted[outcome] for outcome in MigrationOutcome}


def summarize(migration: Migration) -> str:
    """Write the counts in a line: `12 SLOs: 9 clean, 2 changed, 1 refused`."""
    counts = ", ".join(f"{count} {outcome.value}" for outcome, count in count_outcomes(migration).items())
    return f"{len(migration.slos)} SLOs: {counts}"


def _row(slo: MigratedSlo) -> tuple[str, str, str, str]:
    changes = "; ".join(dict.fromkeys(note.message for note in slo.notes))
    return slo.slo, slo.outcome.value, f"{slo.place.path}:{slo.place.line}", changes


def _errors(migration: Migration) -> list[Problem]:
    return [problem for problem in migration.problems if problem.level is ProblemLevel.ERROR]


def _as_code(problem: Problem) -> str:
    return f"`{str(problem).replace('`', chr(39))}`"


def _problem_object(problem: Problem) -> dict[str, str | int]:
    return {
        "path": problem.place.path,
        "line": problem.place.line,
        "column": problem.place.column,
        "level": problem.level.value,
        "code": problem.code,
        "message": problem.message,
    }


FORMATS: Final[Mapping[str, Callable[[Migration], str]]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
}
