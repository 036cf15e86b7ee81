"""The Engine, opened, and what its errors mean to a launch."""

import json
import logging
import re
from asyncio import IncompleteReadError
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import anyio
from aiodocker import Docker, DockerError
from aiohttp import (
    BaseConnector,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    TCPConnector,
    UnixConnector,
)
from anyio.to_thread import run_sync

from launchkit.aio.pieces import read_up_to
from launchkit.aio.retry import Backoff, On, retry, retry_after_of
from launchkit.aio.trouble import Trouble
from launchkit.errors import LaunchError
from launchkit.plain_text import shortened
from launchkit_docker.engine.absences import Absences
from launchkit_docker.engine.address import Address, engine_address
from launchkit_docker.engine.arrays import ObjectTooLarge, objects
from launchkit_docker.engine.messages import failure_in

log = logging.getLogger("launchkit.docker")
T = TypeVar("T")

NO_CONNECTION = 900
NEWEST = "auto"
"""The version of the API to speak: the newest that the Engine does; it is asked for it."""
OTHER_VERSION = re.compile(r"client version \S+ is too (?:old|new)")
NAME_TAKEN = "that name is already in use"
"""In the words of Podman, whose status is that of any error."""
OF_A_REGISTRY = "toomanyrequests"
"""In the words of a registry whose limit is reached, which the Engine passes on with the status."""
REDIRECTS = (301, 302, 303, 307, 308)
LONGEST_ERROR = 1 << 16
MAX_ANSWER = 64 << 20
"""Bytes of an answer that is read as a whole, and of each object of a list. Logs, archives and
events are read piece by piece."""
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


class AnswerTooLarge(EngineError):
    """It has more to say than is read of it, now and whenever it is asked."""


@dataclass(frozen=True, eq=False)
class EngineClient:
    """Asks an Engine that need not answer yet. All that goes wrong is an EngineError.

    There are no limits of time: who wants one cancels.
    """

    docker: Docker
    trouble: Trouble
    """One voice for all who wait for it."""
    is_local: bool = True
    """Whether it is on this machine, as far as its address tells."""
    absences: Absences = field(default_factory=Absences)

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
        with _explained(self.absences):
            response = await self._begun(path, method, params, headers, data)
            self.absences.end()
            try:
                yield response
            finally:
                response.close()

    async def _begun(
        self,
        path: str,
        method: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: Any,
    ) -> ClientResponse:
        """An answer that has begun. The Engine that comes back after it was away may be another
        one: it is asked anew for the version of its API.
        """

        async def once() -> ClientResponse:
            with understood():  # an error without words, of which its client makes another
                return await self.docker._do_query(  # noqa: SLF001 - its public calls do more
                    path, method, params=dict(params or {}), headers=headers, data=data
                )

        try:
            return await once()
        except DockerError as exc:
            replaced = OTHER_VERSION.search(str(exc.message)) is not None
            if replaced or exc.status == NO_CONNECTION:
                self.docker.api_version = NEWEST
            if not replaced:
                raise
            if not isinstance(data, str | None):  # some of the stream is gone
                raise EngineAway(f"the Docker Engine was replaced: {_words(exc.message)}") from exc
            return await once()

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

    async def each(
        self, path: str, take: Callable[[Mapping[str, Any]], T], *, params: Mapping[str, str]
    ) -> list[T]:
        """What *take* makes of each object of an answer that is an array of them, one by one: only
        a single object has a bound.

        :raises EngineError: see there.
        """
        made = list[T]()
        async with self.request(path, params=params) as response:
            found = objects(response.content.iter_any(), longest=MAX_ANSWER)
            async with aclosing(found) as answer:
                async for one in answer:
                    with understood():
                        made.append(take(one))
        return made

    async def info(self) -> Mapping[str, Any]:
        """What the Engine says of itself and its machine. :raises EngineError: see there."""
        told = await self.json("info")
        with understood():
            return dict(told)

    async def platform(self) -> str:
        """That of its machine, such as `linux/amd64`. :raises EngineError: see there."""
        told = await self.json("version")
        with understood():
            return f"{told['Os']}/{told['Arch']}"

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
    address = await run_sync(engine_address)
    connector = await _connector(address)
    session = ClientSession(connector=connector, middlewares=(_heed,), response_class=_Answer)
    docker = Docker(address.url, connector=connector, session=session)
    if address.path:
        docker.docker_host = "unix://localhost"
    try:
        yield EngineClient(docker, Trouble(log, "the Docker Engine"), address.is_local)
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await session.close()


