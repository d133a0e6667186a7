"""What arrives over OTLP, counted: totals and increments, restarts, repeats, silence."""

from contextlib import suppress
from fractions import Fraction

import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # has no types
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    Metric,
    NumberDataPoint,
)

from sloctl.model import (
    CompositeIndicator,
    CompositeRule,
    ConditionIndicator,
    CountedSide,
    JourneyPart,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    RatioIndicator,
    Selector,
    Slo,
    TimeSlice,
    WhenAbsent,
)
from sloctl.sidecar.sources import PART_LABEL, SloCounts, SourceUnavailable
from sloctl.sidecar.sources.otlp.receiver import Overloaded
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.sources.otlp_requests import (
    DELTA,
    SHOP,
    accept_whole,
    counter,
    exponential,
    gauge,
    histogram,
    number,
    request,
)
from tests.sidecar.specimens import AVAILABILITY, slo

START = 1_700_000_000.0
# Long before anybody listened.
UNSPECIFIED = AggregationTemporality.AGGREGATION_TEMPORALITY_UNSPECIFIED
OLD = START - 90_000
RATIO = slo()
CLASSIC = LatencyIndicator(Selector("request_duration_seconds"), Fraction(1))
NATIVE = NativeLatencyIndicator(Selector("request_latency_seconds"), Fraction(2))


class Listening:
    """A source at a time that the test sets."""

    def __init__(self, *slos: Slo, options: OtlpOptions | None = None) -> None:
        self.now = START
        self.slos = slos or (RATIO,)
        self.source = OtlpSource(options or OtlpOptions(), self.slos, now=lambda: self.now)

    def send(self, at: float, exported: ExportMetricsServiceRequest) -> str:
        """What was rejected, in words."""
        self.now = START + at
        return str(accept_whole(self.source, exported))

    async def slo_counts(self, at: float) -> SloCounts | None:
        """The first SLO's."""
        self.now = START + at
        (interval,) = await self.source.read_counts(self.now)
        return interval.slos.get(self.slos[0].id)

    async def first(self) -> None:
        """A read that finds totals without knowing what they were before."""
        with pytest.raises(SourceUnavailable):
            await self.source.read_counts(self.now)

    async def counts(self, at: float) -> EventCounts | None:
        found = await self.slo_counts(at)
        return None if found is None else found.groups.get(())


def requests(at: float, value: float, *, start: float = OLD, status: str = "200") -> NumberDataPoint:
    return number(value, at=START + at, start=start, labels={"status": status})


async def test_a_total_counts_what_it_grew() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 1000))))
    await listening.first()
    listening.send(11, request(counter(requests(11, 1007))))

    assert await listening.counts(12) == EventCounts(error=0, total=7)
    assert await listening.counts(13) == EventCounts(error=0, total=0)


async def test_increments_count_as_they_are() -> None:
    listening = Listening()
    points = [requests(1, 5, start=START), requests(1, 2, start=START, status="500")]
    listening.send(1, request(counter(*points, temporality=DELTA)))

    assert await listening.counts(2) == EventCounts(error=2, total=7)


async def test_what_is_sent_twice_counts_once() -> None:
    listening = Listening()
    exported = request(counter(requests(1, 5, start=START), temporality=DELTA))
    answer = [listening.send(1, exported), listening.send(2, exported)]

    assert answer == ["", ""]
    assert await listening.counts(3) == EventCounts(error=0, total=5)


async def test_late_increments_are_reported_as_lost() -> None:
    listening = Listening()
    listening.send(20, request(counter(requests(20, 5, start=START + 10), temporality=DELTA)))

    answer = listening.send(21, request(counter(requests(10, 5, start=START), temporality=DELTA)))

    assert answer == "requests_total: increments that are no newer than others of the same series"


async def test_a_service_that_started_while_we_listened_counts_from_its_start() -> None:
    listening = Listening()
    listening.send(60, request(counter(requests(60, 40, start=START + 30))))

    assert await listening.counts(61) == EventCounts(error=0, total=40)


