"""The shapes of simulated outages: how the share of bad events goes from the first second on."""

from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.duration import format_duration, parse_duration
from sloctl.formatting import format_rounded_percent


class ConstantOutage(Struct, frozen=True):
    """A share of bad events that stays the same, above 0 and at most 1."""

    share: Fraction

    def describe(self) -> str:
        return f"{format_rounded_percent(float(self.share))} bad"

    def bad_seconds(self, seconds: float) -> float:
        """Return how many of the first *seconds* a total outage as bad would last."""
        return max(0.0, seconds) * float(self.share)

    @property
    def mean_share(self) -> float:
        return float(self.share)

    @property
    def steady_after(self) -> int:
        """The seconds after which it only repeats itself."""
        return 0


class RampOutage(Struct, frozen=True):
    """From nothing to all bad in a straight line, over *rise* seconds; then all."""

    rise: int

    def describe(self) -> str:
        return f"ramp to 100 % in {format_duration(self.rise)}"

    def bad_seconds(self, seconds: float) -> float:
        """As of ConstantOutage."""
        risen = min(max(seconds, 0.0), self.rise)
        return risen * risen / (2 * self.rise) + max(0.0, seconds - self.rise)

    @property
    def mean_share(self) -> float:
        return 1.0

    @property
    def steady_after(self) -> int:
        return self.rise


class FlappingOutage(Struct, frozen=True):
    """All bad for the first *bad* of every *period* seconds."""

    bad: int
    period: int

    def describe(self) -> str:
        return f"100 % for {format_duration(self.bad)} of every {format_duration(self.period)}"

    def bad_seconds(self, seconds: float) -> float:
        """As of ConstantOutage."""
        periods, rest = divmod(max(seconds, 0.0), self.period)
        return periods * self.bad + min(rest, self.bad)

    @property
    def mean_share(self) -> float:
        return self.bad / self.period

    @property
    def steady_after(self) -> int:
        return self.period


OutageShape: TypeAlias = ConstantOutage | RampOutage | FlappingOutage

DEFAULT_SHAPES: Final[tuple[OutageShape, ...]] = (
    ConstantOutage(Fraction(1)),
    ConstantOutage(Fraction(1, 2)),
    ConstantOutage(Fraction(1, 10)),
    ConstantOutage(Fraction(1, 100)),
    RampOutage(rise=3600),
    FlappingOutage(bad=120, period=600),
)


def parse_shape(text: str) -> OutageShape:
    """Read `50%`, `ramp:1h` or `flap:2m/10m`; raise ValueError, with what to write instead."""
    kind, _, rest = text.partition(":")
    try:
        if kind == "ramp":
            return RampOutage(_whole_seconds(rest))
        if kind == "flap":
            bad, _, period = rest.partition("/")
            shape = FlappingOutage(_whole_seconds(bad), _whole_seconds(period))
            if shape.bad < shape.period:
                return shape
        elif text.endswith("%"):
            share = Fraction(text.removesuffix("%").strip()) / 100
            if 0 < share <= 1:
                return ConstantOutage(share)
    except (ValueError, ZeroDivisionError):
        pass
    raise ValueError(
        f"an outage is a share like 50%, ramp:1h (to all bad within an hour) or flap:2m/10m (all bad for two "
        f"of every ten minutes); got {text!r}"
    )


def _whole_seconds(text: str) -> int:
    """Parse a duration of at least a second."""
    seconds = int(parse_duration(text))
    if seconds < 1:
        raise ValueError(text)
    return seconds