async def _connector(address: Address) -> BaseConnector:
    """Without a limit: each log that is followed holds a connection."""
    if address.path:
        return UnixConnector(address.path, limit=0)
    context = await run_sync(address.tls.context) if address.tls else True
    return TCPConnector(ssl=context, limit=0)


class _Answer(ClientResponse):
    """One whose whole has a bound, also where the client's library reads it: errors, and which
    version the Engine speaks.
    """

    async def read(self) -> bytes:
        """The whole. :raises AnswerTooLarge: if it has more bytes than MAX_ANSWER."""
        if self._body is None:
            self._body = await read_up_to(MAX_ANSWER, self.content.iter_any())
            if self._body is None:
                self.close()
                raise AnswerTooLarge(
                    f"an answer of the Docker Engine has more than {MAX_ANSWER} bytes",
                    hint="does something else answer at its address?",
                )
        return await super().read()


async def _heed(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Turn the answer that an Engine, or what is before it, is asked too much: the errors of the
    client's library do not have its headers. Nor is a redirect followed: a login and variables of a
    run would go along.
    """
    response = await send(request)
    if response.status in REDIRECTS:
        response.close()
        raise EngineRefused(
            response.status,
            f"it leads elsewhere (HTTP status {response.status}), where nothing is sent: is"
            " DOCKER_HOST the address of a Docker Engine?",
        )
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        said = _words((await response.read()).decode(errors="replace"))
        if OF_A_REGISTRY not in said:
            wait = retry_after_of(response.headers.get("Retry-After"))
            response.close()
            raise EngineAway(f"the Docker Engine is asked too much: {said}", retry_after=wait)
    return response


@contextmanager
def _explained(absences: Absences) -> Iterator[None]:
    """Turn what the client's library and its connection raise: the one place that does."""
    try:
        yield
    except DockerError as exc:
        said = _words(exc.message)
        if exc.status == NO_CONNECTION:
            absences.begin()
            hint = "is the Docker Engine running, and may this user reach it?"
            raise EngineAway(said, hint=hint) from exc
        absences.end()
        status = HTTPStatus.CONFLICT if NAME_TAKEN in said else exc.status
        raise EngineRefused(status, said) from exc
    except ObjectTooLarge as exc:
        raise AnswerTooLarge(f"in an answer of the Docker Engine, {exc}") from exc
    except (ValueError, RecursionError) as exc:  # of json, and of what reads messages
        said = shortened(str(exc))
        raise EngineError(f"the answer of the Docker Engine is none of its own: {said}") from exc
    except (ClientError, IncompleteReadError, ConnectionError, TimeoutError) as exc:
        absences.begin()
        said = shortened(str(exc)) or type(exc).__name__
        raise EngineAway(f"the Docker Engine hung up: {said}") from exc


@contextmanager
def understood() -> Iterator[None]:
    """Take apart what the Engine has answered. :raises EngineError: if it has another shape."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise EngineError(
            f"the answer of the Docker Engine is none of its own: {type(exc).__name__}:"
            f" {shortened(str(exc))}",
            hint="does something else answer at its address?",
        ) from exc


def _words(told_as: object) -> str:
    """What an error says, which need not be text; Podman's are JSON of several forms, and of a type
    that the client's library takes for text.
    """
    said = str(told_as)
    try:
        told = json.loads(said[:LONGEST_ERROR])
    except (ValueError, RecursionError):  # also of nesting without end
        return shortened(said)
    if not isinstance(told, dict):
        return shortened(said)
    return shortened(str(told.get("message") or failure_in(told) or told.get("cause") or said))