async def test_a_restart_counts_from_zero_even_when_the_total_is_higher() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 10))))
    listening.send(61, request(counter(requests(61, 25, start=START + 20))))

    assert await listening.counts(62) == EventCounts(error=0, total=25)


async def test_a_total_that_fell_without_a_start_was_reset() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 10, start=0))))
    listening.send(11, request(counter(requests(11, 4, start=0))))

    assert await listening.counts(12) == EventCounts(error=0, total=4)


async def test_workers_of_one_identity_that_start_together_are_told() -> None:
    listening, answers = Listening(), []
    for second in range(0, 60, 10):
        listening.send(second + 1, request(counter(requests(second + 1, 5000 + second, start=OLD + 0.4))))
        answers.append(listening.send(second + 2, request(counter(requests(second + 2, 90, start=OLD)))))

    assert await listening.counts(60) == EventCounts(error=0, total=50)
    assert all("two senders use the same labels" in str(answer) for answer in answers)


async def test_the_first_step_between_workers_of_one_identity_counts_nothing() -> None:
    listening, answers = Listening(), []
    for second in range(0, 60, 10):
        answers.append(listening.send(second + 1, request(counter(requests(second + 1, 90, start=OLD)))))
        listening.send(second + 2, request(counter(requests(second + 2, 5000 + second, start=OLD + 0.4))))

    assert await listening.counts(60) == EventCounts(error=0, total=50)
    assert answers[0] == ""
    assert all("two senders use the same labels" in answer for answer in answers[1:])


async def test_of_many_workers_of_one_identity_the_newest_counts() -> None:
    listening = Listening()
    for second in range(0, 600, 60):
        for worker in range(8):
            at, start = second + worker, OLD + worker * 0.1
            listening.send(at, request(counter(requests(at, 1000 * worker + second, start=start))))

    assert await listening.counts(600) == EventCounts(error=0, total=540)


async def test_a_start_that_drifts_for_long_is_one_sender_all_the_same() -> None:
    listening = Listening()
    for second in range(0, 660, 10):
        start = OLD + second * 0.03
        listening.send(second, request(counter(requests(second, second, start=start))))

    assert await listening.counts(660) == EventCounts(error=0, total=340)


async def test_two_senders_under_the_same_labels_are_told_apart_and_one_is_refused() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 10))))
    answer = listening.send(2, request(counter(requests(2, 5000, start=OLD + 50))))
    listening.send(11, request(counter(requests(11, 13))))

    assert answer == (
        "requests_total: two senders use the same labels: give each a service.instance.id of its own"
    )
    assert await listening.counts(12) == EventCounts(error=0, total=3)


async def test_the_first_error_of_a_service_known_for_long_counts() -> None:
    listening = Listening()
    for at in (0, 60, 120, 180):
        listening.send(at, request(counter(requests(at, 100 + at))))
    listening.send(240, request(counter(requests(240, 340), requests(240, 3, status="500"))))

    assert await listening.counts(241) == EventCounts(error=3, total=243)


async def test_an_old_series_heard_for_the_first_time_counts_nothing() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 100))))
    listening.send(2, request(counter(requests(2, 900, status="500"))))
    listening.send(31, request(counter(requests(31, 101))))

    assert await listening.counts(32) == EventCounts(error=0, total=1)


async def test_silence_is_not_zero() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 5, start=START), temporality=DELTA)))
    await listening.counts(2)

    assert await listening.counts(152) == EventCounts(error=0, total=0)
    with pytest.raises(SourceUnavailable, match="no service sends what the SLOs count"):
        await listening.counts(153)


async def test_a_point_without_a_value_is_no_sign_of_life() -> None:
    listening = Listening()
    gone = requests(1, 0)
    gone.flags = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
    listening.send(1, request(counter(gone)))

    with pytest.raises(SourceUnavailable):
        await listening.counts(2)


