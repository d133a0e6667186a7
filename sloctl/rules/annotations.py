"""What an alert says: Prometheus templates that ask for the numbers at the moment of evaluation.

Law: user text is shown, never run. The only templates a spec may use are its alert's own labels and value.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.burn import alert_threshold
from sloctl.decimals import decimal
from sloctl.model import BurnAlert, Labels, PromQL, Severity
from sloctl.rollup import COARSE
from sloctl.rules.scope import STALENESS, Scope, ranged

_OWN_VALUES: Final = re.compile(r"(\{\{ *\$(?:labels\.[a-zA-Z_][a-zA-Z0-9_]*|value) *\}\})")
_LABEL: Final = "$labels."
# Label values come from whoever is scraped: none of them can look like a line of ours.
_PLAIN: Final = ' | reReplaceAll "[[:cntrl:]]" "\N{REPLACEMENT CHARACTER}"'
# The first value of a query; not by `with`, to which 0 is nothing.
_FIRST: Final = "{{ $n := . | first | value }}"
# `… UTC` instead of `… +0000 UTC`.
_UTC: Final = ' | reReplaceAll " [+]0000" ""'
# The largest unit and the next: of `1d 4h 48m 0s` the first two, but no zero.
_TWO_UNITS: Final = ' | reReplaceAll "^([0-9a-z]+)( [1-9][0-9]*[a-z])?.*$" "$1$2"'


def template(text: str) -> str:
    """*text* as a template that shows it; `{{ $labels.x }}` and `{{ $value }}` keep their meaning."""
    return "".join(
        part if _OWN_VALUES.fullmatch(part) else part.replace("{{", '{{ "{{" }}')
        for part in _OWN_VALUES.split(text)
    )


def expanded(text: str, labels: Labels, value: float) -> str:
    """What Prometheus makes of `template(text)` for an alert with *labels* and *value*."""

    def own_value(written: re.Match[str]) -> str:
        name = written[0].strip("{ }")
        return labels.get(name.removeprefix(_LABEL), "") if name.startswith(_LABEL) else decimal(value)

    return _OWN_VALUES.sub(own_value, text)


class Templates(Struct, frozen=True):
    """The numbers of one alert of an SLO, each as the template that asks for it."""

    scope: Scope
    alertname: str
    severity: Severity

    @property
    def subject(self) -> str:
        slo = self.scope.slo
        groups = ", ".join(f"{label}={{{{ $labels.{label}{_PLAIN} }}}}" for label in slo.group_by)
        return f"{slo.id} ({groups})" if groups else slo.id

    @property
    def group(self) -> Sequence[str]:
        if self.alertname == naming.NO_DATA_ALERT:
            return ()  # its expression has no group
        return [f"{label}={{{{ $labels.{label} | urlquery }}}}" for label in self.scope.slo.group_by]

    @property
    def left(self) -> str:
        ask = self._asking(f"max({self._series(naming.BUDGET_REMAINING)})")
        # From 10000% on humanizePercentage would write an exponent.
        far = (
            '{{ if lt $n -99.0 }}overspent by {{ printf "%.0f" $n | reReplaceAll "^-" "" }} times the budget'
        )
        over = '{{ else if lt $n 0.0 }}overspent by {{ $n | humanizePercentage | reReplaceAll "^-" "" }}'
        within = "{{ else }}{{ $n | humanizePercentage }} left{{ end }}"
        return f"{ask}{_FIRST}{far}{over}{within}{{{{ else }}}}an unknown share left{{{{ end }}}}"

    @property
    def since(self) -> str:
        moment = f"{{{{ . | first | value | humanizeTimestamp{_UTC} }}}}"
        return f"{self._asking(self._began())}{moment}{{{{ end }}}}"

    def shown(self, text: str) -> str:
        return template(text)

    def burn(self, lookback: int) -> str:
        rate = f"max({self._ratio(lookback)}) / {decimal(self.scope.slo.budget)}"
        digits = '{{ if lt $n 100.0 }}{{ printf "%.3g" $n }}{{ else }}{{ printf "%.0f" $n }}{{ end }}x'
        return f"{self._asking(rate)}{_FIRST}{digits}{{{{ else }}}}an unknown number of times{{{{ end }}}}"

    def exceeded(self, row: BurnAlert) -> str:
        slo = self.scope.slo
        threshold = decimal(alert_threshold(row, slo.window.seconds, slo.budget))
        long, short = (f"max({self._ratio(it)}) > {threshold}" for it in (row.long, row.short))
        return f"{self._asking(f'{long} and {short}')}: both above{{{{ end }}}}"

    def gone_in(self, lookback: int) -> str:
        """Left x window x budget / error ratio; silent where nothing is left or nothing burns."""
        slo = self.scope.slo
        left = f"max({self._series(naming.BUDGET_REMAINING)} > 0)"
        seconds = f"{left} * {decimal(slo.window.seconds * slo.budget)} / max({self._ratio(lookback)} > 0)"
        duration = f"{{{{ . | first | value | humanizeDuration{_TWO_UNITS} }}}}"
        return f"{self._asking(f'round({seconds})')}, gone in {duration} at this rate{{{{ end }}}}"

    def began(self, before: int) -> str:
        milliseconds = f"({self._began()}) * 1000 - {1000 * before}"
        return f'{self._asking(milliseconds)}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'

    def _began(self) -> PromQL:
        """Unix time, which Prometheus keeps from an alert's second turn on."""
        style = self.scope.style
        alert = f'alertname="{self.alertname}", {style.severity}="{self.severity.value}"'
        known = self._series("ALERTS_FOR_STATE").replace("{", f"{{{alert}, ", 1)
        return f"min({known}) or floor(vector(time()))"

    def _ratio(self, lookback: int) -> PromQL:
        ratio = self._series(naming.error_ratio(lookback))
        if self.scope.ladder.rung(lookback).step == COARSE:
            return f"last_over_time({ranged(ratio, STALENESS)})"
        return ratio

    def _series(self, metric: str) -> PromQL:
        """A series of this SLO and, by a placeholder for each, of the alert's own group."""
        own = self.scope.own(metric)
        groups = "".join(f", {label}=%q" for label in self.scope.slo.group_by)
        return f"{own.removesuffix('}')}{groups}}}"

    def _asking(self, expression: PromQL) -> str:
        """A `with` over what a query answers, to be closed; %q quotes a label value for PromQL."""
        group_by = self.scope.slo.group_by
        if not group_by:
            return f"{{{{ with query `{expression}` }}}}"
        values = " ".join(_label_values(group_by, expression))
        return f"{{{{ with printf `{expression}` {values} | query }}}}"


def _label_values(group_by: Sequence[str], expression: PromQL) -> Iterable[str]:
    series = expression.count("%q") // len(group_by)
    return [f"$labels.{label}" for label in group_by] * series
