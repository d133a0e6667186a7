"""Checks of the server: whether it keeps what windows need, counts as the rules do, and has these rules."""

import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser

from sloctl.checks.live.results import Certainty, LiveQuestion, LiveResult, failed, passed, unknown
from sloctl.duration import format_duration, parse_duration
from sloctl.model import NativeLatencyIndicator, PromQL
from sloctl.problems import ProblemLevel
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule

_RETENTION: Final = re.compile(r"[0-9a-z]+")
_COUNTS_BIRTHS: Final = ("created-timestamp-zero-ingestion", "use-start-timestamps")


def check_retention(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find windows that are longer than the server keeps samples."""
    slo = question.located.slo
    kept = (question.server.document("/api/v1/status/runtimeinfo") or {}).get("storageRetention", "")
    written = _RETENTION.match(kept)
    try:
        seconds = int(parse_duration(written[0])) if written else 0
    except ValueError:
        seconds = 0
    if not seconds:
        yield unknown(question, "retention", "the server does not say for how long it keeps samples")
    elif seconds < slo.window.seconds:
        window = format_duration(slo.window.seconds)
        yield failed(
            question,
            "retention",
            f"the server keeps {format_duration(seconds)}, the window is {window}: its start would be lost",
            node=question.located.node.at("window"),
            code="live-retention",
        )
    else:
        yield passed(question, "retention", f"the server keeps {format_duration(seconds)}")


def check_features(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find features of the server that count otherwise than the rules expect, or that they need."""
    server = question.server
    version = (server.document("/api/v1/status/buildinfo") or {}).get("version", "")
    flags = server.document("/api/v1/status/flags") or {}
    enabled = flags.get("enable-feature", "")
    node = question.located.node.at("indicator")
    if not version:
        yield unknown(question, "features", "the server does not say what it is")
        return
    if births := [name for name in _COUNTS_BIRTHS if name in enabled]:
        yield failed(
            question,
            "features",
            f"the server runs with {births[0]}, which gives a new series its first value, and so do "
            "the rules: write countNewSeries: false",
            node=node,
            code="live-feature",
            certainty=Certainty.LIKELY,
        )
    elif (
        isinstance(question.located.slo.indicator, NativeLatencyIndicator)
        and version.startswith("2.")
        and "native-histograms" not in enabled
    ):
        yield failed(
            question,
            "features",
            f"Prometheus {version} reads no native histogram without --enable-feature=native-histograms",
            node=node,
            code="live-feature",
        )
    else:
        yield passed(question, "features", f"version {version}")


def check_loaded_rules(question: LiveQuestion) -> Iterator[LiveResult]:
    """Compare the rules that the server runs for an SLO with those that it compiles into."""
    slo = question.located.slo
    answer = question.server.document("/api/v1/rules")
    if not isinstance(answer, dict):
        yield unknown(question, "rules", "the server does not say which rules it runs")
        return
    groups = rule_groups(slo, question.style)
    loaded = {
        group.get("name", ""): [_loaded_rule(rule) for rule in group.get("rules", [])]
        for group in answer.get("groups", [])
    }
    wanted = {
        group.name: [
            (rule.record if isinstance(rule, RecordingRule) else rule.alert, _normal_form(rule.expr))
            for rule in group.rules
        ]
        for group in groups
    }
    missing = [name for name in wanted if name not in loaded]
    different = [name for name in wanted if name in loaded and loaded[name] != wanted[name]]
    node = question.located.node.at("name")
    if len(missing) == len(wanted):
        seen = "the server runs no rules of this SLO yet"
        yield failed(question, "rules", seen, node=node, code="live-rules-absent", level=ProblemLevel.NOTE)
    elif missing or different:
        seen = f"the server runs other rules than this compiles into: {', '.join([*missing, *different])}"
        yield failed(question, "rules", seen, node=node, code="live-rules-differ")
    else:
        yield passed(question, "rules", "the server runs these rules")


# An answer of the API, of which only two keys are read.
def _loaded_rule(rule: dict[str, Any]) -> tuple[str, str]:
    return str(rule.get("name", "")), _normal_form(str(rule.get("query", "")))


def _normal_form(expression: PromQL) -> str:
    try:
        printed: str = promql_parser.parse(expression).prettify()
    except ValueError:
        return expression
    return printed
