"""The Engine, opened, and what its errors mean to a build."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError

from launchkit.errors import BuildError, ConfigError, LaunchError
from launchkit.plain_text import shortened

SOCKET = "unix:///var/run/docker.sock"
NO_CONNECTION = 900
CLOSE_SECONDS = 5.0


@asynccontextmanager
async def open_engine() -> AsyncIterator[Docker]:
    """A client of the Engine that the environment names; it need not answer yet.

    :raises ConfigError: if its address makes no sense.
    """
    engine = _client()
    engine.connector._limit = 0  # noqa: SLF001 - each followed log holds one; aiohttp allows 100
    try:
        yield engine
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await engine.close()


def _client() -> Docker:
    host = os.environ.get("DOCKER_HOST", "")
    try:
        _ = urlsplit(host).port
        return Docker()
    except AssertionError:  # aiodocker found no socket
        return Docker(SOCKET)
    except ValueError as exc:
        hint = f"an address is such as {SOCKET} or tcp://gpu-box:2375"
        raise ConfigError(f"DOCKER_HOST: {host!r}: {exc}", hint=hint) from exc


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
        raise BuildError(f"cannot {what}: {shortened(exc.message)}", hint=hint) from exc
    except ClientError as exc:
        raise BuildError(f"cannot {what}: the Engine hung up: {exc}") from exc
    except LaunchError as exc:
        if exc.code != LaunchError.code:
            raise
        raise BuildError(f"cannot {what}: {exc.message}", hint=exc.hint) from exc