async def test_slow_requests_are_those_above_the_bucket() -> None:
    listening = Listening(slo(CLASSIC))
    listening.send(1, request(histogram([1, 1, 1], [0.5, 1], at=START + 1, start=OLD)))
    await listening.first()
    listening.send(11, request(histogram([4, 3, 2], [0.5, 1], at=START + 11, start=OLD)))

    assert await listening.counts(12) == EventCounts(error=1, total=6)


async def test_slow_requests_of_an_exponential_histogram_are_counted_through_a_change_of_scale() -> None:
    listening = Listening(slo(NATIVE))
    # At scale 1 two buckets an octave, from 1 s on; at scale 0 one.
    listening.send(1, request(exponential([1, 1, 1, 1], scale=1, at=START + 1, start=OLD)))
    listening.send(11, request(exponential([4, 5], scale=0, at=START + 11, start=OLD)))

    assert await listening.counts(12) == EventCounts(error=3, total=5)


async def test_increments_of_an_exponential_histogram_count_as_they_are() -> None:
    listening = Listening(slo(NATIVE))
    exported = exponential([4, 5], zero=3, at=START + 11, start=START + 1, temporality=DELTA)
    listening.send(11, request(exported))

    assert await listening.counts(12) == EventCounts(error=5, total=12)


async def test_a_probe_is_one_event_per_point() -> None:
    listening = Listening(slo(ProbeIndicator(Selector("up"))))
    for at, value in ((1, 1), (2, 0), (3, 1)):
        listening.send(at, request(gauge(number(value, at=START + at), name="up")))

    assert await listening.counts(4) == EventCounts(error=1, total=3)
    assert await listening.counts(5) == EventCounts(error=0, total=0)


async def test_resources_are_told_apart_by_job_and_promoted_attributes() -> None:
    selector = Selector("requests_total", (LabelMatcher("job", MatchOp.EQUAL, "eu/shop"),))
    failed = Selector("requests_total", (*selector.matchers, LabelMatcher("status", MatchOp.EQUAL, "500")))
    watched = slo(RatioIndicator(CountedSide.ERROR, (failed,), (selector,)), group_by=("zone",))
    listening = Listening(watched, options=OtlpOptions(promoted_attributes=("zone",)))
    for zone, space in (("a", "eu"), ("b", "eu"), ("c", "us")):
        resource = {**SHOP, "service.namespace": space, "zone": zone}
        exported = counter(requests(1, 5, start=START, status="500"), temporality=DELTA)
        listening.send(1, request(exported, resource=resource))

    found = await listening.slo_counts(2)

    assert found is not None
    assert found.groups == {("a",): EventCounts(error=5, total=5), ("b",): EventCounts(error=5, total=5)}
    assert found.by_label["instance", "a"] == EventCounts(error=10, total=10)


@pytest.mark.parametrize(
    ("exported", "reason"),
    [
        (counter(requests(1, 5), temporality=UNSPECIFIED), "requests: neither cumulative nor delta"),
        (
            counter(requests(1, 5), temporality=DELTA, monotonic=False),
            "requests: deltas of what goes up and down cannot be counted",
        ),
        (counter(number(5, at=0)), "requests_total: it has no time"),
        (counter(requests(-7200, 5)), "requests_total: its time is more than 5m from ours"),
        (counter(requests(7200, 5)), "requests_total: its time is more than 5m from ours"),
        (gauge(requests(1, 5), name="---"), "---: no metric name can be made of '---'"),
    ],
)
def test_what_cannot_be_used_is_reported_with_the_reason(exported: Metric, reason: str) -> None:
    listening = Listening()

    assert listening.send(1, request(exported)) == reason


async def test_a_value_that_no_counter_has_counts_nothing_and_loses_nothing() -> None:
    listening = Listening()
    for at, value in ((1, 10), (2, float("nan")), (3, -5), (4, 14)):
        listening.send(at, request(counter(requests(at, value))))

    await listening.first()
    listening.send(6, request(counter(requests(6, 15))))
    assert await listening.counts(7) == EventCounts(error=0, total=5)


