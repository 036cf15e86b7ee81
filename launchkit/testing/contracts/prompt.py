"""A component as the suites call it: each call has a deadline, and one that hangs says which."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

from launchkit.abc import Jobs, Launches, Logs, Queues
from launchkit.testing.contracts.deadline import within

C = TypeVar("C")


def prompt(component: C, seconds: float) -> C:
    """The same component, whose methods fail the test when they take *seconds* longer than the
    `wait` that they are given.
    """
    return cast("C", _Prompt(component, seconds))


class _Prompt:
    def __init__(self, target: object, seconds: float) -> None:
        self._target = target
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        return partial(self._call, name, attribute) if callable(attribute) else attribute

    def _call(self, name: str, method: Callable[..., object], *args: Any, **kwargs: Any) -> object:
        given = inspect.signature(method).bind(*args, **kwargs).arguments
        answer = method(*args, **kwargs)
        seconds = self._seconds + given.get("wait", 0)
        if isinstance(answer, Queues | Jobs | Launches | Logs):
            return _Prompt(answer, self._seconds)
        if isinstance(answer, AsyncIterator):
            return _pieces(name, answer, seconds)
        return _awaited(name, cast("Awaitable[object]", answer), seconds)


async def _awaited(name: str, answer: Awaitable[object], seconds: float) -> object:
    with within(seconds, f"`{name}` answers"):
        return await answer


async def _pieces(
    name: str, pieces: AsyncIterator[object], seconds: float
) -> AsyncIterator[object]:
    while True:
        with within(seconds, f"`{name}` gives a piece, or ends"):
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                return
        yield piece
