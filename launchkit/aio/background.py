"""Tasks that go on beside a component, and end before what they use is closed."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

import anyio
from anyio.abc import TaskGroup

from launchkit.errors import contained

END_SECONDS = 5.0
"""How long what goes on may take to end when it is cancelled."""


def attend(
    stack: AsyncExitStack,
    tasks: TaskGroup,
    *watches: Callable[[], Coroutine[Any, Any, None]],
    name: str,
) -> None:
    """Run *watches* in *tasks* until *stack* is left. They have ended when what was entered on it
    before is released. *tasks* may begin them again where one has failed.
    """
    attended = _Attended(watches, name)
    tasks.start_soon(attended.run, name=name)
    stack.push_async_callback(attended.end)


class _Attended:
    def __init__(self, watches: Sequence[Callable[[], Coroutine[Any, Any, None]]], name: str):
        self._watches = watches
        self._name = name
        self._left = False
        self._scope: anyio.CancelScope | None = None
        self._ended = anyio.Event()

    async def run(self) -> None:
        if self._left:
            return
        self._scope, self._ended = anyio.CancelScope(), anyio.Event()
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    for one in self._watches:
                        group.start_soon(_contained, one, name=self._name)
        finally:
            self._ended.set()

    async def end(self) -> None:
        self._left = True
        if self._scope is not None:
            self._scope.cancel()
            with anyio.move_on_after(END_SECONDS, shield=True):
                await self._ended.wait()


async def _contained(watch: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A task that calls `sys.exit` would end the event loop, whatever is around it."""
    with contained():
        await watch()
