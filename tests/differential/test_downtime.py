"""Two hours without Prometheus, an outage inside: the repair of them misleads no alert afterwards."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.model import RollingWindow, Severity, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RuleGroup
from sloctl.slo.burn import covered_share
from sloctl.slo.policy import alert_threshold, rows_of_severity, settles_after
from sloctl.slo.resolutions import EventCounts
from tests.conftest import Figure
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.streams import Child, Target
from tests.differential.stretch import Hole, down_series, unseen_in
from tests.rules.specimens import ALERTING

SCRAPE: Final = 15
EVENTS: Final = 20
SLO: Final = RATIO.slo(
    objective=Fraction(995, 1000),
    window=RollingWindow(30 * DAY),
    alerting=replace(ALERTING, no_data=None),
)
ONE_TICKET_ROW: Final = RATIO.slo(
    objective=SLO.objective,
    window=SLO.window,
    alerting=replace(SLO.alerting, policy=SLO.alerting.policy[:-1]),
)
# A repair has its turn within half an hour, and its last look is up to eleven minutes old then.
REPAIRED_WITHIN: Final = 41 * MINUTE
LOOKBACKS: Final = (2 * HOUR, DAY, 3 * DAY, 30 * DAY)
# A ratio of fewer errors than this has no meaningful relative error.
FEW: Final = 50


@dataclass(frozen=True, slots=True)
class Downtime:
    """A service of 80 events a minute; *share* of them fail in *outage*, one in a thousand always.

    Towards the end, when *outage* leaves three days, one in a hundred fails.
    """

    hole: Hole
    outage: Hole
    share: float

    def target(self, horizon: int) -> Target:
        bad = [self._errors(at, number) for number, at in enumerate(range(5, horizon + 1, SCRAPE))]
        return Target("a", (Child("/pay", [EVENTS - it for it in bad], bad, head=(5000, 500)),))

    def _errors(self, at: int, number: int) -> int:
        if self.outage.start < at <= self.outage.end:
            return round(self.share * EVENTS)
        every = 5 if at > self.hole.end + 3 * DAY - 8 * HOUR else 50
        return int(number % every == 0)


class Truth:
    """Events and errors of any stretch, as the scrapes would have seen them had there been no downtime."""

    def __init__(self, target: Target, slo: Slo = SLO) -> None:
        self._slo = slo
        [child] = target.children
        self._times = [target.phase + number * SCRAPE for number in range(len(child.ok))]
        self._errors = [0, *accumulate(child.bad)]

    def counts(self, at: int, lookback: int) -> EventCounts:
        last, first = (bisect_right(self._times, moment) for moment in (at, at - lookback))
        return EventCounts(self._errors[last] - self._errors[first], EVENTS * (last - first))

    def fires(self, severity: Severity, at: int) -> bool:
        return any(
            (self.counts(at, row.long).error_ratio or 0) * covered_share(at, settles_after(row)) > threshold
            and (self.counts(at, row.short).error_ratio or 0) > threshold
            for row in rows_of_severity(self._slo.alerting.policy, severity)
            for threshold in (float(alert_threshold(row, self._slo.window.seconds, self._slo.budget)),)
        )


def play(
    directory: Path, downtimes: Sequence[Downtime], after: int, groups: Sequence[RuleGroup]
) -> list[Recording]:
    """Run the rules until *after* seconds behind the end of each downtime, and read them from there on."""
    stories = []
    for it in downtimes:
        horizon = it.hole.end + after
        series = RATIO.world([unseen_in(it.target(horizon), [it.hole])], horizon)
        series.append(down_series(range(it.hole.start, it.hole.end, MINUTE)))
        stories.append(Story(series, horizon, range(it.hole.end, horizon + 1, MINUTE)))
    return record(directory, groups, stories, phases={f"slo:{SLO.id}:repair": 2 * MINUTE})


def needless_alerts(recording: Recording, truth: Truth) -> list[str]:
    """Name each minute of an alert that the truth raised at no moment of the delay before it."""
    needless = []
    for at, samples in recording.items():
        for labels in (it.labels for it in samples if it.labels["__name__"] == "ALERTS"):
            moments = range(at - REPAIRED_WITHIN, at + MINUTE + 1, MINUTE)
            is_burn = labels["slo_alert"] == "burn"
            if not (is_burn and any(truth.fires(Severity(labels["slo_severity"]), it) for it in moments)):
                needless.append(f"{at // MINUTE}m {labels['alertname']} {labels['severity']}")
    return needless


def relative_errors(recording: Recording, truth: Truth, lookback: int) -> dict[int, float]:
    """Tell by second how far a recorded ratio is from the true one."""
    name = naming.error_ratio_metric(lookback)
    found = {
        at: it.value for at, samples in recording.items() for it in samples if it.labels["__name__"] == name
    }
    true = {at: truth.counts(at, min(lookback, at)) for at in found}
    return {
        at: abs(value / ratio - 1)
        for at, value in found.items()
        if true[at].error >= FEW and (ratio := true[at].error_ratio)
    }


def without_parts(groups: Sequence[RuleGroup]) -> list[RuleGroup]:
    """Let every lookback count the repair as if all had happened at its stamp."""
    return [_rewritten(it, lambda text: text.replace(', slo_part=""}[', "}[")) for it in groups]


def _rewritten(group: RuleGroup, rewrite: Callable[[str], str]) -> RuleGroup:
    return replace(group, rules=tuple(replace(rule, expr=rewrite(rule.expr)) for rule in group.rules))


START: Final = 4 * HOUR + 7 * MINUTE
FIRST_DAY: Final = Downtime(
    Hole(START, START + 2 * HOUR), Hole(START + 20 * MINUTE, START + 50 * MINUTE), 1.0
)


def test_a_downtime_on_the_first_day_raises_no_needless_alert(tmp_path: Path) -> None:
    groups = rule_groups(ONE_TICKET_ROW, NATIVE_STYLE)
    after = 3 * HOUR

    [repaired] = play(tmp_path, [FIRST_DAY], after, groups)
    [misled] = play(tmp_path, [FIRST_DAY], after, without_parts(groups))

    truth = Truth(FIRST_DAY.target(FIRST_DAY.hole.end + after), ONE_TICKET_ROW)
    assert needless_alerts(repaired, truth) == []
    assert needless_alerts(misled, truth) != []


_BEGIN: Final = DAY + 5 * HOUR + 7 * MINUTE
_HOLE: Final = Hole(_BEGIN, _BEGIN + 2 * HOUR)
DOWNTIMES: Final = {
    "half an hour of total outage": Downtime(_HOLE, Hole(_BEGIN + 5 * MINUTE, _BEGIN + 35 * MINUTE), 1.0),
    "ten minutes of 10 % errors": Downtime(_HOLE, Hole(_BEGIN + HOUR, _BEGIN + 70 * MINUTE), 0.1),
}


@pytest.mark.full
@pytest.mark.parametrize("name", DOWNTIMES)
def test_three_days_after_a_downtime_raise_no_needless_alert(
    name: str, tmp_path: Path, figure: Figure
) -> None:
    downtime, after = DOWNTIMES[name], 3 * DAY + 3 * HOUR
    groups = rule_groups(SLO, NATIVE_STYLE)

    [recording] = play(tmp_path, [downtime], after, groups)
    [unrepaired] = play(tmp_path, [downtime], after, groups[:-1])

    truth = Truth(downtime.target(downtime.hole.end + after))
    for lookback in LOOKBACKS:
        errors, without = (relative_errors(it, truth, lookback) for it in (recording, unrepaired))
        figure(
            f"{name}, {format_duration(lookback)}: worst {max(errors.values(), default=0):.1%}, "
            f"unrepaired {max(without.values(), default=0):.1%}; "
            f"median {median(errors.values()) if errors else 0:.2%}"
        )
        assert [at for at, error in errors.items() if error > without.get(at, 1.0) + 0.02] == []
    assert needless_alerts(recording, truth) == []
