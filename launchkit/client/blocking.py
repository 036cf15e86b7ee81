"""A facade that blocks, made from the asynchronous classes: nothing is written twice."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager, suppress
from typing import Any

from anyio import CancelScope
from anyio.from_thread import BlockingPortal, start_blocking_portal

from launchkit.client import client, handle, opening, queue_handle
from launchkit.client.closed import closed
from launchkit.errors import QueueError

END = object()
SIGNAL_SECONDS = 1.0
"""How late a signal is seen that comes just before the thread begins to wait."""


class Blocking:
    """The base of the classes that `blocking` makes: an object whose event loop runs in a thread
    of its own.
    """

    def __init__(self, target: Any, portal: BlockingPortal) -> None:
        self._target = target
        self._portal = portal

    def __repr__(self) -> str:
        return f"<blocking {self._target!r}>"

    def _await(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run an async function to its end; an interruption here ends it there."""
        try:
            scope = self._portal.call(CancelScope)
        except RuntimeError as exc:  # how the portal says that it has ended
            raise closed() from exc

        async def run() -> Any:
            with scope:
                return await function(*args, **kwargs)

        try:
            future = self._portal.start_task_soon(run)
            while not wait([future], SIGNAL_SECONDS).done:
                pass
        except BaseException:
            self._portal.start_task_soon(scope.cancel)
            raise
        return self._handed_over(future.result())

    def _iterate(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        try:
            while (item := self._await(_next, items)) is not END:
                yield item
        finally:
            with suppress(QueueError):  # the client is closed, and its iterators with it
                self._await(items.aclose)

    def _handed_over(self, value: Any) -> Any:
        made = CLASSES.get(type(value))
        return made(value, self._portal) if made else value


def blocking(cls: type) -> type[Blocking]:
    """A class with the public methods, properties and attributes of *cls*: its coroutines block,
    its async iterators are iterators.
    """
    members = {name: _member(name, value) for name, value in public(cls)}
    members |= {name: _attribute(name) for name in inspect.get_annotations(cls)}
    return type(cls.__name__, (Blocking,), {"__doc__": cls.__doc__, **members})


def public(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class."""
    for name, value in vars(cls).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            yield name, value


@contextmanager
def connect(*args: Any, **kwargs: Any) -> Iterator[Any]:
    """As `launchkit.connect`, for programs without an event loop, and for threads of programs
    that have one.
    """
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opening.connect(*args, **kwargs)) as opened,
    ):
        yield Client(opened, portal)


def _member(name: str, value: Any) -> Any:
    if isinstance(value, property):
        return _attribute(name)

    @functools.wraps(value)
    def iterated(self: Blocking, *args: Any, **kwargs: Any) -> Iterator[Any]:
        return self._iterate(value(self._target, *args, **kwargs))

    @functools.wraps(value)
    def awaited(self: Blocking, *args: Any, **kwargs: Any) -> Any:
        return self._await(value, self._target, *args, **kwargs)

    return iterated if inspect.isasyncgenfunction(value) else awaited


def _attribute(name: str) -> property:
    return property(lambda self: getattr(self._target, name))


async def _next(items: AsyncGenerator[Any, None]) -> Any:
    return await anext(items, END)


Client = blocking(client.Client)
LaunchHandle = blocking(handle.LaunchHandle)
QueueHandle = blocking(queue_handle.QueueHandle)
CLASSES: dict[type, type[Blocking]] = {
    client.Client: Client,
    handle.LaunchHandle: LaunchHandle,
    queue_handle.QueueHandle: QueueHandle,
}
