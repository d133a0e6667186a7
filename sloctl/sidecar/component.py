"""The components of the sidecar as its application sees them: how they open, and what they report.

A component is an async context manager. Beside it stand two callables that are asked for what it has to say:
its self-metrics, for /metrics, and its issues, for /api/v1/status. The application knows nothing else of it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from sloctl.model import Labels
from sloctl.problems import Problem

# Runs while it is open, and releases what it owns when it is closed.
Component: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


class MetricType(Enum):
    """The type of a metric: one that only grows (its name ends in `_total`), or one that goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class SelfMetric:
    """One number about the sidecar's own work, such as `sloctl_store_flushes_total`, for /metrics.

    Those of one name share *help* and *kind* and differ in *labels*.
    """

    name: str
    help: str
    kind: MetricType
    value: float
    labels: Labels = field(default_factory=dict)


# Called at every scrape of /metrics: must neither wait nor compute.
SelfMetrics: TypeAlias = Callable[[], Iterable[SelfMetric]]

# A sentence about each component that does not work now, by its name, such as "store".
Issues: TypeAlias = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """The outcome of a reload at *at* (Unix seconds); the old specs stay unless *is_in_force*."""

    at: float
    is_in_force: bool
    problems: tuple[Problem, ...] = ()


ReloadSpecs: TypeAlias = Callable[[], Awaitable[ReloadResult]]
