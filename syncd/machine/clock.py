"""A clock that all processes of this machine have in common."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))  # on macOS the second counts sleep too


def boot_clock() -> float:
    """Seconds since this machine was started, those asleep included; the same in all of its processes."""
    if _CLOCK is None or not hasattr(time, "clock_gettime"):
        return time.monotonic()
    return float(time.clock_gettime(_CLOCK))
