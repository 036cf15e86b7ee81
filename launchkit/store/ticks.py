"""A clock that nobody sets."""

import time


def ticks() -> float:
    """Seconds that go on while the machine sleeps; they begin anew when it is started."""
    if boottime := getattr(time, "CLOCK_BOOTTIME", None):
        return time.clock_gettime(boottime)
    return time.monotonic()
