"""A table of time zones that runs out is told a year before."""

import pytest

from sloctl.spec import ReadingOptions, read_specs
from tests.spec.specs import SPEC


def problems_on(day: str, window: str) -> list[str]:
    spec = SPEC + f"      window: {window}\n"
    found = read_specs([("shop.yaml", spec.encode())], ReadingOptions(today=day))
    return [str(problem) for problem in found.problems]


def test_a_table_that_goes_on_for_years_is_no_problem() -> None:
    found = problems_on("2026-12-01", "{calendar: month, timeZone: Europe/Berlin}")

    assert found == []


@pytest.mark.parametrize(("year", "level"), [(2030, "warning: "), (2031, "")])
def test_a_table_that_runs_out_is_told(year: int, level: str) -> None:
    [found] = problems_on(f"{year}-01-01", "{calendar: month, timeZone: Europe/Berlin}")

    assert f": {level}rules know the calendar of Europe/Berlin up to the end of 2030" in found
    assert found.endswith("[time-zone-table]")


def test_utc_needs_no_table() -> None:
    assert problems_on("2099-06-01", "{calendar: month}") == []
