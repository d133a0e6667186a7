"""What one SLO (or one group of it) has counted: fine steps for what a page looks at, coarse ones beyond."""

from sloctl.rollup import COARSE, FINE_REACH, Counts, Rollups


class History:
    """Bounded: six hours of fine steps and a window of coarse ones."""

    def __init__(self, *, step: float, window: float) -> None:
        self._step = step
        self._window = window
        self._fine = Rollups(step, min(FINE_REACH, window))
        self._coarse = Rollups(max(COARSE, step), window)
        self._since: float | None = None
        self.last: float | None = None

    @property
    def since(self) -> float | None:
        """Since when there are counts; as old as the window at most."""
        if self._since is None or self.last is None:
            return None
        return max(self._since, self.last - self._window)

    def add(self, at: float, counts: Counts) -> None:
        """Count what happened up to *at*; times do not go back."""
        if self._since is None:
            self._since = at - self._step
        self._fine.add(at, counts)
        self._coarse.add(at, counts)
        self.last = at

    def sum(self, now: float, lookback: float) -> Counts | None:
        """Counts of the last *lookback* seconds; None where there are none."""
        rollups = self._fine if lookback <= FINE_REACH else self._coarse
        counts = rollups.sum(now, lookback)
        if counts is None:
            return None
        # A histogram scraped between two of its increments gives a negative error here and there.
        return Counts(error=max(0.0, counts.error), total=counts.total)
