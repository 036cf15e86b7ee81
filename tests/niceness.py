"""How nice a run is whose tests may run under `nice` themselves."""

import os

NICEST = 19


def nicer_by(number: int) -> int:
    """The niceness of a child that adds *number* to its own."""
    return min(NICEST, os.nice(0) + number)
