"""Two clusters behind a Thanos querier: in one everything is well, in the other half of all requests fail.

Three Prometheus servers hold what the compiled rules would have recorded; two of them are replicas of the
same cluster, of which each missed some minutes that the other has. Each has a Thanos sidecar.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sloctl import naming
from sloctl.duration import HOUR, MINUTE
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import quote_string
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from tests.engines.fleet import engine_binary
from tests.real import Prometheus, backfill, free_port, running_program, running_prometheus

EVENTS_A_MINUTE: Final = 600
# Of what is held, before the end.
HELD: Final = 3 * HOUR
BAD_SHARES: Final = {"eu": 0.5, "us": 0.0}
# Minutes before the end that a replica missed.
MISSED: Final = {("eu", "a"): range(20, 30), ("eu", "b"): range(40, 50)}
# The querier looks for its endpoints every few seconds.
_FOUND_WITHIN: Final = 60.0


@dataclass(slots=True)
class Clusters:
    """The querier of both clusters, and what stops the sidecar of the one that is well."""

    querier: Prometheus
    us_sidecar: ExitStack


@contextmanager
def two_clusters(directory: Path, slo: Slo, *, end: int) -> Iterator[Clusters]:
    """Both clusters up to *end* (Unix seconds), ready to be asked."""
    with ExitStack() as stack, ExitStack() as us_sidecar:
        endpoints = [
            stack.enter_context(_replica(directory / "eu-a", slo, end, cluster="eu", replica="a")),
            stack.enter_context(_replica(directory / "eu-b", slo, end, cluster="eu", replica="b")),
            us_sidecar.enter_context(_replica(directory / "us-a", slo, end, cluster="us", replica="a")),
        ]
        url = f"http://127.0.0.1:{free_port()}"
        command = [
            engine_binary("thanos"),
            "query",
            f"--http-address={url.removeprefix('http://')}",
            f"--grpc-address=127.0.0.1:{free_port()}",
            "--query.replica-label=replica",
            # A store that is gone is missed, rather than forgotten.
            *(f"--endpoint-strict={endpoint}" for endpoint in endpoints),
        ]
        querier = stack.enter_context(running_program(command, url=url, log=directory / "query.log"))
        clusters = Clusters(Prometheus(querier.url, querier.log), us_sidecar)
        deadline = time.monotonic() + _FOUND_WITHIN
        while len(clusters.querier.instant(NATIVE_STYLE.info_metric, at=end)) < len(BAD_SHARES):
            assert time.monotonic() < deadline, querier.log.read_text()
            time.sleep(0.2)
        yield clusters


def recorded_samples(
    slo: Slo, *, end: int, cluster: str, missed: range = range(0)
) -> Iterator[tuple[str, float, float]]:
    """What the rules recorded in a cluster in the hours before *end*, without the minutes *missed*."""
    scope, bad = Scope.from_slo(slo, NATIVE_STYLE), BAD_SHARES[cluster]
    info = next(
        rule
        for group in rule_groups(slo, NATIVE_STYLE)
        for rule in group.rules
        if isinstance(rule, RecordingRule) and rule.record == NATIVE_STYLE.info_metric
    )
    error_budget = float(slo.budget)
    published = {
        naming.ERROR_BUDGET: error_budget,
        naming.BUDGET_REMAINING: 1 - bad / error_budget / 20,
        naming.CURRENT_BURN_RATE: bad / error_budget,
        **{
            naming.error_ratio_metric(lookback): bad for lookback in (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
        },
    }
    rollups = {"total": EVENTS_A_MINUTE, "error": EVENTS_A_MINUTE * bad}
    firing = {
        "alertname": naming.BURN_ALERT,
        "alertstate": "firing",
        NATIVE_STYLE.alert: "burn",
        NATIVE_STYLE.severity: "page",
        **NATIVE_STYLE.identity_labels(slo),
    }
    for ago in range(HELD // MINUTE, -1, -1):
        at = end - ago * MINUTE
        if ago in missed:
            continue
        yield _write_series(info.record, info.labels), 1, at
        for metric, value in published.items():
            yield _write_series(metric, scope.published_labels), value, at
        for side, count in rollups.items():
            yield _write_series(f"slo:sli_{side}:increase1m", scope.identity_labels), count, at
            if at % (5 * MINUTE) == 0:
                yield _write_series(f"slo:sli_{side}:increase5m", scope.identity_labels), 5 * count, at
        if bad:
            yield _write_series("ALERTS", firing), 1, at


def _write_series(metric: str, labels: Mapping[str, str]) -> str:
    """Write a series as OpenMetrics has it: no space behind a comma."""
    return f"{metric}{{{','.join(f'{name}={quote_string(text)}' for name, text in labels.items())}}}"


@contextmanager
def _replica(directory: Path, slo: Slo, end: int, *, cluster: str, replica: str) -> Iterator[str]:
    """A Prometheus of a cluster with its Thanos sidecar; gives the sidecar's address."""
    samples = recorded_samples(slo, end=end, cluster=cluster, missed=MISSED.get((cluster, replica), range(0)))
    backfill(directory, samples)
    config = f"global: {{external_labels: {{cluster: {cluster}, replica: {replica}}}}}"
    with running_prometheus(directory, config=config) as server:
        http, grpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
        command = [
            engine_binary("thanos"),
            "sidecar",
            f"--prometheus.url={server.url}",
            f"--tsdb.path={directory / 'data'}",
            f"--http-address={http}",
            f"--grpc-address={grpc}",
        ]
        with running_program(command, url=f"http://{http}", log=directory / "sidecar.log"):
            yield grpc