def test_there_is_room_for_so_many_series() -> None:
    listening = Listening(options=OtlpOptions(max_series=2))
    points = [requests(1, 5, status=str(status)) for status in (200, 201, 202)]

    assert listening.send(1, request(counter(*points))) == (
        "requests_total: there are 2 series already, and this one is new"
    )


def test_there_is_room_for_so_many_points() -> None:
    listening = Listening(options=OtlpOptions(max_points=2))
    listening.send(1, request(counter(requests(1, 5), requests(1, 5, status="500"))))

    with pytest.raises(Overloaded, match="2 points wait to be counted"):
        listening.send(2, request(counter(requests(2, 5))))


def test_what_needs_promql_is_refused_and_native_histograms_are_not() -> None:
    slos = slo(ConditionIndicator("up > 0", WhenAbsent.BAD)), slo(NATIVE, name="fast")

    source = Listening(*slos).source

    assert [each.id for each in source.slos] == ["shop/fast"]
    assert [each.reason.partition(":")[0] for each in source.unsupported] == [
        "a condition is PromQL, which the sidecar does not evaluate"
    ]


STEP = st.tuples(st.integers(0, 50), st.booleans(), st.sampled_from(["sent", "twice", "lost", "late"]))


@given(st.lists(STEP, max_size=25))
async def test_every_event_of_a_service_that_started_while_we_listened_counts_once(
    steps: list[tuple[int, bool, str]],
) -> None:
    listening = Listening(slo(AVAILABILITY))
    total, since_start, started, counted = 0.0, 0.0, START + 1, 0.0
    last = request()
    at = 1.0
    for grown, restarts, fate in [*steps, (0, False, "sent")]:
        at += 10
        if restarts and last.resource_metrics:
            # What a process counted after its last export dies with it.
            total, since_start, started = counted, 0.0, START + at - 5
        total, since_start = total + grown, since_start + grown
        exported = request(counter(requests(at, since_start, start=started)))
        if fate == "lost":
            continue
        if fate == "late":
            listening.send(at, last)
        listening.send(at, exported)
        if fate == "twice":
            listening.send(at + 1, exported)
        last, counted = exported, total

    (interval,) = await listening.source.read_counts(listening.now)

    assert interval.slos[RATIO.id].groups[()].total == total


async def test_other_slos_are_counted_from_now_on_and_series_go_on() -> None:
    listening = Listening(RATIO)
    listening.send(1, request(counter(requests(1, 100))))
    listening.slos = (slo(name="other"),)
    listening.source.replace_slos(listening.slos)
    listening.now = START + 99
    await listening.first()
    listening.send(111, request(counter(requests(111, 104))))

    assert await listening.counts(112) == EventCounts(error=0, total=4)


def test_what_was_rejected_is_an_issue_for_a_while() -> None:
    listening = Listening()
    listening.send(1, request(counter(number(5, at=0))))
    answer = listening.source.issues()
    listening.now += 151

    assert answer == {"otlp": "rejected requests_total: it has no time"}
    assert listening.source.issues() == {}


async def test_series_that_are_wanted_only_now_are_not_taken_for_new() -> None:
    listening = Listening(slo(CLASSIC))
    both = (
        histogram([1], [1], at=START + 200, start=START + 1),
        counter(requests(200, 900, start=START + 1)),
    )
    for at in (0, 100):
        listening.send(at, request(histogram([1], [1], at=START + at, start=START + 1)))
    listening.slos = (RATIO,)
    listening.now = START + 190
    listening.source.replace_slos(listening.slos)
    listening.send(200, request(*both))
    await listening.first()
    listening.send(210, request(counter(requests(210, 901, start=START + 1))))

    assert await listening.counts(211) == EventCounts(error=0, total=1)


SOUND = request(
    counter(requests(1, 5), requests(1, 5, status="500")),
    histogram([1, 2], [1], at=START + 1, start=OLD),
    exponential([1, 2], at=START + 1, start=OLD, zero=1, negative=[1]),
).SerializeToString()


