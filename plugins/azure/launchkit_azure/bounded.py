"""What is read of an answer that is read whole has an end, whoever gives it."""

import aiohttp

from launchkit.aio.pieces import read_up_to

LONGEST_ANSWER = 32 << 20
"""Bytes; the longest list of all services that are asked here has fewer by far."""


ENTITY = b"<!ENTITY"
"""What XML begins with that becomes a hundred times as long when it is read; Azure sends none."""


class AnswerTooLong(aiohttp.ClientError):
    """An answer has more bytes than are read, or would become longer than it is."""


class BoundedResponse(aiohttp.ClientResponse):
    """Of an answer that is too long no more is read, and of a packed one nothing."""

    async def read(self) -> bytes:
        """The whole answer. :raises AnswerTooLong: if it is."""
        if self._body is None:
            try:
                self._check_plain()
                self._body = await self._within()
            except BaseException:
                self.close()
                raise
        return await super().read()

    def _check_plain(self) -> None:
        """Azure's library unpacks whatever comes, without an end."""
        packing = self.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in {"", "identity"}:
            raise AnswerTooLong("its answer is packed, which was not asked for")

    async def _within(self) -> bytes:
        body = await read_up_to(LONGEST_ANSWER, self.content.iter_any())
        if body is None:
            raise AnswerTooLong(f"its answer has more than {LONGEST_ANSWER} bytes")
        if ENTITY in body.replace(b"\0", b""):
            raise AnswerTooLong("its answer defines entities, which may become any length")
        return body
