"""Answers that are the same for all: written and compressed once, not for each who asks."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True)
class Kept:
    """The bytes of an answer."""

    data: bytes
    packed: bytes
    media_type: str

    @classmethod
    def of(cls, data: bytes, media_type: str = "application/json") -> "Kept":
        """The same, compressed as well as can be."""
        return cls(data, gzip.compress(data, 9, mtime=0), media_type)

    def answer(self, request: Request, headers: Mapping[str, str] | None = None) -> Response:
        """The answer, compressed for those who accept it."""
        headers = {"vary": "accept-encoding", **(headers or {})}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(self.packed, headers=headers, media_type=self.media_type)
        return Response(self.data, headers=headers, media_type=self.media_type)
