"""Recovery: whether what fired has stopped, and when its alert will clear if no further errors come.

Law: it is the evaluation itself, asked about minutes to come. Those have no errors, and the traffic of the
last five minutes; so the minute that is foretold is the one in which the alert ends, where both hold.
"""

from collections.abc import Sequence
from itertools import groupby

from sloctl.duration import MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.buckets import BucketSum, add_sums
from sloctl.sidecar.engine.evaluation import Recovery, SloPlan, evaluate_alerts, evaluate_burns
from sloctl.sidecar.engine.running_sums import RunningSums, TimedBucket
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import COARSE_STEP


def forecast_recovery(
    plan: SloPlan,
    severity: Severity,
    buckets: Sequence[TimedBucket],
    *,
    now: float,
    covered_seconds: float,
    threshold: float,
) -> Recovery | None:
    """Foretell when the alert of *severity*, which fires at *now* (Unix seconds), will clear.

    *buckets* are those of the history, the oldest first; *covered_seconds* says for how long there are data.
    A minute burns where its error ratio is above *threshold*. None where the newest minute does, or none.
    """
    stopped_at = _last_burning(buckets, threshold)
    if stopped_at is None or now - stopped_at < MINUTE:
        return None
    sums = RunningSums(buckets)
    (newest,) = sums.lookback_sums(now, (COARSE_STEP,))
    rate = newest.total / newest.seconds if newest.seconds else 0.0

    def fires_at(at: float) -> bool:
        ahead = at - now
        shares = [min(ahead, lookback) for lookback in plan.lookbacks]
        expected = [
            add_sums(seen, BucketSum(round(seconds), 0.0, rate * seconds))
            for seen, seconds in zip(sums.lookback_sums(at, plan.lookbacks), shares, strict=True)
        ]
        alerts = evaluate_alerts(plan, evaluate_burns(plan, expected), covered_seconds + ahead)
        return any(each.severity is severity and each.state is AlertState.FIRING for each in alerts)

    shorts = [row.policy_row.short for each, rows in plan.thresholds if each is severity for row in rows]
    first_minute = int(now // MINUTE) + 1
    # With every error out of the short lookbacks nothing fires; without new ones nothing begins to.
    fires, clear = first_minute - 1, int((stopped_at + max(shorts)) // MINUTE) + 2
    while clear - fires > 1:
        middle = (fires + clear) // 2
        if fires_at(middle * MINUTE):
            fires = middle
        else:
            clear = middle
    return Recovery(stopped_at, float(clear * MINUTE))


def _last_burning(buckets: Sequence[TimedBucket], threshold: float) -> float | None:
    """Find when the newest minute with errors above *threshold* had its last bucket with errors."""
    for _, minute in groupby(reversed(buckets), key=lambda each: -(-each.end // MINUTE)):
        together = list(minute)
        errors = sum(each.seen.error for each in together)
        if errors > threshold * sum(each.seen.total for each in together):
            return next((each.end for each in together if each.seen.error > 0), None)
    return None
