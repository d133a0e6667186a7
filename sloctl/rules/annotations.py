"""What an alert says: Prometheus templates that ask for the numbers at the moment of evaluation.

Law: user text is shown, never run. The only templates a spec may use are its alert's own labels and value.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sloctl import naming
from sloctl.burn import alert_factor
from sloctl.decimals import decimal
from sloctl.duration import DAY, HOUR, format_duration
from sloctl.model import BurnAlert, Labels, PromQL
from sloctl.rollup import COARSE
from sloctl.rules.scope import STALENESS, Scope, ranged

_OWN_VALUES: Final = re.compile(r"(\{\{ *\$(?:labels\.[a-zA-Z_][a-zA-Z0-9_]*|value) *\}\})")
_LABEL: Final = "$labels."


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


def burn_annotations(scope: Scope, rows: Sequence[BurnAlert]) -> dict[str, str]:
    """What burns, each lookback against its threshold, and how long the budget lasts."""
    newest = min(rows, key=lambda row: row.short)
    verb = {"page": "Pages", "ticket": "Opens a ticket"}[newest.severity.value]
    return {
        "summary": f"{_subject(scope)}: error budget burns {_burn(scope, newest.short)} as fast as it may, "
        f"{_left(scope)} left{_gone_in(scope, newest.long)}",
        "description": _text(
            _objective(scope),
            f"{verb} when both lookbacks of a line burn faster than its threshold:",
            *(_arithmetic(scope, row) for row in rows),
        ),
    }


def exhausted_annotations(scope: Scope) -> dict[str, str]:
    return {
        "summary": f"{_subject(scope)}: error budget is spent, {_left(scope)} left",
        "description": _text(
            _objective(scope),
            f"More events failed in the last {_window(scope)} than the objective allows.",
        ),
    }


def exhausting_annotations(scope: Scope, row: BurnAlert) -> dict[str, str]:
    within = format_duration(scope.slo.alerting.exhausting_within)
    return {
        "summary": f"{_subject(scope)}: error budget will be gone within {within}, "
        f"{_left(scope)} left{_gone_in(scope, row.long)}",
        "description": _text(_objective(scope), _arithmetic(scope, row)),
    }


def no_data_annotations(scope: Scope) -> dict[str, str]:
    after = format_duration(scope.slo.alerting.no_data_after)
    return {
        "summary": f"{scope.slo.id}: no data for {after}, so nobody knows whether its objective is met",
        "description": _text(
            _objective(scope),
            "No series matches the indicator. Is the target scraped, and do the selectors still match?",
        ),
    }


def _text(*sentences: str) -> str:
    return "\n".join(sentence for sentence in sentences if sentence)


def _subject(scope: Scope) -> str:
    groups = ", ".join(f"{label}={{{{ $labels.{label} }}}}" for label in scope.slo.group_by)
    return f"{scope.slo.id} ({groups})" if groups else scope.slo.id


def _objective(scope: Scope) -> str:
    slo = scope.slo
    promise = f"Objective: {decimal(100 * slo.objective)}% over {_window(scope)}."
    return f"{template(slo.description)} {promise}" if slo.description else promise


def _window(scope: Scope) -> str:
    return format_duration(scope.slo.window.seconds)


def _arithmetic(scope: Scope, row: BurnAlert) -> str:
    factor = decimal(alert_factor(row, scope.slo.window.seconds))
    lookbacks = (f"{format_duration(it)} {_burn(scope, it)}" for it in (row.long, row.short))
    return f"- {', '.join(lookbacks)}; threshold {factor}x"


def _burn(scope: Scope, lookback: int) -> str:
    ratio = _series(scope, naming.error_ratio(lookback))
    if scope.ladder.rung(lookback).step == COARSE:
        ratio = f"last_over_time({ranged(ratio, STALENESS)})"
    rate = _query(scope, f"max({ratio}) / {decimal(scope.slo.budget)}", 'printf "%.3g"')
    return f"{rate}{{{{ else }}}}an unknown number of times{{{{ end }}}}"


def _left(scope: Scope) -> str:
    left = _query(scope, f"max({_series(scope, naming.BUDGET_REMAINING)})", "humanizePercentage", unit="")
    return f"{left}{{{{ else }}}}an unknown share{{{{ end }}}}"


def _gone_in(scope: Scope, lookback: int) -> str:
    """Left x window x budget / error ratio; silent where nothing is left or nothing burns."""
    spendable = decimal(scope.slo.window.seconds * scope.slo.budget)
    left = _series(scope, naming.BUDGET_REMAINING)
    ratio = _series(scope, naming.error_ratio(lookback))
    seconds = f"max({left} > 0) * {spendable} / max({ratio} > 0)"
    return "".join(
        _query(scope, f"{seconds} {unit}", 'printf "%.3g"', before=", gone in ", unit=f" {word} at this rate")
        + "{{ end }}"
        for unit, word in ((f"/ {HOUR} < 48", "hours"), (f"/ {DAY} >= 2", "days"))
    )


def _series(scope: Scope, metric: str) -> PromQL:
    """A series of this SLO and, by a placeholder for each, of the alert's own group."""
    own = scope.own(metric)
    groups = "".join(f", {label}=%q" for label in scope.slo.group_by)
    return f"{own.removesuffix('}')}{groups}}}"


def _query(scope: Scope, expression: PromQL, form: str, *, before: str = "", unit: str = "x") -> str:
    """The first value of a query, in a `with` that the caller closes; %q quotes a label value for PromQL."""
    ask = f"query `{expression}`"
    if scope.slo.group_by:
        values = " ".join(_label_values(scope.slo.group_by, expression))
        ask = f"printf `{expression}` {values} | query"
    return f"{{{{ with {ask} }}}}{before}{{{{ . | first | value | {form} }}}}{unit}"


def _label_values(group_by: Sequence[str], expression: PromQL) -> Iterable[str]:
    series = expression.count("%q") // len(group_by)
    return [f"$labels.{label}" for label in group_by] * series
