"""Run a program that a kubeconfig names for a login: it asks nobody, says a bounded amount, and
ends with who waits for it.
"""

import os
import signal
from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import suppress
from subprocess import DEVNULL, PIPE

import anyio
from anyio.abc import Process
from kubernetes_asyncio.config import ConfigException

from launchkit.aio.pieces import read_up_to
from launchkit.errors import unwrapped

MAX_OUTPUT = 1 << 20
KILL_SECONDS = 5.0


async def output_of(words: Sequence[str], environ: Mapping[str, str]) -> bytes:
    """What a program says that ends well. :raises ConfigException: if it does not."""
    with anyio.CancelScope(shield=True):  # what is half begun could not be ended
        process = await anyio.open_process(
            words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environ, start_new_session=True
        )
    try:
        out, err = await _heard(process)
        code = await process.wait()
    except BaseException:
        _kill_group(process.pid)
        raise
    finally:
        with anyio.move_on_after(KILL_SECONDS, shield=True):
            await process.wait()
            await process.aclose()  # what it has left may hold its pipes open
    if code:
        told = err.decode(errors="replace").strip()
        raise ConfigException(f"exec: process returned {code}. {told}")
    return out


async def _heard(process: Process) -> tuple[bytes, bytes]:
    """All that it says, both ways at once: it may wait until either is taken."""
    assert process.stdout and process.stderr  # noqa: S101, PT018 - for the type checker
    heard: dict[AsyncIterable[bytes], bytes] = {}

    async def hear(pieces: AsyncIterable[bytes]) -> None:
        data = await read_up_to(MAX_OUTPUT, pieces)
        if data is None:
            raise ConfigException(f"exec: the program said more than {MAX_OUTPUT} bytes")
        heard[pieces] = data

    with unwrapped():
        async with anyio.create_task_group() as tasks:
            for pieces in (process.stdout, process.stderr):
                tasks.start_soon(hear, pieces)
    return heard[process.stdout], heard[process.stderr]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
