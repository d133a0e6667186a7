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
# What a counter shows that counted long before anybody looked.
_OLD: int = 5000
_SLOWER: int = 1200


def counting_tests(tested: TestedSlo) -> list[RuleTest]:
    """Build the tests that begin with raw series; none for PromQL of the user."""
    if tested.slo.time_slice is not None:
        # Its rollups are slices, which no raw series is.
        return []
    pair = lower_indicator(tested.slo.indicator)
    if isinstance(pair, ProbeIndicator):
        return _probe_tests(tested, pair)
    if not isinstance(pair, CounterPair):
        return []
    series = build_series(pair, tested.group)
    if series is None:
        return []
    return [
        _minute_test(tested, pair, series),
        *_one_sided_tests(tested, pair, series),
        *_newcomer_tests(tested, pair, series),
        *_bucket_tests(tested, pair, series),
    ]


def _minute_test(tested: TestedSlo, pair: CounterPair, series: TestedPair) -> RuleTest:
    """Count in a minute what happened in it, and a new series with its first value."""
    interval = tested.slo.scrape_interval
    # At instants of both: a scrape, and an evaluation.
    unit = lcm(interval, MINUTE)
    born, ended = (-(-8 * MINUTE // unit) * unit, -(-14 * MINUTE // unit) * unit)
    samples = ended // interval + 1
    per_scrape = interval / MINUTE
    usual = _usual_counts(pair, series)
    # Less than one event a minute counts as well.
    slow = [(_labelled(each, slo_test="slow"), rate / _SLOWER) for each, rate in usual]
    known = [*usual, *slow]
    lines = {each.written: f"0+{rate * per_scrape:.12g}x{samples}" for each, rate in known}
    # A histogram is born as a whole, and this is one series.
    born_of = () if pair.bucket_proof is not None else series.bad
    newborn = [_labelled(each, slo_test="born") for each in born_of]
    lines |= {each.written: f"_x{born // interval} {_BORN}x{samples}" for each in newborn}
    first = [(each, _BORN if pair.count_new_series else 0) for each in newborn]
    expectations = []
    for at, counted in ((born - unit, known), (born, [*known, *first]), (born + unit, known), (ended, known)):
        events, errors = _counted(pair, counted)
        expectations += [
            tested.recorded(naming.event_count_metric(FINE_STEP), at, events),
            tested.recorded(naming.error_count_metric(FINE_STEP), at, errors),
        ]
    return RuleTest(tested.slo.id, "events and errors of a minute", interval, lines, tuple(expectations))


def _one_sided_tests(tested: TestedSlo, pair: CounterPair, series: TestedPair) -> list[RuleTest]:
    """Count no errors where none ever was, and all events as errors where none was good."""
    interval = tested.slo.scrape_interval
    unit = lcm(interval, MINUTE)
    at = -(-10 * MINUTE // unit) * unit
    apart = _counts_good_apart(pair, series)
    fine = [(each, _FINE) for each in series.fine] + [(each, _FINE) for each in series.bad if apart]
    bad = [(each, _BAD) for each in series.bad]
    if pair.bucket_proof is not None:
        # Without a bucket that tells which events are good there are no data.
        bad += [(each, 0) for each in series.fine]
    elif not any(times_selected(each, pair.total) for each in series.bad):
        # Another metric counts the errors.
        bad += [(each, _BAD) for each in series.fine]
    tests = []
    for name, counted in (("no error ever", fine), ("not one good event ever", bad)):
        events, errors = _counted(pair, counted)
        lines = {
            each.written: f"0+{rate * interval / MINUTE:.12g}x{at // interval}" for each, rate in counted
        }
        expectations = (
            tested.recorded(naming.event_count_metric(FINE_STEP), at, events),
            tested.recorded(naming.error_count_metric(FINE_STEP), at, errors),
        )
        tests.append(RuleTest(tested.slo.id, name, interval, lines, expectations))
    return tests


def _newcomer_tests(tested: TestedSlo, pair: CounterPair, series: TestedPair) -> list[RuleTest]:
    """Count a new series only at a process that was there before, and not one that returns."""
    interval, usual = tested.slo.scrape_interval, _usual_counts(pair, series)
    elsewhere = [(_labelled(each, instance="two:80"), rate) for each, rate in usual]
    if not pair.count_new_series or MINUTE % interval or _counted(pair, usual) != _counted(pair, elsewhere):
        return []
    per_minute = MINUTE // interval
    began, returns, arrives, gone = 2 * MINUTE, 8 * MINUTE, 10 * MINUTE, 14 * MINUTE
    lines: dict[str, str] = {}
    born = []
    for each, rate in usual:
        lines[each.written] = f"0+{rate / per_minute:.12g}x{gone // interval - 1} stale"
        # Away for three minutes, six after its beginning.
        lines[_labelled(each, slo_test="back").written] = (
            f"_x{began // interval} {_OLD}x{3 * per_minute - 1} stale _x{3 * per_minute - 1} "
            f"{_OLD}x{(gone - returns) // interval - 1} stale"
        )
        lines[_labelled(each, instance="two:80").written] = (
            f"_x{arrives // interval} {_OLD}x{(gone - arrives) // interval - 1} stale"
        )
        newborn = _labelled(each, instance="two:80", slo_test="born")
        lines[newborn.written] = (
            f"_x{(arrives + MINUTE) // interval} {rate}x{(gone - arrives - MINUTE) // interval - 1} stale"
        )
        born.append((newborn, rate))
    expectations = []
    for at, counted in (
        (returns, usual),
        (arrives, usual),
        (arrives + MINUTE, [*usual, *born]),
        (arrives + 2 * MINUTE, usual),
        # A range still sees two scrapes at their end, and a minute later one.
        (gone + MINUTE, None),
    ):
        events, errors = (None, None) if counted is None else _counted(pair, counted)
        expectations += [
            tested.recorded(naming.event_count_metric(FINE_STEP), at, events),
            tested.recorded(naming.error_count_metric(FINE_STEP), at, errors),
        ]
    coming_and_going = RuleTest(
        tested.slo.id, "series that return, begin elsewhere and end", interval, lines, tuple(expectations)
    )
    return [coming_and_going, _late_stamp_test(tested, pair, usual)]


def _late_stamp_test(
    tested: TestedSlo, pair: CounterPair, usual: Iterable[tuple[TestedSeries, float]]
) -> RuleTest:
    """Count a new series up to a second after what its process shows, and not one of two seconds."""
    at = 6 * MINUTE
    lines: dict[str, str] = {}
    counted = []
    for each, rate in usual:
        soon, late = _labelled(each, slo_test="soon"), _labelled(each, slo_test="late")
        lines |= {
            each.written: f"{_OLD}x{at - 2}",
            soon.written: f"_x{at - 1} {rate}",
            late.written: f"_x{at} {_OLD}",
        }
        counted.append((soon, rate))
    events, errors = _counted(pair, counted)
    expectations = (
        tested.recorded(naming.event_count_metric(FINE_STEP), at, events),
        tested.recorded(naming.error_count_metric(FINE_STEP), at, errors),
    )
    return RuleTest(tested.slo.id, "a new series a second late", 1, lines, expectations)


def _usual_counts(pair: CounterPair, series: TestedPair) -> list[tuple[TestedSeries, float]]:
    """Return the increments a minute of each series of a service that does well."""
    bad = _BAD + _FINE if _counts_good_apart(pair, series) else _BAD
    return [*((each, _FINE) for each in series.fine), *((each, bad) for each in series.bad)]


def _counts_good_apart(pair: CounterPair, series: TestedPair) -> bool:
    """Return whether another metric counts the good events: all events are the bad ones and they."""
    names_good = bool(pair.minus) and pair.error == pair.total
    return names_good and not any(times_selected(each, pair.total) for each in series.fine)


def _labelled(series: TestedSeries, **labels: str) -> TestedSeries:
    return TestedSeries(series.metric, {**series.labels, **labels})


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
    return [RuleTest(tested.slo.id, "a threshold that is no bound", MINUTE, lines, (absent,))]


def _probe_tests(tested: TestedSlo, probe: ProbeIndicator) -> list[RuleTest]:
    """Count every sample as an event, and one of 0 as a bad one."""
    interval = tested.slo.scrape_interval
    series = build_series(CounterPair((), (), (probe.gauge,), count_new_series=False), tested.group)
    if series is None or MINUTE % interval:
        return []
    [up] = series.fine
    down = _labelled(up, slo_test="down")
    samples = MINUTE // interval
    lines = {up.written: f"1x{30 * samples}", down.written: f"0x{30 * samples}"}
    expectations = (
        tested.recorded(naming.event_count_metric(FINE_STEP), 10 * MINUTE, 2 * samples),
        tested.recorded(naming.error_count_metric(FINE_STEP), 10 * MINUTE, samples),
        tested.recorded(naming.error_ratio_metric(COARSE_STEP), 10 * MINUTE, 0.5),
    )
    return [RuleTest(tested.slo.id, "samples of a minute", interval, lines, expectations)]


def _counted(pair: CounterPair, counts: Iterable[tuple[TestedSeries, float]]) -> tuple[float, float]:
    """Return the events and the errors that so many increments of each series are."""
    known = list(counts)

    def total(selectors: Iterable[Selector]) -> float:
        chosen = tuple(selectors)
        return sum(count * times_selected(each, chosen) for each, count in known)

    events = total(pair.total)
    return events, min(max(total(pair.error) - total(pair.minus), 0), events)
