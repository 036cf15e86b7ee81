"""Tasks that go on beside a component, and end before what they use is closed."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import anyio
from anyio.abc import TaskGroup

END_SECONDS = 5.0
"""How long what goes on may take to end when it is cancelled."""


def attend(
    stack: AsyncExitStack,
    tasks: TaskGroup,
    *watches: Callable[[], Coroutine[Any, Any, None]],
    name: str,
) -> None:
    """Run *watches* in *tasks* until *stack* is left. They have ended when what was entered on it
    before is released.
    """
    scope = anyio.CancelScope()
    ended = anyio.Event()

    async def watch() -> None:
        try:
            with scope:
                async with anyio.create_task_group() as group:
                    for one in watches:
                        group.start_soon(one, name=name)
        finally:
            ended.set()

    async def end() -> None:
        scope.cancel()
        with anyio.move_on_after(END_SECONDS, shield=True):
            await ended.wait()

    tasks.start_soon(watch, name=name)
    stack.push_async_callback(end)
