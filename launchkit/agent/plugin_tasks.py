"""The task group that plugins get: what runs in it cannot end the program."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, cast

from anyio.abc import TaskGroup

from launchkit.errors import contained


def plugin_tasks(group: TaskGroup) -> TaskGroup:
    """*group*, for a plugin to start tasks in."""
    return cast("TaskGroup", _PluginTasks(group))


class _PluginTasks:
    def __init__(self, group: TaskGroup) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)

    def start_soon(self, func: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> None:
        self._group.start_soon(_contained(func), *args, **more)

    async def start(self, func: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
        return await self._group.start(_contained(func), *args, **more)

    def create_task(self, coro: Coroutine[Any, Any, Any], **more: Any) -> Any:
        return self._group.create_task(_contained(lambda: coro)(), **more)


def _contained(func: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(func)
    async def run(*args: Any, **kwargs: Any) -> Any:
        with contained():
            return await func(*args, **kwargs)

    return run
