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
from sloctl.dashboards.panels import query_ref_id
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
    """The lookbacks that are drawn: all, or of a grouped SLO the first alert's long one, per group."""

    slo: Slo
    resolutions: tuple[Resolution, ...]
    legends: tuple[str, ...]
    alerts: tuple[AlertLine, ...]

    @property
    def graph_title(self) -> str:
        if not self.slo.group_by:
            return "per lookback"
        return f"of the last {format_duration(self.resolutions[0].lookback)}, worst groups"

    def error_ratio_queries(self, scope: QueryScope) -> list[tuple[str, PromQL]]:
        """List (legend, query) of the error ratio over each lookback; each query stands in brackets."""
        queries = []
        for resolution, legend in zip(self.resolutions, self.legends, strict=True):
            is_window = resolution.lookback == self.slo.window.longest
            recorded = scope.select_series(
                naming.window_ratio_metric(self.slo.window)
                if is_window
                else naming.error_ratio_metric(resolution.lookback)
            )
            if resolution.step == COARSE_STEP:
                # They come as far apart as Prometheus looks back: without a range they flicker.
                recorded = f"last_over_time({range_selector(recorded, 2 * COARSE_STEP)})"
            name = naming.lookback_name(self.slo.window, resolution.lookback)
            exposed = scope.select_series(sidecar_metrics.ERROR_RATIO, lookback=name)
            ratio = f"({scope.recorded_or_exposed(scope.max_by(recorded), scope.max_by(exposed))})"
            queries.append((legend, worst_groups(self.slo, "topk", ratio)))
        return queries

    def burn_rate_queries(self, error_ratios: Iterable[tuple[str, PromQL]]) -> list[tuple[str, PromQL]]:
        """Turn error ratios into multiples of what the budget sustains."""
        budget = format_number(self.slo.budget)
        return [(legend, f"{ratio} / {budget}") for legend, ratio in error_ratios]

    def ratio_thresholds(self) -> Thresholds:
        return _line_thresholds((float(line.threshold), line.color) for line in self._drawn_alerts())

    def burn_thresholds(self) -> Thresholds:
        return _line_thresholds((float(line.factor), line.color) for line in self._drawn_alerts())

    def line_overrides(self) -> tuple[Override, ...]:
        """Give each lookback its colour and its dash; groups have colours of their own.

        A lookback goes by its query and not by its legend, in which the objective would change it.
        """
        if self.slo.group_by:
            return ()
        overrides = []
        for number, resolution in enumerate(self.resolutions):
            longs = [line.color for line in self.alerts if line.policy_row.long == resolution.lookback]
            shorts = [line.color for line in self.alerts if line.policy_row.short == resolution.lookback]
            color = Property("color", Color(ColorMode.FIXED, fixed_color=next(iter(longs + shorts), GREY)))
            dash = () if longs or not shorts else (Property("custom.lineStyle", _SHORT_LINE),)
            overrides.append(Override(FieldMatcher("byFrameRefID", query_ref_id(number)), (color, *dash)))
        return tuple(overrides)

    def _drawn_alerts(self) -> tuple[AlertLine, ...]:
        """Keep only thresholds that a line of the graph is held against."""
        drawn = {resolution.lookback for resolution in self.resolutions}
        return tuple(line for line in self.alerts if line.policy_row.long in drawn)


def drawn_lookbacks(slo: Slo) -> Lookbacks:
    """Choose what the graphs of *slo* draw, and its legends.

    A legend is the lookback and, where an alert's threshold is for it, that: `1h, page above 0.72%`.
    """
    resolutions = build_resolutions(slo.alerting.policy, slo.window.longest)
    alerts = alert_lines(slo)
    if slo.group_by:
        one = resolutions.for_lookback(alerts[0].policy_row.long) if alerts else resolutions.entries[0]
        return Lookbacks(slo, (one,), (group_legend(slo),), alerts)
    legends = tuple(
        ", ".join(
            [
                naming.lookback_name(slo.window, resolution.lookback),
                *(
                    f"{line.policy_row.severity.value} above {line.threshold_text}"
                    for line in alerts
                    if line.policy_row.long == resolution.lookback
                ),
            ]
        )
        for resolution in resolutions.entries
    )
    return Lookbacks(slo, resolutions.entries, legends, alerts)


def alert_lines(slo: Slo) -> tuple[AlertLine, ...]:
    """List the rows of *slo* whose severity is on and whose threshold an error ratio can exceed."""
    window, enabled = slo.window.seconds, enabled_severities(slo.alerting)
    rows = [row for row in slo.alerting.policy if row.severity in enabled]
    return tuple(
        AlertLine(row, alert_factor(row, window), threshold, _ROW_COLORS[place % len(_ROW_COLORS)])
        for place, row in enumerate(rows)
        if (threshold := alert_threshold(row, window, slo.budget)) < 1
    )


def worst_groups(slo: Slo, worst: Literal["topk", "bottomk"], expression: PromQL) -> PromQL:
    """Keep the worst groups at each moment; an SLO without groups stays as it is."""
    return f"{worst}({_MAX_GROUPS}, {expression})" if slo.group_by else expression


def group_legend(slo: Slo) -> str:
    return ", ".join(f"{{{{{label}}}}}" for label in slo.group_by)


def _line_thresholds(lines: Iterable[tuple[float, str]]) -> Thresholds:
    steps = (ColorThreshold(color, value) for value, color in sorted(lines))
    return Thresholds("absolute", (ColorThreshold("transparent", None), *steps))
