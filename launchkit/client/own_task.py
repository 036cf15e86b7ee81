"""Contexts that are entered in one task and may be left in another, as in a notebook, where each
cell is a task of its own.
"""

import asyncio
import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

END_SECONDS = 30.0
"""How long a context may take to end when whoever waits for it is cancelled."""


class InOwnTask(AbstractAsyncContextManager[T], Generic[T]):
    """Holds a context open in a task of its own, so that what is begun there ends there.

    What breaks meanwhile ends the context, and is raised where it is left.
    """

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self._context = context
        self._failure: Exception | None = None

    async def __aenter__(self) -> T:
        self._scope = anyio.CancelScope()
        self._opened, self._left, self._ended = anyio.Event(), anyio.Event(), anyio.Event()
        # No task group may hold it: one is left by the task that has entered it.
        self._task = asyncio.create_task(self._hold())  # noqa: TID251
        await self._until(self._opened)
        self._raise_failure()
        return self._value

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        await self._until(self._ended)
        self._raise_failure()

    async def _hold(self) -> None:
        try:
            with self._scope:
                async with self._context as self._value:
                    self._opened.set()
                    await self._left.wait()
        except Exception as exc:  # noqa: BLE001 - raised where it is left
            self._failure = exc
        finally:
            self._opened.set()
            self._ended.set()

    async def _until(self, event: anyio.Event) -> None:
        try:
            await event.wait()
        except anyio.get_cancelled_exc_class():
            self._scope.cancel()
            with anyio.move_on_after(END_SECONDS, shield=True):
                await self._ended.wait()
            raise

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure


def in_own_task(
    opener: Callable[P, AbstractAsyncContextManager[T]],
) -> Callable[P, AbstractAsyncContextManager[T]]:
    """Let the contexts that *opener* makes be left in any task."""

    @functools.wraps(opener)
    def made(*args: P.args, **kwargs: P.kwargs) -> AbstractAsyncContextManager[T]:
        return InOwnTask(opener(*args, **kwargs))

    return made
