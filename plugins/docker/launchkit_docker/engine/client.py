"""The Engine, opened, and what its errors mean to a launch."""

import json
import logging
from asyncio import IncompleteReadError
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError, ClientHandlerType, ClientRequest, ClientResponse, ClientSession

from launchkit.aio.retry import Backoff, On, retry, retry_after_of
from launchkit.aio.trouble import Trouble
from launchkit.errors import LaunchError
from launchkit.plain_text import shortened
from launchkit_docker.engine.ping import require_address

log = logging.getLogger("launchkit.docker")
T = TypeVar("T")

SOCKET = "unix:///var/run/docker.sock"
NO_CONNECTION = 900
OF_A_REGISTRY = "toomanyrequests"
"""In the words of a registry whose limit is reached, which the Engine passes on with the status."""
CLOSE_SECONDS = 5.0
BACKOFF = Backoff(first=0.25, cap=5.0)


class EngineError(LaunchError):
    """The Engine did not do what it was asked for; its own words are in the message."""


class EngineAway(EngineError):
    """It cannot be reached, hung up, or is asked too much: what was asked for may have been done
    or not. With *retry_after* it asks to be left alone for so many seconds.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class EngineRefused(EngineError):
    """It has answered with an error; *status* is that of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def not_found(self) -> bool:
        """Whether there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def conflict(self) -> bool:
        """Whether it is in another state, or its name is taken."""
        return self.status == HTTPStatus.CONFLICT


@dataclass(frozen=True, eq=False)
class EngineClient:
    """Asks an Engine that need not answer yet. All that goes wrong is an EngineError.

    There are no limits of time: who wants one cancels.
    """

    docker: Docker
    trouble: Trouble
    """One voice for all who wait for it."""

    @asynccontextmanager
    async def request(
        self,
        path: str,
        method: str = "GET",
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> AsyncIterator[ClientResponse]:
        """An answer that has begun, with errors of reading it turned, too. Leaving early hangs up,
        and the Engine ends what it was doing.

        :raises EngineError: see there.
        """
        with _explained():
            async with self.docker._query(  # noqa: SLF001 - its public calls do more than they say
                path, method, params=dict(params or {}), headers=headers, data=data
            ) as response:
                try:
                    yield response
                finally:
                    response.close()

    async def json(
        self,
        path: str,
        method: str = "GET",
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        none_for: Collection[int] = (),
    ) -> Any:
        """A whole answer; None if there is nothing in it, or its status is one of *none_for*.

        :raises EngineError: see there.
        """
        data = None if body is None else json.dumps(body)
        try:
            async with self.request(path, method, params=params, data=data) as response:
                return json.loads(await response.read() or b"null")
        except EngineRefused as exc:
            if exc.status not in none_for:
                raise
            return None

    async def info(self) -> Mapping[str, Any]:
        """What the Engine says of itself and its machine. :raises EngineError: see there."""
        return dict(await self.json("info"))

    async def answered(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        on: On = EngineAway,
        on_first: Callable[[Exception], Awaitable[None]] | None = None,
    ) -> T:
        """Call until the Engine is there: while it is away, nothing can be said of what it has.
        *on_first* is awaited after the first try, if that fails.

        :raises EngineRefused: if it refuses.
        """
        return await retry(call, on=on, backoff=BACKOFF, trouble=self.trouble, on_first=on_first)


@asynccontextmanager
async def open_client() -> AsyncIterator[EngineClient]:
    """A client of the Engine that the environment names; it need not answer yet.

    :raises ConfigError: if its address makes no sense.
    """
    docker = _client()
    docker.connector._limit = 0  # noqa: SLF001 - each followed log holds one; aiohttp allows 100
    docker.session.detach()
    docker.session = ClientSession(connector=docker.connector, middlewares=(_heed,))
    try:
        yield EngineClient(docker, Trouble(log, "the Docker Engine"))
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await docker.close()


async def _heed(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Turn the answer that an Engine, or what is before it, is asked too much: the errors of the
    client's library do not have its headers.
    """
    response = await send(request)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        said = shortened((await response.read()).decode(errors="replace"))
        if OF_A_REGISTRY not in said:
            wait = retry_after_of(response.headers.get("Retry-After"))
            response.close()
            raise EngineAway(f"the Docker Engine is asked too much: {said}", retry_after=wait)
    return response


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the client's library and its connection raise: the one place that does."""
    try:
        yield
    except DockerError as exc:
        said = shortened(exc.message)
        if exc.status == NO_CONNECTION:
            hint = "is the Docker Engine running, and may this user reach it?"
            raise EngineAway(said, hint=hint) from exc
        raise EngineRefused(exc.status, said) from exc
    except json.JSONDecodeError as exc:
        raise EngineError(f"the answer of the Docker Engine is no JSON: {exc}") from exc
    except (ClientError, IncompleteReadError, ConnectionError, TimeoutError) as exc:
        said = shortened(str(exc)) or type(exc).__name__
        raise EngineAway(f"the Docker Engine hung up: {said}") from exc


def _client() -> Docker:
    require_address()
    try:
        return Docker()
    except AssertionError:  # aiodocker found no socket
        return Docker(SOCKET)
