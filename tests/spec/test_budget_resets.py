"""A budget is reset to a moment that is past."""

from sloctl.spec import ReadingOptions, read_specs
from tests.spec.specs import SPEC

RESET = """\
---
apiVersion: sloctl.dev/v1
kind: Exclusions
metadata: {name: reset}
spec:
  exclusions: [{reason: A new budget., match: {}, until: "2026-11-20T12:00:00Z"}]
"""


def problem_codes_on(day: str) -> list[str]:
    found = read_specs([("shop.yaml", (SPEC + RESET).encode())], ReadingOptions(today=day))
    return [problem.code for problem in found.problems]


def test_a_reset_of_today_is_taken() -> None:
    assert problem_codes_on("2026-11-20") == []


def test_a_reset_in_the_future_is_refused() -> None:
    assert problem_codes_on("2026-11-18") == ["exclusion-time"]


def test_a_reset_that_no_window_reaches_can_be_removed() -> None:
    assert problem_codes_on("2026-11-30") == []
    assert problem_codes_on("2027-03-01") == ["exclusion-over"]
