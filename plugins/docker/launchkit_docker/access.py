"""The Engine, opened, and what its errors mean to a build."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError

from launchkit.errors import BuildError, LaunchError

SOCKET = "unix:///var/run/docker.sock"
NO_CONNECTION = 900
CLOSE_SECONDS = 5.0


@asynccontextmanager
async def open_engine() -> AsyncIterator[Docker]:
    """A client of the Engine that the environment names; it need not answer yet."""
    try:
        engine = Docker()
    except AssertionError:  # aiodocker found no socket
        engine = Docker(SOCKET)
    engine.connector._limit = 0  # noqa: SLF001 - each followed log holds one; aiohttp allows 100
    try:
        yield engine
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await engine.close()


@contextmanager
def as_build_errors(what: str) -> Iterator[None]:
    """Make errors of the Engine, and of others that do not say what they mean to the launch, errors
    of the build. *what* was being done.
    """
    try:
        yield
    except DockerError as exc:
        hint = None
        if exc.status == NO_CONNECTION:
            hint = "is the Docker Engine running, and may this user reach it?"
        raise BuildError(f"cannot {what}: {exc.message}", hint=hint) from exc
    except ClientError as exc:
        raise BuildError(f"cannot {what}: the Engine hung up: {exc}") from exc
    except LaunchError as exc:
        if exc.code != LaunchError.code:
            raise
        raise BuildError(f"cannot {what}: {exc.message}", hint=exc.hint) from exc
