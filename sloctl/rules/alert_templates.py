"""Templates for the text of alerts, which ask Prometheus for the numbers at the moment of evaluation.

User text is shown, never run: the only templates a spec may use are its alert's own labels and value.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, Self

from msgspec import Struct

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import (
    AlertKind,
    CalendarWindow,
    CompositeIndicator,
    Labels,
    PolicyRow,
    PromQL,
    Selector,
    Slo,
    SpentStep,
    Window,
)
from sloctl.naming import LabelStyle
from sloctl.promql import (
    format_matchers,
    format_number,
    format_selector,
    join_matchers,
    quote_string,
    range_selector,
)
from sloctl.rules.alert_text import AlertText, describe_objective, describe_promise
from sloctl.rules.journeys import part_queries
from sloctl.rules.recording import recorded_description
from sloctl.rules.scope import STALENESS, Scope
from sloctl.slo.lowering import BucketProof, CounterPair, lower_indicator
from sloctl.slo.policy import alert_factor
from sloctl.slo.resolutions import COARSE_STEP, Resolutions
from sloctl.templates import FILLED_TEMPLATE, LABEL_PREFIX

_NO_LABELS: Final[Labels] = {}
# What a text may call; of lookbacks that a slow group records, the slow one.
_BURN_RATE: Final = "burn_rate"
_TIME_LEFT: Final = "time_left"
_SLOW: Final = "slow_"
# Label values come from whoever is scraped: none of them can look like a line of ours.
_WITHOUT_CONTROL_CHARS: Final = ' | reReplaceAll "[[:cntrl:]]" "\N{REPLACEMENT CHARACTER}"'
# The first value of a query; not by `with`, to which 0 is nothing.
_FIRST_VALUE: Final = "{{ $n := . | first | value }}"
_VALUE_PERCENT: Final = "{{ . | first | value | humanizePercentage }}"
_FAULTY_PART: Final = f'{{{{ . | first | label "{naming.JOURNEY_PART_LABEL}" }}}}'
# `… UTC` instead of `… +0000 UTC`.
_WITH_UTC: Final = ' | reReplaceAll " [+]0000" ""'
# The largest unit and the next: of `1d 4h 48m 0s` the first two, but no zero.
_TWO_UNITS: Final = ' | reReplaceAll "^([0-9a-z]+)( [1-9][0-9]*[a-z])?.*$" "$1$2"'


def escape_template(text: str) -> str:
    """Turn *text* into a template that shows it; `{{ $labels.x }}` and `{{ $value }}` keep their meaning."""
    if "{{" not in text:
        return text
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
    """The values in the text of one alert of an SLO, each as the template that asks for it.

    A template names its SLO by the labels of the alert, so that the text of all SLOs of one policy is the
    same and stands once in a rule file. What is asked again and again is defined once in each text.
    """

    kind: AlertKind
    style: LabelStyle
    group_by: tuple[str, ...]
    window: Window
    resolutions: Resolutions
    # The labels by which Prometheus knows the alert from others of its SLO.
    alert_identity: tuple[tuple[str, str], ...]
    # The SLO, where its label does not say its id.
    slo_id: str
    bucket_proof: BucketProof | None
    rows: tuple[PolicyRow, ...]
    step: SpentStep | None = None
    # Of a journey, what asks for the part at fault and for the silent ones; the SLO's id is left open.
    fault_query: PromQL = ""
    silence_query: PromQL = ""

    @classmethod
    def from_scope(
        cls,
        scope: Scope,
        kind: AlertKind,
        *,
        rows: tuple[PolicyRow, ...] = (),
        pending: int | None = None,
        step: SpentStep | None = None,
    ) -> Self:
        """Take of an SLO what the text of one of its alerts depends on."""
        slo, style = scope.slo, scope.style
        pair = lower_indicator(slo.indicator) if kind is AlertKind.NO_DATA else None
        own = f"{style.id}=%[1]q"
        queries = (
            part_queries(slo.indicator, own) if isinstance(slo.indicator, CompositeIndicator) else ("", "")
        )
        return cls(
            kind,
            style,
            slo.group_by,
            slo.window,
            scope.resolutions,
            tuple(style.alert_identity(slo.alerting, kind, pending, step=step).items()),
            "" if style.slo_id(slo) == slo.id else slo.id,
            pair.bucket_proof if isinstance(pair, CounterPair) else None,
            rows,
            step,
            *queries,
        )

    @property
    def alert_subject(self) -> str:
        name = self.slo_id or f"{{{{ $labels.{self.style.id} }}}}"
        groups = ", ".join(
            f"{label}={{{{ $labels.{label}{_WITHOUT_CONTROL_CHARS} }}}}" for label in self.group_by
        )
        if self.kind is AlertKind.NO_DATA and groups:
            # Of the whole SLO it has no labels of a group.
            named = " ".join(f"$labels.{label}" for label in self.group_by)
            return f"{name}{{{{ if or {named} }}}} ({groups}){{{{ end }}}}"
        return f"{name} ({groups})" if groups else name

    @property
    def group_parameters(self) -> Sequence[str]:
        if self.kind is AlertKind.NO_DATA:
            return ()  # of the whole SLO it has no group
        return [f"{label}={{{{ $labels.{label} | urlquery }}}}" for label in self.group_by]

    @property
    def budget_left(self) -> str:
        return self._share_left(self._own_series(naming.BUDGET_REMAINING))

    @property
    def budget_left_with_excluded(self) -> str:
        series = self._own_series(naming.BUDGET_REMAINING_WITH_EXCLUDED)
        return self._share_left(f"last_over_time({range_selector(series, STALENESS)})")

    def _share_left(self, budget_left: PromQL) -> str:
        ask = self._open("with", f"max({budget_left})")
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
        return f"{self._open('with', self._firing_start())}{moment}{{{{ end }}}}"

    @property
    def histogram_bounds(self) -> str:
        if self.bucket_proof is None:
            return ""
        *own, bound = self.bucket_proof.bound.matchers
        buckets = format_selector(Selector(self.bucket_proof.bound.metric, tuple(own)))
        query = f"{{{{ range printf {quote_string(f'group by (le) ({buckets})'.replace('%', '%%'))} | query"
        bounds = f'{query} | sortByLabel "le" }}}} {{{{ .Labels.le{_WITHOUT_CONTROL_CHARS} }}}}'
        asked = escape_template(bound.value.removesuffix(r"(\.0)?"))
        return f" The histogram must have the bound {asked}; it has{bounds}{{{{ else }}}} none{{{{ end }}}}."

    @property
    def part_at_fault(self) -> str:
        return f"{self._open_fault()}; part at fault: {_FAULTY_PART}{{{{ end }}}}" if self.fault_query else ""

    @property
    def fault_line(self) -> str:
        if not self.fault_query:
            return ""
        said = f"At fault over {format_duration(COARSE_STEP)}: {_FAULTY_PART}, {_VALUE_PERCENT} bad"
        return f"{self._open_fault()}{said}.\n{{{{ end }}}}"

    def _open_fault(self) -> str:
        return self._open("with", self.fault_query)

    @property
    def silent_parts(self) -> str:
        if not self.silence_query:
            return ""
        asked = self._open("with", self.silence_query)
        names = f"{{{{ range . | sortByLabel {quote_string(naming.JOURNEY_PART_LABEL)} }}}}"
        each = f" {{{{ .Labels.{naming.JOURNEY_PART_LABEL} }}}}"
        return f"{asked} Parts without data:{names}{each}{{{{ end }}}}.{{{{ end }}}}"

    def promise_line(self, slo: Slo) -> str:
        """Ask for the promise as it is recorded, so that the text of all SLOs of one policy is the same."""
        if slo.description and not recorded_description(slo):
            return describe_promise(slo, self)
        style = self.style
        info = f"{{{{ with printf `{style.info_metric}{{{style.id}=%q}}` $labels.{style.id} | query }}}}"
        description = f'{{{{ with . | first | label "{style.description}" }}}}{{{{ . }}}} {{{{ end }}}}'
        # The unit stands here where it does not in the label.
        unit = "" if style.objective_unit else "%"
        objective = f'{{{{ . | first | label "{style.objective}" }}}}{unit}'
        return f"{info}{description}{describe_objective(objective, self.window)}{{{{ end }}}}"

    def spec_text(self, text: str) -> str:
        return escape_template(text)

    def burn_rate(self, lookback: int) -> str:
        return self._call(_BURN_RATE, lookback)

    def time_to_exhaustion(self, lookback: int, sentence: str) -> str:
        return self._call(_TIME_LEFT, lookback, f' "{sentence.format("%s")}"')

    def exceeded_note(self, row: PolicyRow) -> str:
        return f"{self._open('if', self._firing_query(row))}: both above{{{{ end }}}}"

    def firing_row_text(self, rows: Sequence[PolicyRow], text: Callable[[PolicyRow], str]) -> str:
        *others, last = rows
        shown = text(last)
        for row in reversed(others):
            query = self._open("if", self._firing_query(row))
            shown = f"{query}{text(row)}{{{{ else }}}}{shown}{{{{ end }}}}"
        return shown

    def range_start(self, before: int) -> str:
        milliseconds = f"({self._firing_start()}) * 1000 - {1000 * before}"
        return f'{self._open("with", milliseconds)}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'

    def with_definitions(self, text: AlertText) -> AlertText:
        """Define in front of the summary and of the lines what each calls."""
        return AlertText(self._define_called(text.summary), self._define_called(text.lines))

    def _define_called(self, text: str) -> str:
        definitions = {
            f"{prefix}{name}": write(ratio)
            for prefix, ratio in (("", "{}"), (_SLOW, f"last_over_time({{}}[{format_duration(STALENESS)}])"))
            for name, write in ((_BURN_RATE, self._define_burn_rate), (_TIME_LEFT, self._define_time_left))
            if f'{{{{ template "{prefix}{name}" ' in text
        }
        defined = (f'{{{{ define "{name}" }}}}{body}{{{{ end }}}}' for name, body in definitions.items())
        return "".join(defined) + text

    def _define_burn_rate(self, ratio: PromQL) -> str:
        """Print the burn rate over the lookback that is the first argument."""
        digits = '{{ if lt $n 100.0 }}{{ printf "%.3g" $n }}{{ else }}{{ printf "%.0f" $n }}{{ end }}x'
        otherwise = "{{ else }}an unknown number of times{{ end }}"
        return f"{self._open_for_lookback(self._burn_rate(ratio))}{_FIRST_VALUE}{digits}{otherwise}"

    def _define_time_left(self, ratio: PromQL) -> str:
        """Ask for left x window / burn rate, as `slo.burn.time_to_exhaustion` defines it.

        The second argument after the labels is the sentence to print it in.
        """
        left = f"max({self._own_series(naming.BUDGET_REMAINING)} > 0)"
        burn = self._burn_rate(ratio)
        query = f"round({left} * {self.window.seconds} / ({burn} >= 1))"
        if isinstance(self.window, CalendarWindow):
            own = f"{{{self.style.id}=%[1]q}}"
            start, end = (f"max({metric}{own})" for metric in (naming.PERIOD_START, naming.PERIOD_END))
            query = f"round({left} * ({end} - {start}) / ({burn} > 0)) < {end} - time()"
        duration = f"{{{{ . | first | value | humanizeDuration{_TWO_UNITS} | printf $.arg2 }}}}"
        return f"{self._open_for_lookback(query)}{duration}{{{{ end }}}}"

    def _call(self, name: str, lookback: int, more: str = "") -> str:
        """Call a definition for one lookback, in its slow form where a slow group records the ratio."""
        slow = _SLOW if self.resolutions.for_lookback(lookback).step == COARSE_STEP else ""
        return f'{{{{ template "{slow}{name}" (args "{format_duration(lookback)}" $labels{more}) }}}}'

    def _firing_start(self) -> PromQL:
        """Query when it began to fire, as Unix time; Prometheus keeps it from an alert's second turn on."""
        waited = f" + {self.rows[0].pending}" if self.rows and self.rows[0].pending else ""
        state = self._own_series("ALERTS_FOR_STATE", dict(self.alert_identity))
        return f"min({state}){waited} or floor(vector(time()))"

    def _burn_rate(self, ratio: PromQL) -> PromQL:
        """Query the burn rate over any lookback, whose text is the last value to fill in."""
        any_ratio = self._own_series(f"{naming.ERROR_RATIO_PREFIX}%[{len(self._own_labels) + 1}]s")
        return f"max({ratio.format(any_ratio)}) / {self._error_budget}"

    @property
    def _error_budget(self) -> PromQL:
        return f"max({naming.ERROR_BUDGET}{{{self.style.id}=%[1]q}})"

    def _firing_query(self, row: PolicyRow) -> PromQL:
        """Ask whether both lookbacks of *row* burn faster than its factor; no answer where they do not."""
        factor = format_number(alert_factor(row, self.window.seconds))
        threshold = f"{factor} * {self._error_budget}"
        long, short = (f"max({self._error_ratio_series(it)}) > {threshold}" for it in (row.long, row.short))
        return f"{long} and {short}"

    def _error_ratio_series(self, lookback: int) -> PromQL:
        ratio = self._own_series(naming.error_ratio_metric(lookback))
        if self.resolutions.for_lookback(lookback).step == COARSE_STEP:
            return f"last_over_time({range_selector(ratio, STALENESS)})"
        return ratio

    @property
    def _own_labels(self) -> tuple[str, ...]:
        """The labels that tell the SLO and the alert's own group of it."""
        return (self.style.id, *self.group_by)

    def _own_series(self, metric: str, labels: Labels = _NO_LABELS) -> PromQL:
        """Select a series of the alert's own SLO and group, whose labels `printf` fills in, quoted."""
        own = (f"{label}=%[{number}]q" for number, label in enumerate(self._own_labels, start=1))
        return join_matchers(metric, format_matchers(labels), ", ".join(own))

    def _open(self, action: str, expression: PromQL) -> str:
        """Open a `with` or an `if`, to be closed, over what a query answers."""
        values = " ".join(f"$labels.{label}" for label in self._own_labels)
        return f"{{{{ {action} printf `{expression}` {values} | query }}}}"

    def _open_for_lookback(self, expression: PromQL) -> str:
        """Open a `with` over a query in a definition, whose arguments are a lookback and the labels."""
        values = " ".join(f".arg1.{label}" for label in self._own_labels)
        return f"{{{{ with printf `{expression}` {values} .arg0 | query }}}}"
