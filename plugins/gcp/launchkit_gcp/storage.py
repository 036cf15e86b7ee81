"""Files in Cloud Storage: one request for a small one, a session of several for a large one."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import anyio

from launchkit.aio.retry import Backoff
from launchkit.aio.upload import OpenFile, open_file, whole
from launchkit.errors import LaunchError, Rejected
from launchkit.plain_text import shortened
from launchkit.shell_words import shell_command
from launchkit_gcp.errors import GcpAway, GcpError, GcpRefused

if TYPE_CHECKING:
    from launchkit_gcp.api import GoogleApi

PART = 8 << 20
"""A multiple of 256 KiB, as Cloud Storage wants it."""
BACKOFF = Backoff(first=0.5, cap=8.0, deadline=60.0)
"""Of a part: what has arrived of it is not taken twice."""
SESSIONS = 3
"""Of one upload: Cloud Storage may forget one."""
MOST_STUCK = 5
"""Parts in a row of which nothing is taken."""
ABORT_SECONDS = 10.0
LONGEST_NAME = 1024
MORE = HTTPStatus.PERMANENT_REDIRECT
"""How Cloud Storage says that it wants the next part."""
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
ABORTED = 499

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_TAKEN = re.compile(r"bytes=0-(\d{1,20})")
FORM = "an address is such as gs://bucket/folder/name"


@dataclass(frozen=True)
class GcsAddress:
    """A place in a bucket."""

    bucket: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Take an address apart. :raises Rejected: if it is none of Cloud Storage."""
        scheme, _, rest = uri.partition("://")
        bucket, _, name = rest.partition("/")
        shown = shortened(uri, 200)
        if scheme != "gs":
            raise Rejected(f"{shown}: the environment 'gcp' stores under gs:// only", hint=FORM)
        if not _BUCKET.fullmatch(bucket):
            raise Rejected(
                f"{shown}: {shortened(bucket, 64)!r} cannot be the name of a bucket", hint=FORM
            )
        if not name or len(name.encode()) > LONGEST_NAME:
            why = f"its name has more than {LONGEST_NAME} bytes" if name else "it names no file"
            raise Rejected(f"{shown}: {why}", hint=FORM)
        return cls(bucket, name)

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True)
class Bucket:
    """A bucket, and where it is."""

    name: str
    location: str
    """A region, or what has several: `us`, `nam4`."""
    kind: str
    """`region`, `dual-region` or `multi-region`."""

    def is_in(self, region: str) -> bool:
        """Whether it is in this region, and in no other."""
        return self.kind == "region" and self.location == region

    def __str__(self) -> str:
        return f"bucket {self.name} is in {self.location}, a {self.kind}"


async def find_bucket(api: "GoogleApi", name: str) -> Bucket | None:
    """The bucket of that name; None: there is none. :raises GcpError: if it is not told."""
    what = f"GCS: bucket {name}"
    url = f"{api.place.url('storage')}/storage/v1/b/{name}"
    told = await api.found(what, url, params={"fields": "location,locationType"})
    if told is None:
        return None
    location, kind = (str(told.get(key, "")).lower() for key in ("location", "locationType"))
    return Bucket(name, location, kind or "region")


def no_bucket(api: "GoogleApi", name: str) -> Rejected:
    """The error that there is no such bucket."""
    where = (f"--project={api.place.project}", f"--location={api.place.region}")
    make = shell_command("gcloud", "storage", "buckets", "create", f"gs://{name}", *where)
    return Rejected(f"GCS: there is no bucket {name}", hint=f"make one: {make}")


async def upload(api: "GoogleApi", source: Path, address: GcsAddress) -> None:
    """Copy a file; Cloud Storage shows all of it or nothing.

    :raises LaunchError: if the file cannot be read, or Cloud Storage does not take it.
    """
    try:
        async with open_file(source) as file:
            one = _Upload(api, file, address)
            await (one.at_once() if file.size <= PART else one.in_parts())
    except GcpRefused as exc:
        if exc.not_found:
            raise no_bucket(api, address.bucket) from exc
        raise


