"""What components do in the background: where that fails, the agent goes on and begins it again."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup, TaskStatus

from launchkit.aio.retry import Backoff, pauses
from launchkit.aio.trouble import Trouble
from launchkit.errors import contained, told, unwrapped
from launchkit.observe import Journal

BACKOFF = Backoff(first=1.0, cap=60.0)
STEADY_SECONDS = 60.0
"""A task that has gone on for so long works again."""


@dataclass(eq=False)
class KeptTasks:
    """The tasks of the components that an agent cannot do without."""

    log: Journal
    changed: Callable[[], None]
    """Called when there are other `words`."""
    _wrong: dict[str, str] = field(init=False, default_factory=dict)

    @property
    def words(self) -> Sequence[str]:
        """What a status line should say of those that fail."""
        return [*self._wrong.values()]

    def within(self, group: TaskGroup) -> TaskGroup:
        """*group*, for tasks that are begun again when they fail. A task that was made of a
        coroutine cannot be, and is left off.
        """
        return cast("TaskGroup", _Group(group, self))

    async def keep(
        self, name: str, begin: Callable[[], Awaitable[Any]], begun: Callable[[], bool]
    ) -> Any:
        """Do it until it has ended. What fails before it has *begun* fails for who begins it."""
        trouble = Trouble(self.log, f"{name}, in the background")
        waits = pauses(BACKOFF)
        while True:
            try:
                with unwrapped(), contained():
                    async with anyio.create_task_group() as tasks:
                        if trouble:
                            tasks.start_soon(self._steady, name, trouble)
                        result = await begin()
                        tasks.cancel_scope.cancel()
            except Exception as exc:
                if not begun():
                    raise
                if not trouble:
                    waits = pauses(BACKOFF)
                self._fail(name, trouble, exc)
            else:
                self._works(name, trouble)
                return result
            await anyio.sleep(next(waits))

    async def once(self, name: str, coro: Coroutine[Any, Any, Any]) -> Any:
        """Do what cannot be begun again."""
        try:
            with unwrapped(), contained():
                return await coro
        except Exception as exc:
            message = f"{name}, in the background, failed and is left off: {told(exc)}"
            self.log.warning("%s", message, action="background", exc_info=exc)
            self._say(name, message)

    async def _steady(self, name: str, trouble: Trouble) -> None:
        await anyio.sleep(STEADY_SECONDS)
        self._works(name, trouble)

    def _fail(self, name: str, trouble: Trouble, exc: Exception) -> None:
        said = told(exc)
        trouble.tell(RuntimeError(said).with_traceback(exc.__traceback__))
        self._say(name, f"{name}, in the background, fails: {said}; trying again")

    def _works(self, name: str, trouble: Trouble) -> None:
        trouble.over()
        self._say(name, None)

    def _say(self, name: str, message: str | None) -> None:
        before = self._wrong.get(name)
        if message is None:
            self._wrong.pop(name, None)
        else:
            self._wrong[name] = message
        if message != before:
            self.changed()


@dataclass
class _Status:
    """Passes on that a task has begun, once."""

    inner: TaskStatus[Any]
    begun: bool = False

    def started(self, value: Any = None) -> None:
        if not self.begun:
            self.begun = True
            self.inner.started(value)


@dataclass(eq=False)
class _Group:
    group: TaskGroup
    kept: KeptTasks

    def __getattr__(self, name: str) -> Any:
        return getattr(self.group, name)

    def start_soon(self, func: Callable[..., Awaitable[Any]], *args: Any, name: Any = None) -> None:
        begin = partial(func, *args)
        self.group.start_soon(self.kept.keep, _named(func, name), begin, lambda: True, name=name)

    async def start(self, func: Callable[..., Awaitable[Any]], *args: Any, name: Any = None) -> Any:
        async def run(*, task_status: TaskStatus[Any]) -> None:
            status = _Status(task_status)
            begin = partial(func, *args, task_status=status)
            await self.kept.keep(_named(func, name), begin, lambda: status.begun)

        return await self.group.start(run, name=name)

    def create_task(self, coro: Coroutine[Any, Any, Any], *, name: Any = None, **more: Any) -> Any:
        kept = self.kept.once(_named(coro, name), coro)
        return self.group.create_task(kept, name=name, **more)


def _named(what: Any, name: Any) -> str:
    return str(name or getattr(what, "__qualname__", None) or type(what).__name__)
