"""What browsers load beside pages: kept in memory, named by content."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

from launchkit.errors import NotFound
from launchkit_server.kept import Kept

router = APIRouter()
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Not left to what a machine says of names."""


@dataclass(frozen=True)
class Asset:
    """A file that browsers load."""

    kept: Kept
    digest: str


@cache
def assets() -> Mapping[str, Asset]:
    """All files in `static`, by name. Reads files, once."""
    folder = files("launchkit_server.web").joinpath("static")
    return {one.name: _asset(one.name, one.read_bytes()) for one in folder.iterdir()}


def _asset(name: str, data: bytes) -> Asset:
    suffix = name[name.rfind(".") :]
    media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Asset(Kept.of(data, media_type), digest)


def asset_query(name: str) -> str:
    """The name of a file with its digest, so that it is loaded anew when it has changed."""
    return f"{name}?v={assets()[name].digest}"


@router.get("/static/{name}")
async def get(name: str, request: Request, v: str | None = None) -> Response:
    """A file. One that is asked for by its digest may be kept for ever."""
    found = assets().get(name)
    if found is None:
        raise NotFound(f"there is no file {name[:100]!r} here")
    tag = f'"{found.digest}"'
    headers = {"cache-control": FOR_EVER if v == found.digest else "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**headers, "vary": "accept-encoding"})
    return found.kept.answer(request, headers)
