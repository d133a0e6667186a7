"""Streams that hypothesis draws: small scripts of what happens to targets, rather than every sample."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.differential.scraped import TICK
from tests.differential.streams import Child, Target

HORIZON: Final = 130 * 60
INTERVALS: Final = (15, 30, 60)


@st.composite
def targets(draw: DrawFn, *, interval: int, horizon: int = HORIZON) -> list[Target]:
    """One to three targets, each with one or two children."""
    return [
        draw(_target(interval, horizon // interval, instance=instance))
        for instance in "abc"[: draw(st.integers(min_value=1, max_value=3))]
    ]


@st.composite
def steady_targets(draw: DrawFn) -> list[Target]:
    """Targets that are always there, with counters far from zero, never scraped on the minute itself."""
    return [
        Target(
            instance,
            (Child("/pay", draw(_dense), draw(_sparse | _dense), head=(50_000, 50_000)),),
            phase=draw(st.sampled_from((TICK, 2 * TICK))),
        )
        for instance in "abc"[: draw(st.integers(min_value=1, max_value=3))]
    ]


_dense: Final = st.lists(st.integers(0, 40), min_size=1, max_size=4)
_sparse: Final = st.builds(
    lambda quiet, errors: [0] * quiet + [errors], st.integers(0, 120), st.integers(1, 9)
)


@st.composite
def _target(draw: DrawFn, interval: int, scrapes: int, *, instance: str) -> Target:
    moment = st.integers(0, scrapes)
    return Target(
        instance,
        tuple(
            draw(_child(route, moment)) for route in draw(st.sampled_from((("/pay",), ("/pay", "/refund"))))
        ),
        interval=interval,
        phase=draw(st.integers(0, interval // TICK - 1)) * TICK,
        first=draw(st.just(0) | moment),
        restarts=draw(st.frozensets(moment, max_size=2)),
        failed=draw(_stretches(moment, scrapes)),
        unseen=draw(_stretches(moment, scrapes)),
    )


@st.composite
def _child(draw: DrawFn, route: str, moment: SearchStrategy[int]) -> Child:
    born = draw(st.just(0) | moment)
    return Child(
        route,
        ok=draw(_dense | _sparse),
        bad=draw(st.just([0]) | _sparse | _dense),
        born=born,
        died=draw(st.none() | moment.map(lambda later: born + later)),
        head=draw(st.sampled_from(((0, 0), (5000, 40)))),
    )


@st.composite
def _stretches(draw: DrawFn, moment: SearchStrategy[int], scrapes: int) -> frozenset[int]:
    """Some scrapes in a row, a few times: up to half an hour or so of nine."""
    starts = draw(st.lists(moment, max_size=2))
    return frozenset(
        number
        for start in starts
        for number in range(start, start + draw(st.sampled_from((1, 2, 5, 30, scrapes // 20))))
    )
