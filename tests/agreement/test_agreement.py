"""The sidecar and Prometheus with the compiled rules watch one service through the same hour and a half.

Prometheus scrapes every fifteen seconds and evaluates every minute; the sidecar scrapes every five. They
cannot show the same number at the same second, but each must show what was true a moment ago: every error
ratio lies between the least and the greatest true ratio of lookbacks that begin and end up to BLUR earlier
(and as much more as the slow group of the rules lets pass between two turns, where it is the one to tell).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from aiohttp import web
from yarl import URL

from sloctl import naming
from sloctl.duration import DAY, MINUTE, format_duration
from sloctl.model import Severity
from sloctl.rules.groups import rule_groups
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources.scrape.source import ScrapeOptions, ScrapeSource
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts, build_resolutions
from tests.agreement.shop import Pod, Shop, Stretch
from tests.conftest import Figure
from tests.differential.engine import Recorded, Story, record
from tests.differential.scraped import Scraped
from tests.sidecar.specimens import slo

SLO: Final = slo()
LADDER: Final = build_resolutions(SLO.alerting.policy, SLO.window.seconds)
LOOKBACKS: Final = tuple(rung.lookback for rung in LADDER.entries)
FINE_LOOKBACKS: Final = {rung.lookback for rung in LADDER.with_step(FINE_STEP)}
EPOCH: Final = 19_676 * DAY
SCRAPED_EVERY: Final = 15
TICK: Final = 5
# The range of a fine rollup: a minute and one scrape.
BLUR: Final = MINUTE + SCRAPED_EVERY
# What extrapolation adds to or takes from a ratio.
SLACK: Final = 0.0005

STORY: Final = (
    Stretch(until=12 * MINUTE, requests=6, failing=0.0005),
    Stretch(until=20 * MINUTE, requests=8, failing=0.01),
    Stretch(until=24 * MINUTE, requests=0, failing=0),
    Stretch(until=35 * MINUTE, requests=4, failing=0),
    Stretch(until=41 * MINUTE, requests=6, failing=1),
    Stretch(until=70 * MINUTE, requests=7, failing=0.0005),
    Stretch(until=75 * MINUTE, requests=7, failing=0.04),
    Stretch(until=90 * MINUTE, requests=5, failing=0),
)
PODS: Final = (
    Pod("shop-0:80", phase=0),
    Pod("shop-1:80", phase=5, restarts=(605, 2710)),
    Pod("shop-2:80", phase=10, born=905, died=4200),
    Pod("shop-3:80", phase=5, unreachable=range(1300, 1420)),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one side shows at one minute; None for what it does not know."""

    ratios: Mapping[int, float | None]
    firing: frozenset[Severity]


async def test_sidecar_and_rules_show_what_was_true_a_moment_ago_at_every_minute(
    tmp_path: Path, figure: Figure
) -> None:
    shop = Shop(STORY, PODS, seed=1)
    minutes = range(2 * MINUTE, shop.seconds + 1, MINUTE)

    sidecar = await shown_by_sidecar(shop, minutes)
    rules = shown_by_rules(shop, minutes, tmp_path)

    for line in table(sidecar, rules):
        figure(line)
    assert list(out_of_bounds(shop, sidecar)) == []
    assert list(out_of_bounds(shop, rules)) == []
    assert longest_difference(sidecar, rules, Severity.PAGE) <= 1
    # The rules look for a ticket every five minutes.
    assert longest_difference(sidecar, rules, Severity.TICKET) <= 5


async def shown_by_sidecar(shop: Shop, minutes: Sequence[int]) -> dict[int, Shown]:
    """Scrapes each pod over HTTP at every tick, with time passed in."""
    now = 0

    async def expose(request: web.Request) -> web.Response:
        pod = shop.pods[int(request.match_info["number"])]
        return web.Response(text=shop.exposition(pod, now), status=200 if pod.answers(now) else 503)

    app = web.Application()
    app.router.add_get("/{number}/metrics", expose)
    ledger = Engine([SLO], interval=TICK)
    # Its window is full of nothing: how a young one is judged is not what is compared here.
    full = EventCounts(0, 0)
    ledger.backfill_counts(SLO, (), EPOCH - 10 * DAY, full, seconds=20 * DAY)
    shown: dict[int, Shown] = {}
    async with serve_application(app, "127.0.0.1", 0) as url:
        targets = tuple(
            ScrapeTarget(URL(f"{url}/{number}/metrics"), {"job": "shop", "instance": pod.instance})
            for number, pod in enumerate(shop.pods)
        )
        async with ScrapeSource(ScrapeOptions(targets), [SLO]).open_source() as source:
            for now in range(0, shop.seconds + 1, TICK):
                board = ledger.record_tick(EPOCH + now, await source.read_counts(EPOCH + now))
                if now in minutes:
                    shown[now] = on_board(board)
    return shown


