"""What is imported and opened when it is first needed: agents that serve other queues start
without it.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

import anyio
from anyio.to_thread import run_sync

T = TypeVar("T")


class Lazy(Generic[T]):
    """One value that *opening* makes with *module*, which is slow to import."""

    def __init__(self, module: str, opening: Callable[[Any], Awaitable[T]]) -> None:
        self._module = module
        self._opening = opening
        self._turn = anyio.Lock()
        self.value: T | None = None
        """None before it was needed."""

    async def opened(self) -> T:
        """The value; who comes while it is opened waits."""
        async with self._turn:
            if self.value is None:
                self.value = await self._opening(await run_sync(import_module, self._module))
            return self.value
