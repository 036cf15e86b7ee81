"""How a plugin behaves while it is asked for something, and what it leaves in its process."""

import gc
import os
import re
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar, cast

import anyio
import pytest

from launchkit.errors import LaunchkitError
from launchkit.testing.contracts.blocking import watched_for_blocking
from launchkit.testing.contracts.deadline import within

MOMENTS = (0.0, 0.001, 0.004, 0.016, 0.06, 0.25)
"""Seconds after which a suite cancels what it asked for."""
SETTLE_SECONDS = 30.0
ROUNDS = 3
GROWTHS = 2
"""So often in a row all rounds leave something more, if it is for good."""
POOLS = ("AnyIO worker thread", "asyncio_")


E = TypeVar("E", bound=Exception)


@contextmanager
def refused(error: type[E], promise: str, match: str = "") -> Iterator[pytest.ExceptionInfo[E]]:
    """Fail the test, with *promise*, unless what is done inside raises *error*, in whose text
    the expression *match* is found.
    """
    caught = pytest.ExceptionInfo[E].for_later()
    try:
        yield caught
    except error as exc:
        if not re.search(match, str(exc)):
            pytest.fail(f"{promise}, but the error says: {exc}", pytrace=False)
        caught.fill_unfilled((type(exc), exc, cast("TracebackType", exc.__traceback__)))
    except Exception as exc:  # noqa: BLE001 - whatever a plugin raises
        pytest.fail(f"{promise}, but it raises {exc!r}", pytrace=False)
    else:
        pytest.fail(f"{promise}, but nothing is raised", pytrace=False)


@contextmanager
def well_behaved(seconds: float, promise: str, *places: Path) -> Iterator[None]:
    """Fail the test unless what is asked of a plugin inside is over after *seconds*, blocks the
    event loop by nothing, such as work on files below *places*, and leaves the process alone.
    """
    before = _shared()
    with watched_for_blocking(places) as blocking, within(seconds, promise):
        yield
    assert not blocking, f"nothing blocks the event loop, but {blocking[0]} in its thread"
    for name, value in _shared().items():
        assert value == before[name], f"what others share stays as it is, but it changes {name}"


async def together(
    seconds: float, promise: str, acts: Iterable[Callable[[], Awaitable[object]]], *places: Path
) -> None:
    """Do all *acts* at the same time, which one by one would do; fail the test, with *promise*,
    if one of them fails.
    """
    failures: list[Exception] = []

    async def do(act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except Exception as exc:  # noqa: BLE001 - whatever a plugin raises
            failures.append(exc)

    with well_behaved(seconds, promise, *places):
        async with anyio.create_task_group() as tasks:
            for act in acts:
                tasks.start_soon(do, act)
    assert not failures, f"{promise}, but one fails: {failures[0]!r}"


async def cancelled(
    act: Callable[[], Awaitable[object]], after: float, seconds: float
) -> tuple[object, ...]:
    """Cancel *act* after a while; gives its result if it was over before, else nothing. Fails the
    test if it makes an error of the cancellation, or takes *seconds* to end.
    """
    results: list[object] = []
    with well_behaved(seconds, "a call that is cancelled ends"), anyio.CancelScope() as outer:
        with anyio.move_on_after(after) as scope:
            try:
                results.append(await act())
            except Exception as exc:
                if scope.cancel_called and not outer.cancel_called:
                    pytest.fail(f"cancellation is passed on as it is, but it becomes {exc!r}")
                raise
    return tuple(results)


async def nothing_grows(act: Callable[[], Awaitable[object]], what: str) -> None:
    """Do *act* often, and fail the test if each time leaves one more task, thread, open file or
    program; what goes a little later is waited for. Connections that are kept for the next time, or
    until their server ends them, grow once, but not again and again.
    """
    for _ in range(2):
        await act()
    more = ""
    for _ in range(GROWTHS):
        before = _held()
        for _ in range(ROUNDS):
            await act()
        with anyio.move_on_after(SETTLE_SECONDS):
            while _growth(before):  # noqa: ASYNC110 - nothing tells
                await anyio.sleep(0.02)
        if not (more := _growth(before)):
            return
    pytest.fail(
        f"{what} leaves nothing behind in the process, but {ROUNDS} of it leave {more}, each time",
        pytrace=False,
    )


async def nothing_left(
    act: Callable[[], Awaitable[object]], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`nothing_grows`, and there is no temporary file afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    await nothing_grows(act, what)
    left = [path.name for path in temporary.iterdir()]
    assert not left, f"{what} removes its temporary files, but leaves {left}"


def _growth(before: Mapping[str, int]) -> str:
    after = _held()
    more = {name: after[name] - before[name] for name in after}
    return ", ".join(f"{count} {name}" for name, count in more.items() if count >= ROUNDS)


def _held() -> Mapping[str, int]:
    gc.collect()
    threads = [one for one in threading.enumerate() if not one.name.startswith(POOLS)]
    return {
        "tasks": len(anyio.get_running_tasks()),
        "open files": len([*Path("/dev/fd").iterdir()]),
        "programs": len(_children()),
        "threads": len(threads),
    }


def _children() -> list[str]:
    """The processes that this one has started and that live, or were not waited for."""
    lists = Path("/proc/self/task").glob("*/children")
    return [pid for each in lists for pid in _text(each).split()]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the thread has ended
        return ""


def _shared() -> dict[str, object]:
    mask = os.umask(0o022)
    os.umask(mask)
    return {
        "the working directory": os.getcwd(),  # noqa: PTH109 - the text is what is compared
        "the environment": dict(os.environ),
        "the umask": mask,
    }


def everything_told(exc: BaseException) -> str:
    """What an error tells to its reader and to the log: its message and hint, its `repr`, and
    those of all that it came from.
    """
    hint = exc.hint if isinstance(exc, LaunchkitError) else ""
    return "\n".join([f"{exc!r} {hint}", *traceback.format_exception(exc)])
