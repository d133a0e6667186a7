"""Rules over a month of history, on the real engine: each at its group's own instants, results written back.

A rule comes after all that it reads; one that reads itself goes instant by instant. While Prometheus is down
nothing is evaluated. As the rule manager does, a series that is no longer returned ends with a stale marker.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bench.rules.profile import DOWN
from bench.rules.remote_write import STALE, labels, samples, stamp
from bench.rules.rule_file import Timed, ordered
from bench.rules.server import Points, Row, Server
from sloctl.rules.rule import RecordingRule

# (first, last) Unix times.
Stretch = tuple[int, int]
# Alerts, and the instants at which their expressions held.
Held = list[tuple[Timed, list[int]]]

_ENDED: Final = "stale"
_PIECE: Final = 3000
_CORES: Final = 2


def evaluate(server: Server, rules: Iterable[Timed], stretches: Callable[[Timed], Iterable[Stretch]]) -> Held:
    """Record every rule over its stretches, and say when the alerts among them held."""
    held: Held = []
    for rule in ordered(rules):
        instants = list(evaluations(rule, stretches(rule)))
        if rule.remembers:
            _step_by_step(server, rule, instants)
        elif isinstance(rule.rule, RecordingRule):
            _record(server, rule, _rows(server, rule.rule.expr, instants), instants)
        else:
            rows = _rows(server, rule.rule.expr, instants)
            held.append((rule, sorted({round(at) for row in rows for at, _ in row.points})))
    return held


def evaluations(rule: Timed, stretches: Iterable[Stretch]) -> Iterator[range]:
    """When *rule* is evaluated: never while Prometheus is down."""
    for first, last in stretches:
        for since, until in ((first, min(last, DOWN[0] - 1)), (max(first, DOWN[1]), last)):
            if since <= until:
                instants = range(since + (rule.phase - since) % rule.every, until + 1, rule.every)
                yield from (instants[at : at + _PIECE] for at in range(0, len(instants), _PIECE))


def ended(points: Points, every: int, evaluated: Sequence[int]) -> Points:
    """*points* and a stale marker wherever the evaluation after one returned nothing."""
    there = {at for at, _ in points}
    known = set(evaluated)
    gone = [(at + every, _ENDED) for at, _ in points if at + every in known and at + every not in there]
    return sorted([*points, *gone])


def _rows(server: Server, expression: str, instants: Sequence[range]) -> list[Row]:
    found: dict[tuple[tuple[str, str], ...], Row] = {}
    with ThreadPoolExecutor(_CORES) as pool:
        for rows in pool.map(lambda part: server.range(expression, part), instants):
            for row in rows:
                key = tuple(sorted(row.labels.items()))
                found.setdefault(key, Row(row.labels, [])).points.extend(row.points)
    return list(found.values())


def _record(server: Server, rule: Timed, rows: Iterable[Row], instants: Sequence[range]) -> None:
    evaluated = [at for part in instants for at in part]
    server.write([_encoded(rule, row.labels, ended(row.points, rule.every, evaluated)) for row in rows])


def _encoded(rule: Timed, found: dict[str, str], points: Points) -> tuple[bytes, bytes]:
    name = {**found, **rule.rule.labels, "__name__": rule.name}
    values = [STALE if value == _ENDED else float(value) for _, value in points]
    return labels(name), samples(values, [stamp(at) for at, _ in points])


def _step_by_step(server: Server, rule: Timed, instants: Sequence[range]) -> None:
    """What an evaluation gives depends on those before it, so each result is written before the next."""
    due = [at for part in instants for at in part]
    while due:
        at = due.pop(0)
        rows = server.range(rule.rule.expr, range(at, at + 1))
        _record(server, rule, rows, [range(at, at + 1)])
        if not rows:
            # Nothing to remember: on to the next that gives something, in one go.
            first = _first(server, rule, due)
            del due[: len(due) if first is None else bisect_left(due, first)]


def _first(server: Server, rule: Timed, due: Sequence[int]) -> float | None:
    """When *rule* gives something for the first time."""
    if not due:
        return None
    rows = _rows(server, rule.rule.expr, list(evaluations(rule, [(due[0], due[-1])])))
    return min((row.points[0][0] for row in rows), default=None)
