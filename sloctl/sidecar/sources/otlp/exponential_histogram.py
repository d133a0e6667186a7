"""Exponential histograms: observations above a threshold, as by Prometheus's histogram_fraction."""

from dataclasses import dataclass
from math import floor, ldexp, log2
from typing import Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

# The finest resolution of Prometheus's native histograms; it merges the buckets of finer ones.
FINEST_SCALE: Final = 8
# OpenTelemetry's SDKs make 160 unless told otherwise.
MAX_BUCKETS: Final = 2_000
# OpenTelemetry's SDKs stay within; beyond, one bucket would be all numbers or none.
ALLOWED_SCALES: Final = range(-10, 21)


@dataclass(frozen=True, slots=True)
class ExponentialHistogram:
    """A count of observations by bucket: number *offset* + i, from base**number to base**(number + 1).

    It holds buckets[i] observations; the base is 2**(2**-scale). *nonpositive* ones are zero or negative.
    """

    scale: int
    count: int
    nonpositive: int
    offset: int
    buckets: tuple[int, ...]

    @classmethod
    def from_point(cls, point: ExponentialHistogramDataPoint) -> "ExponentialHistogram":
        """Read a data point; raise ValueError for a scale or a number of buckets that no SDK uses."""
        if point.scale not in ALLOWED_SCALES:
            raise ValueError(
                f"a scale is from {ALLOWED_SCALES[0]} to {ALLOWED_SCALES[-1]}, got {point.scale}"
            )
        for side in (point.positive, point.negative):
            if len(side.bucket_counts) > MAX_BUCKETS:
                raise ValueError(f"it has {len(side.bucket_counts)} buckets, more than {MAX_BUCKETS}")
        return cls(
            scale=point.scale,
            count=point.count,
            nonpositive=point.zero_count + sum(point.negative.bucket_counts),
            offset=point.positive.offset,
            buckets=tuple(point.positive.bucket_counts),
        )

    def count_below(self, threshold: float, *, scale: int) -> float:
        """Count the observations up to *threshold* (above zero), read no finer than at *scale*.

        Within a bucket they are taken to lie evenly on a logarithmic scale.
        """
        coarsest = min(scale, self.scale, FINEST_SCALE)
        merged = self.scale - coarsest
        position = ldexp(log2(threshold), coarsest)
        # Buckets before *whole* lie below the threshold, those from *beyond* on above it.
        bucket = floor(position)
        whole = max(0, (bucket << merged) - self.offset)
        beyond = max(0, ((bucket + 1) << merged) - self.offset)
        partly = sum(self.buckets[whole:beyond]) * (position - bucket)
        return min(self.nonpositive + sum(self.buckets[:whole]) + partly, float(self.count))


def count_above(now: ExponentialHistogram, before: ExponentialHistogram | None, threshold: float) -> float:
    """Count the observations above *threshold* since *before*; None where all are new."""
    scale = now.scale if before is None else min(now.scale, before.scale)
    slow = now.count - now.count_below(threshold, scale=scale)
    if before is not None:
        slow -= before.count - before.count_below(threshold, scale=scale)
    return max(0.0, slow)
