"""Recorded counts of one or five minutes → ratios over the lookbacks, up to the whole window."""

from typing import Final

from sloctl import naming
from sloctl.model import ConditionIndicator, WhenAbsent
from sloctl.rule_tests.promtool import RuleTest
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.rules.recording import counted_lookbacks
from sloctl.rules.scope import Scope
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, build_resolutions

_EVENTS: Final = 1000
_BAD: Final = 90
# Before them, so that a range too long is noticed as well.
_USUAL: Final = 1
# Steps of errors: within every lookback.
_BURST: Final = 2


def window_tests(tested: TestedSlo) -> list[RuleTest]:
    """Build the tests of the ratios that are summed from recorded counts, at the end of a full window.

    The rules are to be evaluated once a window: at its beginning, where nothing is, and at its end.
    """
    return [_step_test(tested, FINE_STEP), _step_test(tested, COARSE_STEP)]


def _step_test(tested: TestedSlo, step: int) -> RuleTest:
    """Find a burst of errors in every lookback that counts of *step* are summed into.

    The newest count is missing: what the rules themselves find in that instant would stand in its place.
    """
    slo, end = tested.slo, tested.slo.window.seconds
    steps = end // step
    lines = {
        tested.fed(naming.event_count_metric(step)): f"{_EVENTS}x{steps - 1}",
        tested.fed(naming.error_count_metric(step)): f"{_USUAL}x{steps - _BURST - 1} {_BAD}x{_BURST - 1}",
    }
    own_events, own_errors = _own_minute(tested)
    burst = _BURST * (_BAD - _USUAL) + own_errors
    counted = counted_lookbacks(Scope.from_slo(slo, tested.style))
    expectations = []
    for resolution in build_resolutions(slo.alerting.policy, end).with_step(step):
        lookback = resolution.lookback
        events = _EVENTS * (lookback // step - 1) + own_events
        errors = _USUAL * (lookback // step - 1) + burst
        expectations.append(tested.recorded(naming.error_ratio_metric(lookback), end, errors / events))
        if lookback in counted:
            expectations.append(tested.recorded(naming.error_count_metric(lookback), end, errors))
    name = "ten minutes of errors" if step == COARSE_STEP else "two minutes of errors"
    if step == FINE_STEP:
        sums = {
            naming.event_count_metric: 4 * _EVENTS + own_events,
            naming.error_count_metric: 4 * _USUAL + burst,
        }
        expectations += [tested.recorded(metric(COARSE_STEP), end, value) for metric, value in sums.items()]
    return RuleTest(f"{slo.id}: {name}", step, lines, tuple(expectations))


def _own_minute(tested: TestedSlo) -> tuple[int, int]:
    """Return what the rules count in a minute without any series: a condition may count it as one."""
    indicator = tested.slo.indicator
    if not isinstance(indicator, ConditionIndicator) or indicator.when_absent is WhenAbsent.IGNORE:
        return 0, 0
    return 1, int(indicator.when_absent is WhenAbsent.BAD)
