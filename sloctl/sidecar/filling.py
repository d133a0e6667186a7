"""What a Prometheus knows of the time before, taken into the ledger; nothing is counted twice."""

from collections.abc import AsyncIterator
from typing import TypeAlias

from sloctl.model import Slo
from sloctl.rollup import COARSE, Counts
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.sources import Group

# Counts of an SLO's group up to a moment; steps are five minutes long at most.
Past: TypeAlias = AsyncIterator[tuple[Slo, Group, float, Counts]]


async def fill(ledger: Ledger, past: Past) -> None:
    """Remember what lies wholly before, or wholly after, the data there are at the start of each SLO."""
    known = {slo.id: ledger.known(slo) for slo in ledger.slos}
    async for slo, group, at, counts in past:
        if (span := known[slo.id]) is None or at <= span[0] or at - COARSE >= span[1]:
            ledger.remember(slo, group, at, counts)