async def remove(api: "GoogleApi", address: GcsAddress) -> None:
    """Remove a file; none is no error. :raises GcpError: if Cloud Storage does not do it."""
    name = quote(address.name, safe="")
    url = f"{api.place.url('storage')}/storage/v1/b/{address.bucket}/o/{name}"
    what = f"GCS: cannot remove {address}"
    await api.send(what, "DELETE", url, accepted=(HTTPStatus.NOT_FOUND,))


@dataclass(frozen=True)
class _Upload:
    api: "GoogleApi"
    file: OpenFile
    address: GcsAddress

    @property
    def what(self) -> str:
        """Begins what is said of its errors."""
        return f"GCS: cannot upload {self.file.path} to {self.address}"

    async def at_once(self) -> None:
        """In one request."""
        data = await self.file.read(0, PART)
        with _whole(self.what):
            await self._post("media", content=data, headers=_TYPE)

    async def in_parts(self) -> None:
        """In a session, and in another one if that is lost."""
        for _ in range(SESSIONS):
            begun = await self._post("resumable", headers={"X-Upload-Content-Type": _TYPE_NAME})
            session = begun.headers.get("location", "")
            if not session.startswith(("https://", "http://")):
                raise GcpError(f"{self.what}: Cloud Storage gives no session")
            try:
                return await self._put_all(session)
            except _SessionLost:
                continue
            except BaseException:
                with anyio.move_on_after(ABORT_SECONDS, shield=True):
                    await self._abort(session)
                raise
        raise GcpAway(f"{self.what}: Cloud Storage has lost its sessions, {SESSIONS} times")

    async def _put_all(self, session: str) -> None:
        at, stuck = 0, 0
        while at < self.file.size:
            if stuck > MOST_STUCK:
                raise GcpAway(f"{self.what}: Cloud Storage takes no more of it")
            began = at
            data = await self.file.read(at, PART)
            end = at + len(data)
            if end < self.file.size:
                at = await self._put(session, at, data)
            else:
                with _whole(self.what):
                    at = await self._put(session, at, data)
            stuck = stuck + 1 if at <= began else 0

    async def _put(self, session: str, at: int, data: bytes) -> int:
        """Where the next part begins."""
        end, size = at + len(data), self.file.size
        answer = await self.api.send(
            self.what,
            "PUT",
            session,
            backoff=BACKOFF,
            login=False,
            accepted=(MORE, *GONE),
            content=data,
            headers={"Content-Range": f"bytes {at}-{end - 1}/{size}"},
        )
        if answer.status in GONE:
            raise _SessionLost
        if answer.status != MORE:
            return size
        taken = _TAKEN.fullmatch(answer.headers.get("range", ""))
        return min(int(taken[1]) + 1, end) if taken else 0

    async def _post(self, way: str, **request: Any) -> Any:
        bucket = self.address.bucket
        url = f"{self.api.place.url('storage')}/upload/storage/v1/b/{bucket}/o"
        asked = {"uploadType": way, "name": self.address.name}
        return await self.api.send(self.what, "POST", url, params=asked, **request)

    async def _abort(self, session: str) -> None:
        """Give the parts back; Cloud Storage forgets others after a week."""
        try:
            accepted = (ABORTED, *GONE)
            await self.api.send(self.what, "DELETE", session, login=False, accepted=accepted)
        except LaunchError:
            return


class _SessionLost(Exception):
    """Cloud Storage does not know it any more."""


_TYPE_NAME = "application/octet-stream"
_TYPE: Mapping[str, str] = {"Content-Type": _TYPE_NAME}


@contextmanager
def _whole(what: str) -> Iterator[None]:
    try:
        with whole():
            yield
    except TimeoutError as exc:
        raise GcpAway(f"{what}: {exc}") from exc
