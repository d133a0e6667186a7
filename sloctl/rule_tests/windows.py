"""Recorded counts of one or five minutes → ratios over the lookbacks, up to the whole window."""

from typing import Final

from sloctl import naming
from sloctl.duration import HOUR
from sloctl.model import CalendarWindow, ConditionIndicator, WhenAbsent
from sloctl.rule_tests.promtool import RuleTest
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.rules.recording import counted_lookbacks
from sloctl.rules.scope import Scope
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, REPAIR_REACH, Resolution, build_resolutions

_EVENTS: Final = 1000
_BAD: Final = 90
# Before them, so that a range too long is noticed as well.
_USUAL: Final = 1
# Steps of errors: within every lookback.
_BURST: Final = 2
# Events and errors of each repair.
_REPAIRED: Final = (40, 3)
# The window is looked over so many times for its first rollup.
_LOOKS: Final = 120


def window_tests(tested: TestedSlo) -> list[RuleTest]:
    """Build the tests of the ratios that are summed from recorded counts, at the end of a full window.

    The rules are to be evaluated once a window: at its beginning, where nothing is, and at its end.
    """
    tests = [_step_test(tested, FINE_STEP), _step_test(tested, COARSE_STEP), _late_turn_test(tested)]
    if _own_minute(tested) == (0, 0):
        tests += [_little_traffic_test(tested, FINE_STEP), _little_traffic_test(tested, COARSE_STEP)]
        if not isinstance(tested.slo.window, CalendarWindow):
            tests.append(_first_rollup_test(tested))
    return tests


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
    name = "ten minutes of errors" if step == COARSE_STEP else "two minutes of errors"
    expectations = []
    if step == FINE_STEP:
        sums = {
            naming.event_count_metric: 4 * _EVENTS + own_events,
            naming.error_count_metric: 4 * _USUAL + _BURST * (_BAD - _USUAL) + own_errors,
        }
        expectations += [tested.recorded(metric(COARSE_STEP), end, value) for metric, value in sums.items()]
        if not isinstance(slo.window, CalendarWindow):
            # Nothing tells yet when counting began, so the minutes of the last five count.
            covered = 4 * FINE_STEP / slo.window.seconds
            expectations.append(tested.recorded(naming.PERIOD_COVERED, end, covered))
    else:
        for metric, repaired in zip(
            (naming.event_count_metric, naming.error_count_metric), _REPAIRED, strict=True
        ):
            lines[tested.fed(metric(step), **{tested.style.part: "repair"})] = f"{repaired}x{steps - 1}"
    counted = counted_lookbacks(Scope.from_slo(slo, tested.style))
    for resolution in _tested_resolutions(tested, step):
        lookback, repairs = resolution.lookback, _counted_repairs(tested, resolution)
        burst = min(_BURST, lookback // step - 1) * (_BAD - _USUAL) + own_errors
        events = _EVENTS * (lookback // step - 1) + own_events + _REPAIRED[0] * repairs
        errors = _USUAL * (lookback // step - 1) + burst + _REPAIRED[1] * repairs
        expectations.append(tested.recorded(naming.error_ratio_metric(lookback), end, errors / events))
        if lookback in counted:
            expectations.append(tested.recorded(naming.error_count_metric(lookback), end, errors))
    return RuleTest(slo.id, name, step, lines, tuple(expectations))


def _tested_resolutions(tested: TestedSlo, step: int) -> list[Resolution]:
    """Return the lookbacks of more than one *step* that it serves, but for the period of a calendar."""
    slo, window = tested.slo, tested.slo.window.seconds
    return [
        each
        for each in build_resolutions(slo.alerting.policy, window).with_step(step)
        if each.lookback >= 2 * step
        and (each.lookback != window or not isinstance(slo.window, CalendarWindow))
    ]


def _counted_repairs(tested: TestedSlo, resolution: Resolution) -> int:
    """Return how many repairs a lookback counts: those all of whose events are as recent, or all of them."""
    if resolution.step == FINE_STEP:
        return 0
    alerted = {lookback for row in tested.slo.alerting.policy for lookback in (row.long, row.short)}
    reach = REPAIR_REACH if resolution.lookback in alerted else 0
    return max(0, (resolution.lookback - reach) // COARSE_STEP - 1)


def _late_turn_test(tested: TestedSlo) -> RuleTest:
    """Sum what the turn before should have summed and did not, once."""
    end = tested.slo.window.seconds
    minutes, own = end // FINE_STEP, _own_minute(tested)
    identity = tested.style.identity_labels(tested.slo)
    metrics = (naming.event_count_metric, naming.error_count_metric)
    lines, expectations = {}, []
    for metric, counted, own_counted in zip(metrics, (_EVENTS, _BAD), own, strict=True):
        # An hour of minutes, the newest missing; of the turns, the last one is missing.
        lines[tested.fed(metric(FINE_STEP), **identity)] = f"_x{minutes - 60} {counted}x59"
        turn = f"{5 * counted} _x4"
        lines[tested.fed(metric(COARSE_STEP), **identity)] = f"_x{minutes - 60} {' '.join([turn] * 11)}"
        expectations.append(tested.recorded(metric(COARSE_STEP), end, 9 * counted + own_counted))
    return RuleTest(tested.slo.id, "a turn missed", FINE_STEP, lines, tuple(expectations))


def _little_traffic_test(tested: TestedSlo, step: int) -> RuleTest:
    """Give a ratio of half an event, and of no events none at all."""
    slo, end = tested.slo, tested.slo.window.seconds
    steps = end // step
    lines = {
        tested.fed(metric(step)): f"_x{steps - 1} {count} _x{steps - 1} 0"
        for metric, count in ((naming.event_count_metric, 0.5), (naming.error_count_metric, 0.25))
    }
    lookbacks = [each.lookback for each in _tested_resolutions(tested, step)]
    expectations = [
        tested.recorded(naming.error_ratio_metric(lookback), at, ratio)
        for at, ratio in ((end, 0.5), (2 * end, None))
        for lookback in lookbacks
    ]
    name = "half an event in five minutes" if step == COARSE_STEP else "half an event in a minute"
    return RuleTest(slo.id, name, step, lines, tuple(expectations))


def _first_rollup_test(tested: TestedSlo) -> RuleTest:
    """Find when counting began within the window, though the record of it is forgotten."""
    end = tested.slo.window.seconds
    apart = max(end // _LOOKS, COARSE_STEP)
    remembered = max(HOUR, apart)
    # At an odd look of the first window, and at one of the second that is just within it.
    first, second = 5 * apart, end + 7 * apart
    begins, ends, goes_on = first // COARSE_STEP, end // COARSE_STEP - 2, second // COARSE_STEP
    lines = {
        tested.fed(naming.event_count_metric(COARSE_STEP)): (
            f"_x{begins} {_EVENTS}x{ends - begins - 1} _x{goes_on - ends} {_EVENTS}x{end // COARSE_STEP}"
        ),
        tested.fed(naming.ROLLUPS_SINCE, **{tested.style.part: "before"}): (
            f"_x{(end - remembered * 3 // 2) // COARSE_STEP} 1"
        ),
    }
    return RuleTest(
        tested.slo.id,
        "the first count of the window",
        COARSE_STEP,
        lines,
        (
            tested.recorded(naming.ROLLUPS_SINCE, end, first - COARSE_STEP),
            tested.recorded(naming.ROLLUPS_SINCE, 2 * end, second - COARSE_STEP),
        ),
    )


def _own_minute(tested: TestedSlo) -> tuple[int, int]:
    """Return what the rules count in a minute without any series: a condition may count it as one."""
    indicator = tested.slo.indicator
    if not isinstance(indicator, ConditionIndicator) or indicator.when_absent is WhenAbsent.IGNORE:
        return 0, 0
    return 1, int(indicator.when_absent is WhenAbsent.BAD)
