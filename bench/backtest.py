"""A backtest of the benchmark's month beside the real rules and the truth: Markdown on standard output.

Run as `python -m bench.backtest [PROFILE]`. The month is loaded into a Prometheus; `sloctl backtest`'s counts
are fetched from it by the minute and replayed; the compiled page alerts are evaluated by the same Prometheus
around each outage, at two phases; and the truth is known to the second.
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from bench.rules import designs
from bench.rules.history import Month
from bench.rules.measurement import PHASES, load
from bench.rules.paging import Alarm, page_alarms, true_alarms
from bench.rules.profile import END, OUTAGES, PROFILES, START, Profile
from bench.rules.server import server
from bench.rules.traffic import seeded
from bench.rules.truth import Truth, burning, thresholds
from sloctl.backtest.count_cache import CountCache
from sloctl.backtest.fetch import fetch_counts
from sloctl.duration import DAY, MINUTE
from sloctl.model import Severity
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.slo.policy import workbook_policy
from sloctl.slo.replay import FiredAlert, replay_policy
from sloctl.spec import read_specs


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "20 series"
    profile = next(profile for profile in PROFILES if profile.name == name)
    with tempfile.TemporaryDirectory() as directory:
        print("\n".join(backtest_month(profile, Path(directory))), flush=True)


def backtest_month(profile: Profile, directory: Path) -> Iterator[str]:
    """Measure one profile on its first seed."""
    with server(directory / "prometheus") as running:
        truth = load(running, Month(profile, seeded(1)))
        print(f"{profile.name}: loaded", file=sys.stderr, flush=True)
        rules = [
            page_alarms(
                running, designs.sloctl(profile, f"page{phase}", (phase, phase, phase), directory), profile
            )
            for phase in PHASES[:2]
        ]
        print(f"{profile.name}: rules evaluated", file=sys.stderr, flush=True)
        [slo] = read_specs([("a.yaml", (directory / f"page{PHASES[0]}.yaml").read_bytes())]).slos
        began = time.monotonic()
        ask = PrometheusClient(running.url, ClientOptions(timeout_seconds=600, max_bytes=1 << 28)).query_range
        cache = CountCache(directory / "cache", running.url)
        counts = fetch_counts(slo, QueryRange(START, END), ask=ask, store=cache, now=END + DAY)
        fetched = time.monotonic() - began
    began = time.monotonic()
    pages = replay_policy(slo, counts[()]).of_severity(Severity.PAGE)
    replayed = time.monotonic() - began
    yield f"### {profile.name}, {(END - START) // DAY} days (seed 1; Prometheus {running.version})"
    yield f"\nFetched in {fetched:.0f} s, replayed in {replayed:.1f} s.\n"
    yield from page_table(profile, pages, rules, true_alarms(truth, profile, Severity.PAGE))
    yield f"\n{compare_with_truth(profile, truth, pages)}"


def page_table(
    profile: Profile, pages: Sequence[FiredAlert], rules: Sequence[Sequence[Alarm]], true: Sequence[Alarm]
) -> Iterator[str]:
    """Set the start and end of the page in each outage side by side, seconds after its start."""
    yield "| outage | truth | backtest | rules, two phases |"
    yield "|---|---|---|---|"
    for number, fault in enumerate(OUTAGES):
        own = [page for page in pages if fault.start <= page.began < fault.end + 45 * MINUTE]
        found = "none"
        if own:
            found = f"{own[0].began - fault.start} to {(own[-1].ended or END) - fault.start}"
        cells = [found, "; ".join(alarm_text(phase[number]) for phase in rules)]
        yield f"| {fault.name} | {alarm_text(true[number])} | {' | '.join(cells)} |"


def alarm_text(alarm: Alarm) -> str:
    return "none" if alarm.on is None else f"{alarm.on} to {alarm.off}"


def compare_with_truth(profile: Profile, truth: Truth, pages: Sequence[FiredAlert]) -> str:
    """Compute precision and recall of paging minutes, and count pages that no true burn explains."""
    policy = (row for row in workbook_policy(profile.window) if row.severity is Severity.PAGE)
    rows = thresholds(policy, profile.window, profile.budget)
    true = {at for at in range(START + MINUTE, END, MINUTE) if burning(truth, rows, at)}
    found = {at for page in pages for at in range(page.began, page.ended or END, MINUTE)}
    both = len(true & found)
    explained = [
        page for page in pages if not true.isdisjoint(range(page.began - 120, page.began + 240, MINUTE))
    ]
    episodes = sum(1 for before, at in pairwise((0, *sorted(true))) if at - before > MINUTE)
    return (
        f"Minutes: {len(true)} page in truth, {len(found)} in the backtest, {both} in both: precision "
        f"{share(both, found)}, recall {share(both, true)}. Pages: {len(pages)}, of which {len(explained)} "
        f"begin beside a true burn; true burns: {episodes}."
    )


def share(part: int, whole: Iterable[int]) -> str:
    number = len(set(whole))
    return f"{100 * part / number:.1f} %" if number else "unknown"


if __name__ == "__main__":
    main()
