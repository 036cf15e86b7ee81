"""What is read of an answer that is read whole has an end, whoever gives it, and leads nowhere."""

import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession

from launchkit.aio.pieces import read_up_to
from launchkit.aio.tls_records import by_records

LONGEST_ANSWER = 32 << 20
"""Bytes; the longest list of all services that are asked here has fewer by far."""


ENTITY = b"<!ENTITY"
"""What XML begins with that becomes a hundred times as long when it is read; AWS sends none."""


class AnswerTooLong(aiohttp.ClientError):
    """An answer has more bytes than are read, or would become longer than it is."""


class BoundedResponse(aiohttp.ClientResponse):
    """Of an answer that is too long no more is read."""

    async def read(self) -> bytes:
        """The whole answer. :raises AnswerTooLong: if it is."""
        if self._body is None:
            try:
                self._body = await self._within()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _within(self) -> bytes:
        body = await read_up_to(LONGEST_ANSWER, self.content.iter_any())
        if body is None:
            raise AnswerTooLong(f"its answer has more than {LONGEST_ANSWER} bytes")
        if ENTITY in body.replace(b"\0", b""):
            raise AnswerTooLong("its answer defines entities, which may become any length")
        return body


@dataclass(frozen=True)
class _Staying:
    """A session that follows no redirect: tokens in headers and bodies would go along. The library
    does what AWS means by one itself, by signing anew.
    """

    session: aiohttp.ClientSession

    def request(self, *where: Any, **more: Any) -> Any:
        return self.session.request(*where, allow_redirects=False, **more)


class BoundedSession(AIOHTTPSession):  # type: ignore[misc] # the library has no types
    """The library's own, with answers that are bounded and lead nowhere."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        return by_records(super()._get_ssl_context())

    async def _get_session(self, proxy_url: str | None) -> _Staying:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        session._response_class = BoundedResponse  # noqa: SLF001 - the library takes no class
        return _Staying(session)