@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=8))
async def test_whatever_is_sent_the_source_lives_on(changes: list[tuple[int, int]]) -> None:
    listening = Listening(RATIO, slo(CLASSIC, name="classic"), slo(NATIVE, name="native"))
    sent = bytearray(SOUND)
    for place, byte in changes:
        sent[place] = byte
    try:
        exported = ExportMetricsServiceRequest.FromString(bytes(sent))
    except DecodeError:
        return

    listening.send(1, exported)
    listening.send(2, exported)
    with suppress(SourceUnavailable):
        await listening.counts(3)
    listening.send(10, request(counter(requests(10, 7, start=START + 9, status="204"))))

    found = await listening.slo_counts(11)
    assert found is not None
    assert all(counts.error >= 0 for counts in found.groups.values())


@pytest.mark.parametrize("scale", [-11, 21, 2**31 - 1])
def test_a_scale_that_no_sdk_uses_is_reported(scale: int) -> None:
    listening = Listening(slo(NATIVE))

    answer = listening.send(1, request(exponential([1], at=START + 1, scale=scale)))

    assert answer == f"request.latency: a scale is from -10 to 20, got {scale}"


async def test_after_a_long_silence_a_total_is_only_a_baseline() -> None:
    listening = Listening()
    listening.send(1, request(counter(requests(1, 100))))
    listening.send(400, request(counter(requests(400, 900))))
    await listening.first()
    listening.send(410, request(counter(requests(410, 903))))

    assert await listening.counts(411) == EventCounts(error=0, total=3)


async def test_a_series_that_returns_to_a_service_known_for_long_is_not_new() -> None:
    listening = Listening()
    listening.send(0, request(counter(requests(0, 50, status="500"))))
    for at in range(0, 7200, 60):
        listening.send(at, request(counter(requests(at, at))))
        with suppress(SourceUnavailable):
            await listening.counts(at)
    listening.send(7200, request(counter(requests(7200, 51, status="500"))))

    assert await listening.counts(7201) == EventCounts(error=0, total=0)


async def test_a_slice_counts_once_it_has_ended() -> None:
    listening = Listening(replace(RATIO, time_slice=TimeSlice(Fraction(99, 100), 60, WhenAbsent.IGNORE)))
    points = [requests(1, 50, start=START), requests(1, 1, start=START, status="500")]
    listening.send(1, request(counter(*points, temporality=DELTA)))
    during = await listening.counts(2)
    # Forty seconds after the start a minute of the clock ends.
    ended = await listening.counts(45)

    assert during == EventCounts(error=0, total=0)
    assert ended == EventCounts(error=1, total=1)


async def test_a_minute_of_a_journey_counts_once_it_has_ended() -> None:
    parts = tuple(JourneyPart(name, None, RATIO.indicator) for name in ("order", "pay"))
    journey = slo(CompositeIndicator(CompositeRule.WORST, parts), name="journey")
    listening = Listening(journey)
    points = [requests(1, 30, start=START), requests(1, 10, start=START, status="500")]
    listening.send(1, request(counter(*points, temporality=DELTA)))
    during = await listening.counts(2)
    ended = await listening.slo_counts(45)

    assert listening.source.slos == (journey,)
    assert during == EventCounts(error=0, total=0)
    assert ended == SloCounts(
        {(): EventCounts(0.25, 1.0)},
        {(PART_LABEL, "order"): EventCounts(0.25, 0.5), (PART_LABEL, "pay"): EventCounts(0.0, 0.5)},
    )


async def test_a_journey_with_a_part_in_promql_is_unsupported_with_the_reason() -> None:
    condition = ConditionIndicator("up == bool 1", WhenAbsent.IGNORE)
    parts = (JourneyPart("order", None, RATIO.indicator), JourneyPart("up", None, condition))
    listening = Listening(slo(CompositeIndicator(CompositeRule.WORST, parts), name="journey"))

    [unsupported] = listening.source.unsupported

    assert listening.source.slos == ()
    assert unsupported.reason.startswith("its part up is not counted: a condition is PromQL")
