"""An SLO under test: its group, and the recorded series that a test feeds and reads."""

from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.model import AlertKind, Labels, PromQL, Slo, SpentStep
from sloctl.naming import LabelStyle
from sloctl.promql import metric_selector
from sloctl.rule_tests.promtool import RuleExpectation

_DECIMALS: Final = 10**9


class TestedSlo(Struct, frozen=True):
    """One SLO in one label style, of which one group is tested; *group* is empty without groupBy."""

    slo: Slo
    style: LabelStyle
    group: Labels

    def fed(self, metric: str, **more: str) -> str:
        """Write a series in place of one that the rules record; its labels are never the rules' own."""
        labels = {**self.style.id_label(self.slo), **self.group, "slo_test": "fed", **more}
        return metric_selector(metric, labels)

    def read(self, metric: str) -> PromQL:
        """Read what the rules recorded and a test fed, over all other labels."""
        return f"sum({metric_selector(metric, {**self.style.id_label(self.slo), **self.group})})"

    def recorded(self, metric: str, at: int, value: float | None) -> RuleExpectation:
        """Expect a value to nine decimals, or none: older promtools compare floats bit by bit."""
        query = f"round({_DECIMALS:g} * {self.read(metric)})"
        return RuleExpectation(at, query, None if value is None else round(_DECIMALS * value))

    def fires(
        self,
        kind: AlertKind,
        at: int,
        *,
        pending: int | None = None,
        firing: int | None = 1,
        step: SpentStep | None = None,
    ) -> RuleExpectation:
        """Expect an alert to be firing, or with None not to be."""
        labels = {
            "alertname": naming.alert_name(self.slo.alerting, kind, step),
            "alertstate": "firing",
            **self.style.id_label(self.slo),
            **self.style.alert_identity(self.slo.alerting, kind, pending, step=step),
        }
        return RuleExpectation(at, f"count({metric_selector('ALERTS', labels)})", firing)

    def covered_window(self, minutes: int, at: int, *, covered: float = 1.0) -> dict[str, str]:
        """Feed the record of a first rollup, such that *covered* of the window is recorded at *at*."""
        since = at - self.slo.window.seconds * covered
        return {self.fed(naming.ROLLUPS_SINCE, **{self.style.part: "before"}): f"{since:.0f}x{minutes}"}
