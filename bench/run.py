"""One program run to its end: how long it took, and how much memory it held at most."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """*wall* in seconds, *peak* resident memory in bytes."""

    wall: float
    peak: int


def timed(command: Sequence[str]) -> Run:
    """Raises CalledProcessError when *command* fails; what it says is thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Of this child only; getrusage(RUSAGE_CHILDREN) would give the largest child ever.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(wall, usage.ru_maxrss * 1024)
