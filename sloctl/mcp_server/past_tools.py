"""The tool about the past: what an SLO's alerts would have done over what a Prometheus holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from sloctl.backfill.rollups import RangeQuery
from sloctl.backtest.evaluation import BudgetBacktest, backtest_budget
from sloctl.backtest.fetch import DayCounts, fetch_counts
from sloctl.backtest.reports import alert_label
from sloctl.duration import DAY
from sloctl.mcp_server import answers
from sloctl.mcp_server.answers import Backtest, FiredAnswer, GroupBacktest, ToolRefused, plain_text
from sloctl.mcp_server.spec_tools import SpecText, SpecTools, WantedSlo
from sloctl.model import PromQL, Severity
from sloctl.prometheus.answers import QueryRange
from sloctl.slo.resolutions import COARSE_STEP
from sloctl.timestamps import format_optional_rfc3339, format_rfc3339


@dataclass(frozen=True, slots=True)
class PastTools:
    """The tool over a Prometheus; *ask* is None where there is none, *now* gives Unix seconds."""

    specs: SpecTools
    ask: RangeQuery | None
    now: Callable[[], float]

    def backtest(
        self,
        slo: WantedSlo = "",
        days: Annotated[int, Field(ge=1, le=30, description="of the past, one query each")] = 7,
        spec: SpecText = "",
    ) -> Backtest:
        """Replay an SLO's alerts over the past: every page and ticket, and what they cost."""
        if self.ask is None:
            raise ToolRefused("a backtest needs a Prometheus: start sloctl mcp with --prometheus URL")
        found = self.specs.find_slo(slo, spec)
        end = int(self.now()) // COARSE_STEP * COARSE_STEP
        span = QueryRange(end - days * DAY, end)
        counted = fetch_counts(found, span, ask=self.ask, store=_Forgetful(), now=end)
        replayed = [backtest_budget(found, dict(group), series) for group, series in counted.items()]
        return Backtest(
            slo=plain_text(found.id),
            start=format_rfc3339(span.start),
            end=format_rfc3339(span.end),
            groups=[_answer_group(each) for each in replayed[: answers.MOST_GROUPS]],
            left_out=max(0, len(replayed) - answers.MOST_GROUPS),
        )


class _Forgetful:
    """A store of counts that keeps none: no tool writes."""

    def load(self, queries: tuple[PromQL, PromQL], day: QueryRange) -> list[DayCounts] | None:  # noqa: ARG002 - as CountStore has them
        return None

    def keep(self, queries: tuple[PromQL, PromQL], day: QueryRange, counts: Sequence[DayCounts]) -> None:
        pass


def _answer_group(backtest: BudgetBacktest) -> GroupBacktest:
    replay, period = backtest.replay, backtest.own_period
    return GroupBacktest(
        group={plain_text(name): plain_text(value) for name, value in backtest.group.items()},
        is_met=period.is_met,
        budget_spent=period.spent,
        known_seconds=period.known_seconds,
        pages=len(replay.of_severity(Severity.PAGE)),
        tickets=len(replay.of_severity(Severity.TICKET)),
        alerts=[
            FiredAnswer(
                severity=alert.severity.value,
                alert=alert_label(alert),
                began=format_rfc3339(alert.began),
                ended=format_optional_rfc3339(alert.ended),
                budget_spent=alert.spent,
            )
            for alert in replay.alerts[: answers.MOST_ALERTS]
        ],
        alerts_left_out=max(0, len(replay.alerts) - answers.MOST_ALERTS),
    )