def on_board(board: Snapshot) -> Shown:
    [entry] = board.states
    return Shown(
        {burn.lookback: burn.error_ratio for burn in entry.burns},
        frozenset(alert.severity for alert in entry.alerts if alert.state is AlertState.FIRING),
    )


def shown_by_rules(shop: Shop, minutes: Sequence[int], directory: Path) -> dict[int, Shown]:
    """Scrapes each pod at its phase; Prometheus's own rule engine evaluates.

    What the slow group recorded stands until it records again, as dashboards read it.
    """
    # Their window is full: how a young one is judged is not what is compared here.
    known = range(0, shop.seconds + 1, FINE_STEP)
    since = Scraped(
        naming.ROLLUPS_SINCE,
        {"slo_id": SLO.id, "slo_part": "before"},
        tuple(known),
        (-float(SLO.window.seconds),) * len(known),
    )
    story = Story([*shop.scraped(SCRAPED_EVERY), since], shop.seconds, minutes)
    [recording] = record(directory, rule_groups(SLO, naming.NATIVE_STYLE), [story])
    shown: dict[int, Shown] = {}
    slow = in_recording([])
    for at in minutes:
        newest = in_recording(recording[at])
        if at % COARSE_STEP == 0:
            slow = newest
        shown[at] = Shown(
            {**slow.ratios, **{lookback: newest.ratios[lookback] for lookback in FINE_LOOKBACKS}},
            newest.firing & {Severity.PAGE} | slow.firing & {Severity.TICKET},
        )
    return shown


def in_recording(samples: Iterable[Recorded]) -> Shown:
    values = {sample.labels["__name__"]: sample.value for sample in samples}
    return Shown(
        {lookback: values.get(naming.error_ratio_metric(lookback)) for lookback in LOOKBACKS},
        frozenset(
            Severity(sample.labels["slo_severity"])
            for sample in samples
            if sample.labels.get("alertname") == naming.BURN_ALERT
        ),
    )


def out_of_bounds(shop: Shop, shown: Mapping[int, Shown]) -> Iterator[str]:
    """Ratios that were not true of any lookback a moment ago."""
    for at, each in shown.items():
        for lookback, ratio in each.ratios.items():
            true = truths(shop, at, lookback)
            known = [possible for possible in true if possible is not None]
            if ratio is None and None in true:
                continue
            if ratio is None or not known or not min(known) - SLACK <= ratio <= max(known) + SLACK:
                told = f"{min(known):.5f} to {max(known):.5f}" if known else "nothing"
                yield f"{at // MINUTE}m {format_duration(lookback)}: {ratio}, true was {told}"


def truths(shop: Shop, at: int, lookback: int) -> set[float | None]:
    """The true ratios of all lookbacks that begin and end up to the blur earlier."""
    blur = BLUR if lookback in FINE_LOOKBACKS else BLUR + COARSE_STEP
    moments = range(0, blur + 1, TICK)
    return {
        shop.truth(at - began - lookback, at - ended).error_ratio for began in moments for ended in moments
    }


def longest_difference(sidecar: Mapping[int, Shown], rules: Mapping[int, Shown], severity: Severity) -> int:
    """Minutes in a row in which one side alerts and the other does not."""
    differ = "".join(
        "x" if (severity in sidecar[at].firing) != (severity in rules[at].firing) else " " for at in sidecar
    )
    return max(map(len, differ.split()), default=0)


def table(sidecar: Mapping[int, Shown], rules: Mapping[int, Shown]) -> Iterator[str]:
    """How far the two are apart, for each lookback and alert."""
    for lookback in LOOKBACKS:
        apart = [
            abs(one - other)
            for at in sidecar
            if (one := sidecar[at].ratios[lookback]) is not None
            and (other := rules[at].ratios[lookback]) is not None
        ]
        yield (
            f"{format_duration(lookback)}: error ratios apart {median(apart):.5f} in the median, "
            f"{max(apart):.5f} at most, over {len(apart)} minutes"
        )
    for severity in Severity:
        firing = [sum(severity in each.firing for each in side.values()) for side in (sidecar, rules)]
        yield (
            f"{severity.value}: fires for {firing[0]} min in the sidecar, {firing[1]} min in the rules; "
            f"the longest difference is {longest_difference(sidecar, rules, severity)} min"
        )
