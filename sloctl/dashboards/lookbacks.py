"""Error ratios and burn rates per lookback, beside the thresholds of the alerts that read them.

One colour belongs to each row of the policy: its threshold is a dashed line across, its long lookback a solid
line that names it, its short lookback a dashed one. Where a lookback serves two rows, long wins.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

from sloctl import naming
from sloctl.dashboards import sidecar_metrics
from sloctl.dashboards.grafana_schema import (
    Color,
    ColorMode,
    ColorThreshold,
    FieldMatcher,
    LineStyle,
    Override,
    Property,
    Thresholds,
)
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.dashboards.theme import GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILLION
from sloctl.duration import format_duration
from sloctl.model import PolicyRow, PromQL, Slo
from sloctl.promql import format_number, range_selector
from sloctl.slo.policy import alert_factor, alert_threshold, enabled_severities
from sloctl.slo.resolutions import COARSE_STEP, Resolution, build_resolutions

_ROW_COLORS: Final = (VERMILLION, ORANGE, PURPLE, SKY_BLUE, GREEN)
_SHORT_LINE: Final = LineStyle("dash", (8, 6))
# A graph holds as many groups as can be told apart.
_MAX_GROUPS: Final = 10


class AlertLine(Struct, frozen=True):
    """A row of the policy that can fire, and the colour it is drawn in."""

    policy_row: PolicyRow
    factor: Fraction
    threshold: Fraction
    color: str

    @property
    def threshold_text(self) -> str:
        """The threshold to three digits: `0.72%`."""
        return f"{100 * float(self.threshold):.3g}%"

    @property
    def factor_text(self) -> str:
        """The burn rate to three digits: `14.4×`."""
        return f"{float(self.factor):.3g}×"


class Lookbacks(Struct, frozen=True):
    """What is drawn: every lookback, or of a grouped SLO the first alert's long one, per group."""

    slo: Slo
    resolutions: tuple[Resolution, ...]
    legends: tuple[str, ...]
    alerts: tuple[AlertLine, ...]

    @property
    def graph_title(self) -> str:
        if not self.slo.group_by:
            return "per lookback"
        return f"of the last {format_duration(self.resolutions[0].lookback)}, worst groups"

    def error_ratio_queries(self, asked: QueryScope) -> list[tuple[str, PromQL]]:
        """(legend, query) pairs."""
        ratios = (worst_groups(self.slo, "topk", _error_ratio(asked, rung)) for rung in self.resolutions)
        return list(zip(self.legends, ratios, strict=True))

    def burn_rate_queries(self, error_ratios: Iterable[tuple[str, PromQL]]) -> list[tuple[str, PromQL]]:
        """The same in multiples of what the budget sustains."""
        budget = format_number(self.slo.budget)
        return [(legend, f"{ratio} / {budget}") for legend, ratio in error_ratios]

    def ratio_thresholds(self) -> Thresholds:
        return _line_thresholds((float(line.threshold), line.color) for line in self._drawn_alerts())

    def burn_thresholds(self) -> Thresholds:
        return _line_thresholds((float(line.factor), line.color) for line in self._drawn_alerts())

    def line_overrides(self) -> tuple[Override, ...]:
        """The colour and the dash of each lookback; none for groups, which have their own."""
        if self.slo.group_by:
            return ()
        return tuple(
            self._override(rung.lookback, legend)
            for rung, legend in zip(self.resolutions, self.legends, strict=True)
        )

    def _drawn_alerts(self) -> tuple[AlertLine, ...]:
        """Only thresholds that a line of the graph is held against."""
        drawn = {rung.lookback for rung in self.resolutions}
        return tuple(line for line in self.alerts if line.policy_row.long in drawn)

    def _override(self, lookback: int, legend: str) -> Override:
        longs = [line.color for line in self.alerts if line.policy_row.long == lookback]
        shorts = [line.color for line in self.alerts if line.policy_row.short == lookback]
        color = Property("color", Color(ColorMode.FIXED, fixed_color=next(iter(longs + shorts), GREY)))
        dash = () if longs or not shorts else (Property("custom.lineStyle", _SHORT_LINE),)
        return Override(FieldMatcher("byName", legend), (color, *dash))


def drawn_lookbacks(slo: Slo) -> Lookbacks:
    rungs = build_resolutions(slo.alerting.policy, slo.window.seconds)
    alerts = alert_lines(slo)
    if not slo.group_by:
        legends = tuple(_legend(rung.lookback, alerts) for rung in rungs.entries)
        return Lookbacks(slo, rungs.entries, legends, alerts)
    one = rungs.for_lookback(alerts[0].policy_row.long) if alerts else rungs.entries[0]
    return Lookbacks(slo, (one,), (group_legend(slo),), alerts)


def alert_lines(slo: Slo) -> tuple[AlertLine, ...]:
    """The rows of *slo* whose severity is on and whose threshold an error ratio can exceed."""
    window = slo.window.seconds
    rows = [row for row in slo.alerting.policy if row.severity in enabled_severities(slo.alerting)]
    return tuple(
        AlertLine(row, alert_factor(row, window), threshold, _ROW_COLORS[place % len(_ROW_COLORS)])
        for place, row in enumerate(rows)
        if (threshold := alert_threshold(row, window, slo.budget)) < 1
    )


def worst_groups(slo: Slo, worst: Literal["topk", "bottomk"], expression: PromQL) -> PromQL:
    """The worst groups at each moment; an SLO without groups as it is."""
    return f"{worst}({_MAX_GROUPS}, {expression})" if slo.group_by else expression


def group_legend(slo: Slo) -> str:
    return ", ".join(f"{{{{{label}}}}}" for label in slo.group_by)


def _legend(lookback: int, alerts: Iterable[AlertLine]) -> str:
    """The lookback and, where an alert's threshold is for it, that: `1h, page above 0.72%`."""
    longs = (line for line in alerts if line.policy_row.long == lookback)
    thresholds = (f"{line.policy_row.severity.value} above {line.threshold_text}" for line in longs)
    return ", ".join((format_duration(lookback), *thresholds))


def _error_ratio(asked: QueryScope, rung: Resolution) -> PromQL:
    """In brackets. Series of the slow group come as far apart as Prometheus looks back: without a range they
    flicker.
    """
    series = asked.select_series(naming.error_ratio_metric(rung.lookback))
    steady = (
        f"last_over_time({range_selector(series, 2 * COARSE_STEP)})" if rung.step == COARSE_STEP else series
    )
    exposed = asked.select_lookback(sidecar_metrics.ERROR_RATIO, rung.lookback)
    return f"({asked.recorded_or_exposed(asked.max_by(steady), asked.max_by(exposed))})"


def _line_thresholds(lines: Iterable[tuple[float, str]]) -> Thresholds:
    steps = (ColorThreshold(color, value) for value, color in sorted(lines))
    return Thresholds("absolute", (ColorThreshold("transparent", None), *steps))
