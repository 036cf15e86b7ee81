"""Where what happens on the way to a run is said, so that its author can read it."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Output: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Takes bytes that come before a run's own output in its log."""
