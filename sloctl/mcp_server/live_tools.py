"""Tools about now: how SLOs stand, and what burns."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import Field

from sloctl.mcp_server import answers
from sloctl.mcp_server.answers import BurningList, BurningSlo, SloList, ToolRefused, answer_slo, plain_text
from sloctl.slo.health import Health
from sloctl.status.slo_status import SloStatus, StatusReport
from sloctl.timestamps import format_optional_rfc3339

# Asks the sidecar or the Prometheus once; raises ToolRefused.
ReadStatus: TypeAlias = Callable[[], StatusReport]
Name: TypeAlias = Annotated[str, Field(max_length=400)]


@dataclass(frozen=True, slots=True)
class LiveTools:
    """The tools over a source of statuses."""

    read_status: ReadStatus

    def list_slos(
        self,
        text: Annotated[str, Field(max_length=400, description="a part of SERVICE/NAME or of a label")] = "",
        state: Annotated[str, Field(max_length=20, description="such as paging; empty is all")] = "",
    ) -> SloList:
        """List SLOs and their groups as they stand now, the worst first, and count the states of all."""
        states = [each.key for each in Health]
        if state and state not in states:
            raise ToolRefused(f"state is one of {', '.join(states)}, got {plain_text(state)}")
        report = self.read_status()
        found = [slo for slo in report.slos if text in _searched_text(slo) and state in {"", slo.health.key}]
        return SloList(
            at=format_optional_rfc3339(report.at),
            slos=[answer_slo(slo) for slo in found[: answers.MOST_SLOS]],
            left_out=max(0, len(found) - answers.MOST_SLOS),
            states=dict(Counter(slo.health.key for slo in report.slos)),
        )

    def get_slo(self, slo: Annotated[Name, Field(description="SERVICE/NAME")]) -> SloList:
        """Show one SLO as it stands now: all its groups, the worst first."""
        report = self.read_status()
        found = [each for each in report.slos if each.id == slo]
        if not found:
            raise ToolRefused(f"there is no SLO {plain_text(slo)}: list_slos names them")
        return SloList(
            at=format_optional_rfc3339(report.at),
            slos=[answer_slo(each) for each in found[: answers.MOST_SLOS]],
            left_out=max(0, len(found) - answers.MOST_SLOS),
            states=dict(Counter(each.health.key for each in found)),
        )

    def what_burns(self) -> BurningList:
        """Say what needs a look now, the worst first, and which label values carry the errors."""
        report = self.read_status()
        troubled = [slo for slo in report.slos if slo.health in answers.TROUBLED]
        return BurningList(
            at=format_optional_rfc3339(report.at),
            burning=[_answer_burning(slo) for slo in troubled[: answers.MOST_BURNING]],
            left_out=max(0, len(troubled) - answers.MOST_BURNING),
            fine=sum(slo.health is Health.FINE for slo in report.slos),
            unknown=sum(slo.health is Health.UNKNOWN for slo in report.slos),
        )


def _answer_burning(slo: SloStatus) -> BurningSlo:
    known = slo.contributors
    return BurningSlo(answer_slo(slo), None if known is None else answers.answer_contributors(known))


def _searched_text(slo: SloStatus) -> str:
    return " ".join((slo.id, *(f"{name}={value}" for name, value in slo.group.items())))
