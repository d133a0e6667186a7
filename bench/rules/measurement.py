"""One profile through everything: its month loaded into a fresh Prometheus, every design judged on it."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rules import designs
from bench.rules.accuracy import Comparison, comparisons, record
from bench.rules.cost import RuleCost, rule_costs
from bench.rules.designs import Design, Maker
from bench.rules.history import Month
from bench.rules.paging import FEW_SERIES, Alarm, page_alarms, ticket_alarms, true_alarms
from bench.rules.profile import Profile
from bench.rules.server import Server, server
from bench.rules.traffic import seeded
from bench.rules.truth import Truth
from sloctl.duration import HOUR
from sloctl.model import Severity

COMPARED: Final[tuple[Maker, ...]] = (designs.sloctl, designs.sloth, designs.pyrra, designs.pyrra_fast)
# Offsets of the first group of each design within its interval; the other groups' are drawn.
PHASES: Final = (7, 22, 37, 52)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Alarms:
    """One alert of one design through the month, beside the truth."""

    severity: Severity
    design: str
    true: Sequence[Alarm]
    found: Sequence[Alarm]


@dataclass(frozen=True, slots=True)
class Judged:
    """One design on one seed."""

    design: str
    source: str
    comparisons: Sequence[Comparison]
    alarms: Sequence[Alarms]


@dataclass(frozen=True, slots=True)
class Measured:
    """All about one profile."""

    profile: Profile
    prometheus: str
    costs: dict[str, list[RuleCost]]
    judged: Sequence[Judged]
    seeds: Sequence[int]
    peers: Sequence[int]


def measure(profile: Profile, seeds: Sequence[int], say: Say, *, peers: Sequence[int]) -> Measured:
    """Cost on the first seed's month; accuracy and alerts on all of them. No seeds: cost alone.

    The peers are judged on the seeds that *peers* names too.
    """
    judged: list[Judged] = []
    costs: dict[str, list[RuleCost]] = {}
    version = ""
    for seed in seeds or (0,):
        with tempfile.TemporaryDirectory() as name, server(Path(name) / "prometheus") as running:
            directory, version = Path(name), running.version
            say(f"{profile.name}, seed {seed}: loading the month")
            truth = load(running, Month(profile, seeded(seed)))
            if not costs:
                costs = _costs(running, profile, directory, say)
            severities = _severities(profile, first=seed == (*seeds, 0)[0]) if seeds else ()
            true = {severity: true_alarms(truth, profile, severity) for severity in severities}
            for make in _compared(seed, seeds, peers):
                say(f"{profile.name}, seed {seed}: {make.__name__}")
                judged.append(_judged(running, _Case(profile, seed, make, directory), truth, true))
    return Measured(profile, version, costs, judged, seeds, [seed for seed in seeds if seed in peers])


def _compared(seed: int, seeds: Sequence[int], peers: Sequence[int]) -> tuple[Maker, ...]:
    if seed not in seeds:
        return ()
    return COMPARED if seed in peers else COMPARED[:1]


def load(running: Server, month: Month) -> Truth:
    """Write the month while it is made: two chunks at once, for there are two cores."""
    with ThreadPoolExecutor(1) as writer:
        before: Future[None] | None = None
        for chunk in month.chunks():
            if before is not None:
                before.result()
            before = writer.submit(running.write, chunk)
        if before is not None:
            before.result()
    return month.tally.truth()


@dataclass(frozen=True, slots=True)
class _Case:
    profile: Profile
    seed: int
    make: Maker
    directory: Path

    def design(self, name: str, first: int) -> Design:
        """The design under another name, so that its series do not mix with those of another phase."""
        random = seeded(f"{self.seed} {first}")
        phases = [first, *(random.randrange(HOUR) for _ in range(3))]
        return self.make(self.profile, f"{self.make.__name__}-{name}", phases, self.directory)


def _costs(running: Server, profile: Profile, directory: Path, say: Say) -> dict[str, list[RuleCost]]:
    costs = {}
    for make in (*COMPARED, designs.sloth_corrected, designs.slokit):
        say(f"{profile.name}: cost of {make.__name__}")
        design = make(profile, f"{make.__name__}-cost", PHASES[:3], directory)
        if design is not None:
            costs[f"{design.name} ({design.source})"] = rule_costs(running, design, profile)
    return costs


def _severities(profile: Profile, *, first: bool) -> tuple[Severity, ...]:
    """What is judged on a seed: of many series, tickets on the first alone."""
    return tuple(Severity) if first or profile.series <= FEW_SERIES else (Severity.PAGE,)


def _judged(running: Server, case: _Case, truth: Truth, true: Mapping[Severity, Sequence[Alarm]]) -> Judged:
    design = case.design("month", PHASES[0])
    record(running, design)
    found = comparisons(running, design, truth)
    alarms = [
        Alarms(
            Severity.PAGE,
            design.name,
            true[Severity.PAGE],
            page_alarms(running, case.design(f"page{phase}", phase), case.profile),
        )
        for phase in PHASES
    ]
    if Severity.TICKET in true:
        tickets = ticket_alarms(running, design, case.profile)
        alarms.append(Alarms(Severity.TICKET, design.name, true[Severity.TICKET], tickets))
    return Judged(design.name, design.source, found, alarms)
