"""An event loop that grpc may still tell of a call when it is closed."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any


class DeafLoop(asyncio.SelectorEventLoop):
    """grpc's poller lives as long as its process. What it knows of a call that was cut off it may
    hand to the loop that is there by then, which tells the loop of the call, closed or not; so a
    test would fail for one that is over.
    """

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Do nothing if it is closed and grpc calls."""
        if self.is_closed() and callback.__module__.startswith("grpc."):
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon_threadsafe(callback, *args, context=context)
