"""Python's garbage collector, set for a process that replaces one large board by the next."""

import gc


def tune_garbage_collector() -> None:
    """For the whole process, once, before it serves.

    A board holds no cycles: it goes when the next one comes, without the collector. But the collector takes
    each new board for growth, and walks through all that lives: at 10,000 SLOs 0.4 seconds per tick, half of
    all that the process does. Cycles of others, such as failed requests leave behind, are few; they wait
    some minutes longer.
    """
    gc.set_threshold(50_000, 20, 20)
