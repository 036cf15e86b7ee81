"""What is shown while a launch is waited for, on stderr; and its log, on stdout."""

import sys
import time
from collections.abc import Callable

import anyio

from launchkit.abc import ItemView
from launchkit.cli.door import put_output
from launchkit.cli.log_text import LogText
from launchkit.cli.options import chosen, say
from launchkit.cli.present import clock, event_data, span
from launchkit.client import LaunchHandle
from launchkit.errors import unwrapped
from launchkit.model import Event
from launchkit.plain_text import visible_line

LOOK_SECONDS = 1.0


async def watch(run: LaunchHandle, *, logs: bool) -> None:
    """Wait until a launch has ended; show its events, on a terminal also what it waits for. With
    *logs* its output goes to stdout.
    """
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            if logs:
                tasks.start_soon(copy_log, run, None, True)
            if sys.stderr.isatty() and not logs and not chosen("quiet"):
                await _live(run)
            else:
                say(status_line(await run.view(), time.time()))
                async for event in run.changes():
                    say(event_line(event))


async def copy_log(
    run: LaunchHandle, attempt: int | None, follow: bool, *, raw: bool = False
) -> int:
    """Write what a run printed to stdout, byte for byte; on a terminal, unless *raw*, only its text
    and colours. Gives how many bytes it printed. With *follow* until it has ended, and over all
    attempts from now on if none is named.
    """
    if raw or not sys.stdout.isatty():
        return await _copy(run, attempt, follow, _write)
    shown = LogText()
    try:
        return await _copy(run, attempt, follow, lambda data: put_output(shown.feed(data)))
    finally:
        put_output(shown.end())


async def _copy(
    run: LaunchHandle, attempt: int | None, follow: bool, write: Callable[[bytes], None]
) -> int:
    number = attempt or run.item.attempt
    written = 0
    while True:
        async for chunk in run.output(follow=follow, attempt=number):
            await anyio.to_thread.run_sync(write, chunk.data)
            written += len(chunk.data)
        if attempt or not follow or (await run.view()).item.attempt == number:
            return written
        number = run.item.attempt


async def tell_what_it_waits_for(run: LaunchHandle) -> None:
    """Say why a launch does not run yet, and say it again when that changes."""
    told = None
    while (view := await run.view()).item.started_at is None and not view.item.state.ended:
        line = visible_line(f"{view.item.name} {view.item.state}{_place(view)}{_reason(view)}")
        if line != told:
            say(line)
        told = line
        await anyio.sleep(LOOK_SECONDS)


def event_line(event: Event) -> str:
    """One event as a line."""
    data = event_data(event)
    cause = f"  {event.cause}" if event.cause else ""
    line = f"{clock(data['at'])}  {data['state'] or event.kind:<10}  {event.actor}{cause}"
    return visible_line(line)


def status_line(view: ItemView, now: float) -> str:
    """What a launch does or waits for, and for how long it exists."""
    item = view.item
    place, why = _place(view), _reason(view)
    after = span(now - item.created_at)
    return visible_line(f"{item.name} {item.state}{place} after {after}{why}")


def _place(view: ItemView) -> str:
    return f", number {view.position} in queue {view.item.queue}" if view.position else ""


def _reason(view: ItemView) -> str:
    return f": {view.reason}" if view.reason else ""


async def _live(run: LaunchHandle) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status(Text(run.id)) as status:

        async def look() -> None:
            status.update(Text(status_line(await run.view(), time.time())))

        async def tick() -> None:
            while True:
                await look()
                await anyio.sleep(LOOK_SECONDS)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            async for event in run.changes():
                await look()
                console.print(Text(event_line(event)))
            tasks.cancel_scope.cancel()


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
