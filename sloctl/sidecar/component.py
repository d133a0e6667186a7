"""What the application asks of the parts it is built from: values they tell, and the shape they open in."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from sloctl.model import Labels
from sloctl.problems import Problem

# Runs while it is open; what it owns ends when it is closed.
Component: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


class MetricType(Enum):
    """Whether a figure only grows (and its name ends in `_total`), or goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class SelfMetric:
    """One number that a part tells of its own work, such as `sloctl_store_flushes_total`, for /metrics.

    Figures of one name share *help* and *kind* and differ in *labels*.
    """

    name: str
    help: str
    kind: MetricType
    value: float
    labels: Labels = field(default_factory=dict)


# Asked whenever /metrics is scraped: must neither wait nor compute.
SelfMetrics: TypeAlias = Callable[[], Iterable[SelfMetric]]

# What does not work now, by the part it is about, such as "store"; told on /api/v1/status.
Issues: TypeAlias = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """How reading the specs anew at *at* (Unix seconds) ended; the old ones stay unless *is_in_force*."""

    at: float
    is_in_force: bool
    problems: tuple[Problem, ...] = ()


ReloadSpecs: TypeAlias = Callable[[], Awaitable[ReloadResult]]
