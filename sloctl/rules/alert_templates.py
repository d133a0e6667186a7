"""Templates for the text of alerts, which ask Prometheus for the numbers at the moment of evaluation.

User text is shown, never run: the only templates a spec may use are its alert's own labels and value.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.model import AlertKind, Labels, PolicyRow, PromQL, Selector
from sloctl.promql import (
    format_number,
    format_selector,
    metric_selector,
    quote_string,
    range_selector,
)
from sloctl.rules.scope import STALENESS, Scope
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.slo.policy import alert_threshold
from sloctl.slo.resolutions import COARSE_STEP
from sloctl.templates import FILLED_TEMPLATE, LABEL_PREFIX

_NO_LABELS: Final[Labels] = {}
# Label values come from whoever is scraped: none of them can look like a line of ours.
_WITHOUT_CONTROL_CHARS: Final = ' | reReplaceAll "[[:cntrl:]]" "\N{REPLACEMENT CHARACTER}"'
# The first value of a query; not by `with`, to which 0 is nothing.
_FIRST_VALUE: Final = "{{ $n := . | first | value }}"
# `… UTC` instead of `… +0000 UTC`.
_WITH_UTC: Final = ' | reReplaceAll " [+]0000" ""'
# The largest unit and the next: of `1d 4h 48m 0s` the first two, but no zero.
_TWO_UNITS: Final = ' | reReplaceAll "^([0-9a-z]+)( [1-9][0-9]*[a-z])?.*$" "$1$2"'


def escape_template(text: str) -> str:
    """Turn *text* into a template that shows it; `{{ $labels.x }}` and `{{ $value }}` keep their meaning."""
    return "".join(
        part if FILLED_TEMPLATE.fullmatch(part) else part.replace("{{", '{{ "{{" }}')
        for part in FILLED_TEMPLATE.split(text)
    )


def expand_template(text: str, labels: Labels, value: float) -> str:
    """Expand `escape_template(text)` as Prometheus does, for an alert with *labels* and *value*."""

    def own_value(written: re.Match[str]) -> str:
        name = written[0].strip("{ }")
        return (
            labels.get(name.removeprefix(LABEL_PREFIX), "")
            if name.startswith(LABEL_PREFIX)
            else format_number(value)
        )

    return FILLED_TEMPLATE.sub(own_value, text)


class AlertTemplates(Struct, frozen=True):
    """The values in the text of one alert of an SLO, each as the template that asks for it."""

    scope: Scope
    kind: AlertKind
    rows: tuple[PolicyRow, ...] = ()
    pending: int | None = None

    @property
    def alert_subject(self) -> str:
        slo = self.scope.slo
        groups = ", ".join(
            f"{label}={{{{ $labels.{label}{_WITHOUT_CONTROL_CHARS} }}}}" for label in slo.group_by
        )
        if self.kind is AlertKind.NO_DATA and groups:
            # Of the whole SLO it has no labels of a group.
            named = " ".join(f"$labels.{label}" for label in slo.group_by)
            return f"{slo.id}{{{{ if or {named} }}}} ({groups}){{{{ end }}}}"
        return f"{slo.id} ({groups})" if groups else slo.id

    @property
    def group_parameters(self) -> Sequence[str]:
        if self.kind is AlertKind.NO_DATA:
            return ()  # of the whole SLO it has no group
        return [f"{label}={{{{ $labels.{label} | urlquery }}}}" for label in self.scope.slo.group_by]

    @property
    def budget_left(self) -> str:
        ask = self._open_query(f"max({self._own_series(naming.BUDGET_REMAINING)})")
        # From 10000% on humanizePercentage would write an exponent.
        far = (
            '{{ if lt $n -99.0 }}overspent by {{ printf "%.0f" $n | reReplaceAll "^-" "" }} times the budget'
        )
        over = '{{ else if lt $n 0.0 }}overspent by {{ $n | humanizePercentage | reReplaceAll "^-" "" }}'
        within = "{{ else }}{{ $n | humanizePercentage }} left{{ end }}"
        return f"{ask}{_FIRST_VALUE}{far}{over}{within}{{{{ else }}}}an unknown share left{{{{ end }}}}"

    @property
    def start_time(self) -> str:
        moment = f"{{{{ . | first | value | humanizeTimestamp{_WITH_UTC} }}}}"
        return f"{self._open_query(self._firing_start())}{moment}{{{{ end }}}}"

    @property
    def histogram_bounds(self) -> str:
        pair = lower_indicator(self.scope.slo.indicator)
        if not isinstance(pair, CounterPair) or pair.bucket_proof is None:
            return ""
        *own, bound = pair.bucket_proof.bound.matchers
        buckets = format_selector(Selector(pair.bucket_proof.bound.metric, tuple(own)))
        query = f"{{{{ range printf {quote_string(f'group by (le) ({buckets})'.replace('%', '%%'))} | query"
        bounds = f'{query} | sortByLabel "le" }}}} {{{{ .Labels.le{_WITHOUT_CONTROL_CHARS} }}}}'
        asked = escape_template(bound.value.removesuffix(r"(\.0)?"))
        return f" The histogram must have the bound {asked}; it has{bounds}{{{{ else }}}} none{{{{ end }}}}."

    def spec_text(self, text: str) -> str:
        return escape_template(text)

    def burn_rate(self, lookback: int) -> str:
        digits = '{{ if lt $n 100.0 }}{{ printf "%.3g" $n }}{{ else }}{{ printf "%.0f" $n }}{{ end }}x'
        otherwise = "{{ else }}an unknown number of times{{ end }}"
        return f"{self._open_query(self._burn_rate_query(lookback))}{_FIRST_VALUE}{digits}{otherwise}"

    def time_to_exhaustion(self, lookback: int, sentence: str) -> str:
        """Ask for left x window / burn rate, as `slo.burn.time_to_exhaustion` defines it."""
        left = f"max({self._own_series(naming.BUDGET_REMAINING)} > 0)"
        burning = f"({self._burn_rate_query(lookback)} >= 1)"
        query = self._open_query(f"round({left} * {self.scope.slo.window.seconds} / {burning})")
        duration = f"{{{{ . | first | value | humanizeDuration{_TWO_UNITS} }}}}"
        return f"{query}{sentence.format(duration)}{{{{ end }}}}"

    def exceeded_note(self, row: PolicyRow) -> str:
        return f"{self._open_query(self._firing_query(row))}: both above{{{{ end }}}}"

    def firing_row_text(self, rows: Sequence[PolicyRow], text: Callable[[PolicyRow], str]) -> str:
        *others, last = rows
        shown = text(last)
        for row in reversed(others):
            query = self._open_query(self._firing_query(row))
            shown = f"{query}{text(row)}{{{{ else }}}}{shown}{{{{ end }}}}"
        return shown

    def range_start(self, before: int) -> str:
        milliseconds = f"({self._firing_start()}) * 1000 - {1000 * before}"
        return f'{self._open_query(milliseconds)}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'

    def _firing_start(self) -> PromQL:
        """Query when it began to fire, as Unix time; Prometheus keeps it from an alert's second turn on."""
        kind = self.scope.style.alert_identity(self.scope.slo.alerting, self.kind, self.pending)
        waited = f" + {self.rows[0].pending}" if self.rows and self.rows[0].pending else ""
        return f"min({self._own_series('ALERTS_FOR_STATE', kind)}){waited} or floor(vector(time()))"

    def _burn_rate_query(self, lookback: int) -> PromQL:
        if lookback == COARSE_STEP:
            return f"max({self._own_series(naming.CURRENT_BURN_RATE)})"
        return f"max({self._error_ratio_series(lookback)}) / {format_number(self.scope.slo.budget)}"

    def _firing_query(self, row: PolicyRow) -> PromQL:
        """Ask whether both lookbacks of *row* are above its threshold; no answer where they are not."""
        threshold = format_number(alert_threshold(row, self.scope.slo.window.seconds, self.scope.slo.budget))
        long, short = (f"max({self._error_ratio_series(it)}) > {threshold}" for it in (row.long, row.short))
        return f"{long} and {short}"

    def _error_ratio_series(self, lookback: int) -> PromQL:
        ratio = self._own_series(naming.error_ratio_metric(lookback))
        if self.scope.resolutions.for_lookback(lookback).step == COARSE_STEP:
            return f"last_over_time({range_selector(ratio, STALENESS)})"
        return ratio

    def _own_series(self, metric: str, labels: Labels = _NO_LABELS) -> PromQL:
        """Select a series of this SLO and, by a placeholder for each label, of the alert's own group."""
        slo, style = self.scope.slo, self.scope.style
        return metric_selector(metric, {**labels, **style.id_label(slo)}, placeholders=slo.group_by)

    def _open_query(self, expression: PromQL) -> str:
        """Open a `with` over what a query answers, to be closed; %q quotes a label value for PromQL."""
        group_by = self.scope.slo.group_by
        if not group_by:
            return f"{{{{ with query `{expression}` }}}}"
        selectors = expression.count("%q") // len(group_by)
        values = " ".join([f"$labels.{label}" for label in group_by] * selectors)
        return f"{{{{ with printf `{expression}` {values} | query }}}}"
