"""What can go wrong between two programs, to be set on the fakes."""

from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio

from launchkit.errors import Unreachable

T = TypeVar("T")
Act = Callable[[], Awaitable[T]]


@dataclass(frozen=True)
class Fault:
    """Goes wrong with the next *times* calls of the method *call*; this one changes nothing."""

    call: str
    times: int = 1

    async def around(self, act: Act[T]) -> T:
        """Do *act*, or what goes wrong instead."""
        return await act()


@dataclass(frozen=True)
class Throttle(Fault):
    """The call is refused, and nothing is done."""

    error: Exception = field(default=Unreachable("too many requests"), compare=False)

    async def around(self, act: Act[T]) -> T:
        raise copy(self.error)


@dataclass(frozen=True)
class LostAnswer(Fault):
    """It is done, but the caller gets an error instead of the answer."""

    error: Exception = field(default=Unreachable("connection reset"), compare=False)

    async def around(self, act: Act[T]) -> T:
        await act()
        raise copy(self.error)


@dataclass(frozen=True)
class Twice(Fault):
    """It is done twice, as when a proxy repeats a request; the second answer is given."""

    async def around(self, act: Act[T]) -> T:
        await act()
        return await act()


@dataclass(frozen=True)
class Slow(Fault):
    """It is done after *seconds*."""

    seconds: float = 0.1

    async def around(self, act: Act[T]) -> T:
        await anyio.sleep(self.seconds)
        return await act()


@dataclass(frozen=True)
class Hang(Fault):
    """Nothing is done, and no answer comes until the caller gives up."""

    async def around(self, act: Act[T]) -> T:
        await anyio.sleep_forever()
        return await act()


class Faults:
    """The faults that wait for their calls, and the calls that were made."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._waiting: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Let these happen, in this order."""
        self._waiting += faults

    def clear(self) -> None:
        """Let none of those happen that still wait."""
        self._waiting.clear()

    async def around(self, call: str, act: Act[T]) -> T:
        """Do *act* with the next fault of *call*, if one waits."""
        self.calls.append(call)
        fault = next((fault for fault in self._waiting if fault.call == call), None)
        if fault is None:
            return await act()
        place = self._waiting.index(fault)
        rest = replace(fault, times=fault.times - 1)
        self._waiting[place : place + 1] = [rest] if rest.times else []
        return await fault.around(act)
