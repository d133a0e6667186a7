"""Series and their samples: the values that all counting starts from."""

from typing import Final, NamedTuple, TypeAlias

LabelPair: TypeAlias = tuple[str, str]

# More samples than this of one target are not taken.
MAX_SAMPLES: Final = 100_000


class SeriesId(NamedTuple):
    """One time series; *labels* are sorted by name."""

    metric: str
    labels: tuple[LabelPair, ...]


class ExposedSample(NamedTuple):
    """One value of a series, with the target's own timestamp and creation time, where given: Unix seconds.

    Only a *declared* creation time is one by the format; else it may be a gauge that happens to be called so.
    """

    series: SeriesId
    value: float
    at: float | None = None
    created: float | None = None
    is_declared: bool = True
