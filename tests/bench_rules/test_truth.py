"""The month that rules are judged on is what it says it is."""

from bench.rules.history import Month
from bench.rules.lives import lives
from bench.rules.profile import END, OUTAGES, PROFILES, START
from bench.rules.traffic import day_curve, poissons, seeded
from bench.rules.truth import Tally
from sloctl.duration import DAY, HOUR
from sloctl.slo.resolutions import EventCounts

SMALL = next(profile for profile in PROFILES if profile.name == "20 series")
NOON = START + 13 * HOUR
LAST_DAY = END - DAY


def test_a_day_goes_up_and_down_ten_to_one() -> None:
    peak, trough = day_curve(NOON), day_curve(NOON + 12 * HOUR)

    assert (peak, round(trough, 9)) == (1.0, 0.1)


def test_draws_have_the_mean_they_were_asked_for() -> None:
    random = seeded(1)

    means = [sum(poissons(random, mean, 10_000)) / 10_000 for mean in (0.01, 3, 90)]

    assert [round(mean, 1) for mean in means] == [0.0, 3.0, 90.0]


def test_a_total_outage_has_no_good_events() -> None:
    assert list(poissons(seeded(1), 0, 3)) == [0, 0, 0]


def test_truth_counts_the_part_of_a_scrape_interval_that_a_window_holds() -> None:
    tally = Tally()
    tally.add(START, START + 15, EventCounts(error=15, total=30))

    truth = tally.truth()

    assert truth.counts(START + 10, 5) == EventCounts(error=5, total=10)


def test_the_same_seed_gives_the_same_month() -> None:
    once, again = (next(Month(SMALL, seeded(7), LAST_DAY).chunks()) for _ in range(2))

    assert once == again


def test_a_deploy_replaces_every_pod_by_one_of_another_name() -> None:
    of_pod = lives(seeded(1), SMALL, START)[0]

    assert len({life.instance for life in of_pod}) == 15


def test_an_outage_fails_as_many_requests_as_it_says() -> None:
    outage = OUTAGES[-1]
    month = Month(SMALL, seeded(1), outage.start - outage.start % DAY)
    for _ in month.chunks():
        pass

    ratio = month.tally.truth().ratio(outage.end, outage.length)

    assert round(ratio, 3) == 0.030
