"""Raw counters → the events and errors of a minute."""

from collections.abc import Iterable
from math import lcm

from sloctl import naming
from sloctl.duration import MINUTE
from sloctl.model import ProbeIndicator, Selector
from sloctl.rule_tests.promtool import RuleTest
from sloctl.rule_tests.series import TestedPair, TestedSeries, build_series, times_selected
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# Events a minute; many times more good ones than bad, so that errors are never cut off at the events.
_FINE: int = 600
_BAD: int = 60
_BORN: int = 30


def counting_tests(tested: TestedSlo) -> list[RuleTest]:
    """Build the tests that begin with raw series; none for PromQL of the user."""
    pair = lower_indicator(tested.slo.indicator)
    if isinstance(pair, ProbeIndicator):
        return _probe_tests(tested, pair)
    if not isinstance(pair, CounterPair):
        return []
    series = build_series(pair, tested.group)
    if series is None:
        return []
    return [_minute_test(tested, pair, series), *_bucket_tests(tested, pair, series)]


def _minute_test(tested: TestedSlo, pair: CounterPair, series: TestedPair) -> RuleTest:
    """Count in a minute what happened in it, and a new series with its first value."""
    interval = tested.slo.scrape_interval
    # At instants of both: a scrape, and an evaluation.
    unit = lcm(interval, MINUTE)
    born, ended = (-(-20 * MINUTE // unit) * unit, -(-40 * MINUTE // unit) * unit)
    samples = ended // interval + 1
    per_scrape = interval / MINUTE
    # Where good events are counted by another metric, all events are the bad ones and they.
    apart = bool(pair.minus) and not any(times_selected(each, pair.total) for each in series.fine)
    bad = _BAD + _FINE if apart else _BAD
    known = [(each, _FINE) for each in series.fine] + [(each, bad) for each in series.bad]
    lines = {each.written: f"0+{rate * per_scrape:g}x{samples}" for each, rate in known}
    # A histogram is born as a whole, and this is one series.
    born_of = () if pair.bucket_proof is not None else series.bad
    newborn = [TestedSeries(each.metric, {**each.labels, "slo_test": "born"}) for each in born_of]
    lines |= {each.written: f"_x{born // interval} {_BORN}x{samples}" for each in newborn}
    first = [(each, _BORN if pair.count_new_series else 0) for each in newborn]
    expectations = []
    for at, counted in ((born - unit, known), (born, [*known, *first]), (ended, known)):
        events, errors = _counted(pair, counted)
        expectations += [
            tested.recorded(naming.event_count_metric(FINE_STEP), at, events),
            tested.recorded(naming.error_count_metric(FINE_STEP), at, errors),
        ]
    return RuleTest(f"{tested.slo.id}: events and errors of a minute", interval, lines, tuple(expectations))


def _bucket_tests(tested: TestedSlo, pair: CounterPair, series: TestedPair) -> list[RuleTest]:
    """Expect no data of a histogram without the bound, rather than errors alone."""
    if pair.bucket_proof is None:
        return []
    lines = {each.written: f"0+{_FINE}x20" for each in series.bad}
    lines |= {
        TestedSeries(each.metric, {**each.labels, "le": bound}).written: f"0+{_FINE}x20"
        for each in series.fine
        for bound in ("0.00001", "+Inf")
    }
    absent = tested.recorded(naming.event_count_metric(FINE_STEP), 10 * MINUTE, None)
    return [RuleTest(f"{tested.slo.id}: a threshold that is no bound", MINUTE, lines, (absent,))]


def _probe_tests(tested: TestedSlo, probe: ProbeIndicator) -> list[RuleTest]:
    """Count every sample as an event, and one of 0 as a bad one."""
    interval = tested.slo.scrape_interval
    series = build_series(CounterPair((), (), (probe.gauge,), count_new_series=False), tested.group)
    if series is None or MINUTE % interval:
        return []
    [up] = series.fine
    down = TestedSeries(up.metric, {**up.labels, "slo_test": "down"})
    samples = MINUTE // interval
    lines = {up.written: f"1x{30 * samples}", down.written: f"0x{30 * samples}"}
    expectations = (
        tested.recorded(naming.event_count_metric(FINE_STEP), 10 * MINUTE, 2 * samples),
        tested.recorded(naming.error_count_metric(FINE_STEP), 10 * MINUTE, samples),
        tested.recorded(naming.error_ratio_metric(COARSE_STEP), 10 * MINUTE, 0.5),
    )
    return [RuleTest(f"{tested.slo.id}: samples of a minute", interval, lines, expectations)]


def _counted(pair: CounterPair, counts: Iterable[tuple[TestedSeries, int]]) -> tuple[float, float]:
    """Return the events and the errors that so many increments of each series are."""
    known = list(counts)

    def total(selectors: Iterable[Selector]) -> float:
        chosen = tuple(selectors)
        return sum(count * times_selected(each, chosen) for each, count in known)

    events = total(pair.total)
    return events, events - total(pair.minus) if pair.minus else min(total(pair.error), events)
