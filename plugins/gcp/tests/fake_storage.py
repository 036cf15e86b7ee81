"""Cloud Storage as its JSON API has it: buckets with places, permissions, and upload sessions."""

import json
import re
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import web

from .fake_google import FakeGoogle, refused

GRAIN = 256 << 10
"""Parts are multiples of it, but for the last one."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass
class Session:
    bucket: str
    name: str
    data: bytearray = field(default_factory=bytearray)


@dataclass
class FakeStorage:
    """What is stored, and what goes wrong with it."""

    google: FakeGoogle
    buckets: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Where each is, and what kind of place that is."""
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """What each request of a session was about."""
    takes: int | None = None
    """So many bytes of the next part are taken, and no more."""
    breaks: list[str] = field(default_factory=list)
    """What goes wrong with the next parts: `before`, `after` or `lost`."""

    def __post_init__(self) -> None:
        serve = self.google.serve
        serve("GET", "/storage/v1/b/{bucket}", self._bucket)
        serve("GET", "/storage/v1/b/{bucket}/iam/testPermissions", self._permissions)
        serve("DELETE", "/storage/v1/b/{bucket}/o/{name}", self._remove)
        serve("POST", "/upload/storage/v1/b/{bucket}/o", self._upload)
        self.google.app.router.add_route("*", "/session/{id}", self._session)

    async def _bucket(self, request: web.Request) -> web.Response:
        if (missing := self._missing(request)) is not None:
            return missing
        if "storage.buckets.get" in self.google.lacking:
            return refused(403, "forbidden", "no storage.buckets.get")
        location, kind = self.buckets[request.match_info["bucket"]]
        return web.json_response({"location": location.upper(), "locationType": kind})

    def _missing(self, request: web.Request) -> web.Response | None:
        if request.match_info["bucket"] in self.buckets:
            return None
        error = {"code": 404, "message": "The specified bucket does not exist."}
        error |= {"errors": [{"reason": "notFound", "domain": "global"}]}  # type: ignore[dict-item] # JSON
        return web.json_response({"error": error}, status=404)

    async def _permissions(self, request: web.Request) -> web.Response:
        return self._missing(request) or self.google.held(request.query.getall("permissions"))

    async def _remove(self, request: web.Request) -> web.Response:
        key = request.match_info["bucket"], request.match_info["name"]
        if self.objects.pop(key, None) is None:
            return refused(404, "notFound", "No such object")
        return web.Response(status=204)

    async def _upload(self, request: web.Request) -> web.Response:
        if (missing := self._missing(request)) is not None:
            return missing
        bucket, name = request.match_info["bucket"], request.query["name"]
        if request.query["uploadType"] == "media":
            self.objects[bucket, name] = await request.read()
            return web.json_response({"name": name})
        session = uuid4().hex
        self.sessions[session] = Session(bucket, name)
        return web.Response(headers={"Location": f"{self.google.url}/session/{session}"})

    async def _session(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        assert "Authorization" not in request.headers
        if request.method == "DELETE":
            del self.sessions[name]
            self.aborted.append(name)
            return web.Response(status=499)
        told = request.headers["Content-Range"]
        self.asked.append(told)
        fault = self.breaks.pop(0) if self.breaks else ""
        if fault == "lost":
            self.sessions.pop(name)
        if name not in self.sessions:
            return web.Response(status=410, text=json.dumps({}))
        if fault == "before":
            request.transport.close()  # type: ignore[union-attr] # it is open
            return web.Response()
        answer = self._take(self.sessions[name], told, await request.read())
        if fault == "after":
            request.transport.close()  # type: ignore[union-attr] # it is open
        return answer

    def _take(self, session: Session, told: str, body: bytes) -> web.Response:
        found = RANGE.fullmatch(told)
        assert found
        start, end, size = map(int, found.groups())
        assert end - start + 1 == len(body)
        assert end + 1 == size or len(body) % GRAIN == 0
        if start > len(session.data):
            return refused(400, "INVALID_ARGUMENT", "Bytes are missing.")
        new = body[len(session.data) - start :]  # what is there already is not taken twice
        if self.takes is not None:
            new, self.takes = new[: self.takes], None
        session.data += new
        if len(session.data) == size:
            self.objects[session.bucket, session.name] = bytes(session.data)
            return web.json_response({"name": session.name})
        last = len(session.data) - 1
        headers = {"Range": f"bytes=0-{last}"} if last >= 0 else {}
        return web.Response(status=308, headers=headers)
