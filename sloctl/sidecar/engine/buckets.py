"""Time buckets: counts of consecutive steps of time, packed into ten bytes each.

Law: a count is rounded once, when it is added; sums are taken over the buckets and never kept, so that
nothing drifts.
"""

import struct
from array import array
from typing import Final, NamedTuple

# Of packed buckets: the number of the first, and how many.
_HEAD: Final = struct.Struct("<qI")


class BucketSum(NamedTuple):
    """The counts of some range of time, and how many *seconds* of it there are data of."""

    seconds: int
    error: float
    total: float


EMPTY_SUM: Final = BucketSum(0, 0.0, 0.0)


def add_sums(one: BucketSum, other: BucketSum) -> BucketSum:
    return BucketSum(one.seconds + other.seconds, one.error + other.error, one.total + other.total)


def subtract_sums(one: BucketSum, other: BucketSum) -> BucketSum:
    return BucketSum(one.seconds - other.seconds, one.error - other.error, one.total - other.total)


class TimeBuckets:
    """Buckets of one *width*: number *n* holds what happened in ((n - 1) * width, n * width] Unix seconds.

    A bucket without data has no seconds.
    Counts are single floats: exact to 16 million a step, to seven digits beyond.
    """

    __slots__ = ("errors", "first", "seconds", "totals", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.first = 0
        self.seconds = array("H")
        self.errors = array("f")
        self.totals = array("f")

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def begin(self) -> int:
        """When the oldest bucket began; Unix seconds."""
        return (self.first - 1) * self.width

    @property
    def end(self) -> int:
        """When the newest bucket ends."""
        return (self.first + len(self.seconds) - 1) * self.width

    def bucket_number(self, at: float) -> int:
        return int(-(-at // self.width))

    def add_sum(self, number: int, seen: BucketSum) -> None:
        """Add to bucket *number*, in any order; buckets that come to lie between are empty."""
        index = self._ensure_index(number)
        self.seconds[index] = min(self.seconds[index] + seen.seconds, 0xFFFF)
        self.errors[index] += seen.error
        self.totals[index] += seen.total

    def sum_since(self, cut: float) -> BucketSum:
        """Sum the buckets that end later than half a width after *cut*: from its nearest edge on."""
        return self.sum_slice(self.first_index_after(cut), len(self.seconds))

    def first_index_after(self, cut: float) -> int:
        """Give the index of the first bucket that `sum_since` sums."""
        return max(0, int((cut + self.width / 2) // self.width) + 1 - self.first)

    def sum_slice(self, begin: int, end: int) -> BucketSum:
        """Sum by indexes, not by numbers; *end* is not included."""
        return BucketSum(
            sum(self.seconds[begin:end]), sum(self.errors[begin:end]), sum(self.totals[begin:end])
        )

    def sum_between(self, first: int, last: int) -> BucketSum:
        """Sum the buckets with these numbers, both included."""
        return self.sum_slice(max(0, first - self.first), max(0, last + 1 - self.first))

    def sum_all(self) -> BucketSum:
        return BucketSum(sum(self.seconds), sum(self.errors), sum(self.totals))

    def filled_buckets(self) -> list[tuple[int, BucketSum]]:
        """Give number and counts of every bucket with data, the oldest first."""
        rows = zip(self.seconds, self.errors, self.totals, strict=True)
        return [(self.first + index, BucketSum(*row)) for index, row in enumerate(rows) if row[0]]

    def remove_before(self, before: int) -> BucketSum:
        """Remove the buckets with a number below *before*, and give their sum."""
        count = min(max(0, before - self.first), len(self.seconds))
        if count == 0:
            return EMPTY_SUM
        removed = self.sum_slice(0, count)
        self.first += count
        del self.seconds[:count]
        del self.errors[:count]
        del self.totals[:count]
        return removed

    def pack_buckets(self) -> bytes:
        """Pack all buckets into bytes that are the same on every machine: little-endian."""
        count = len(self.seconds)
        columns = struct.pack(f"<{count}H{2 * count}f", *self.seconds, *self.errors, *self.totals)
        return _HEAD.pack(self.first, count) + columns

    def unpack_buckets(self, packed: bytes, offset: int) -> int:
        """Take over what `pack_buckets` wrote at *offset*, and give where it ends; raises struct.error."""
        head: tuple[int, int] = _HEAD.unpack_from(packed, offset)
        self.first, count = head
        columns = struct.unpack_from(f"<{count}H{2 * count}f", packed, offset + _HEAD.size)
        self.seconds = array("H", columns[:count])
        self.errors = array("f", columns[count : 2 * count])
        self.totals = array("f", columns[2 * count :])
        return offset + _HEAD.size + 10 * count

    def _ensure_index(self, number: int) -> int:
        if not self.seconds:
            self.first = number
        index = number - self.first
        if index < 0:
            self._insert_empty(-index, at=0)
            self.first = number
            return 0
        missing = index + 1 - len(self.seconds)
        if missing == 1:
            self.seconds.append(0)
            self.errors.append(0.0)
            self.totals.append(0.0)
        elif missing > 1:
            self._insert_empty(missing, at=len(self.seconds))
        return index

    def _insert_empty(self, count: int, *, at: int) -> None:
        self.seconds[at:at] = array("H", bytes(2 * count))
        self.errors[at:at] = array("f", bytes(4 * count))
        self.totals[at:at] = array("f", bytes(4 * count))
