"""All checks over all SLOs that were read."""

from collections.abc import Iterable, Mapping
from typing import Final

from sloctl.checks import objective_checks, query_checks, repository_checks, selector_checks
from sloctl.checks.findings import CheckFinding, OfflineCheck, ReviewOptions, locate_finding
from sloctl.checks.journey_parts import own_parts
from sloctl.problems import Problem, sort_problems
from sloctl.spec import ParsedSpecs
from sloctl.spec.findings import limit_problems
from sloctl.spec.settings import ADJUSTABLE_CODES, apply_severities
from sloctl.spec.suppressions import find_needless, suppress_problems

# Of what an SLO counts; a journey's own parts count too.
_COUNTING_CHECKS: Final[tuple[OfflineCheck, ...]] = (
    selector_checks.check_counters_by_name,
    selector_checks.check_sums,
    selector_checks.check_sides_differ,
    selector_checks.check_equal_patterns,
    selector_checks.check_errors_in_total,
    selector_checks.check_regular_expressions,
    selector_checks.check_groups_differ,
    query_checks.check_ranges,
    query_checks.check_query_sums,
    query_checks.check_condition_groups,
)
OFFLINE_CHECKS: Final[tuple[OfflineCheck, ...]] = (
    *_COUNTING_CHECKS,
    objective_checks.check_objective_resolution,
    objective_checks.check_budget_of_one,
    repository_checks.check_required_labels,
    repository_checks.check_required_annotations,
    repository_checks.check_names,
)


def review_specs(
    specs: ParsedSpecs,
    sources: Mapping[str, bytes],
    *,
    today: str,
    per_second: float | None = None,
    more: Iterable[CheckFinding] = (),
) -> tuple[Problem, ...]:
    """Return the problems of reading and of every check, and of *more* findings, in order.

    *sources* are the contents of the files by path; *today* is a day as in `2027-01-01`; *per_second* are the
    events of one budget, where they are known.
    """
    lines = {path: content.decode(errors="replace").splitlines() for path, content in sources.items()}
    found = [locate_finding(finding, lines) for finding in more]
    for located in specs.located:
        options = ReviewOptions(specs.settings.get(located.document.path), per_second)
        found += [
            locate_finding(finding, lines) for check in OFFLINE_CHECKS for finding in check(located, options)
        ]
        found += [
            locate_finding(finding, lines)
            for part in own_parts(located)
            for check in _COUNTING_CHECKS
            for finding in check(part, options)
        ]
    remaining, used = suppress_problems(found, specs.suppressions, today)
    # Of a spec that refuses to compile nothing was checked, so its comments may well be needed.
    refused = {problem.place.path for problem in specs.problems if problem.code not in ADJUSTABLE_CODES}
    needless = [
        problem
        for problem in find_needless(specs.suppressions, specs.used | used, today)
        if problem.place.path not in refused
    ]
    weighed = apply_severities([*remaining, *needless], specs.settings)
    return tuple(limit_problems(sort_problems([*specs.problems, *weighed])))
