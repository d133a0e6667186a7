"""What rules read of a real Prometheus in a minute, and how long that takes."""

from collections.abc import Iterable

from bench.rules.server import Server
from sloctl.rules.rule import Rule
from sloctl.slo.resolutions import FINE_STEP
from tests.real import Prometheus


def bill_a_minute(
    server: Prometheus, rules: Iterable[tuple[Rule, int]], *, at: int, best_of: int
) -> tuple[float, float]:
    """Evaluate each rule, given with its interval in seconds; samples and milliseconds of all a minute."""
    samples = milliseconds = 0.0
    for rule, interval in rules:
        bills = [Server(server.url, "").bill(rule.expr, at) for _ in range(best_of)]
        samples += bills[0].samples * FINE_STEP / interval
        milliseconds += min(bill.seconds for bill in bills) * 1000 * FINE_STEP / interval
    return samples, milliseconds
