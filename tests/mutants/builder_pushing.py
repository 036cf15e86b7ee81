"""A builder whose images are one layer, pushed to a registry by plain HTTP. It imports nothing of
`launchkit.testing`, so that a process that builds starts soon.
"""

import io
import json
import tarfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import httpx
from anyio.to_thread import run_sync

from launchkit.abc import Builder, Output, Site
from launchkit.aio.retry import Backoff, retry, retry_after_of
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.testing.waiting import PATIENCE

T = TypeVar("T")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
BACKOFF = Backoff(first=0.05, cap=1.0, deadline=20.0)


class Trouble(BuildError):
    """What was asked for may have been done or not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(kw_only=True)
class PushingBuilder(Builder):
    """Pushes by way of *api*, `host:port`, whatever the host of the destination is."""

    kind = "pushing"

    api: str = ""
    _http: httpx.AsyncClient = field(init=False, repr=False)
    _site: Site = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self._site = site
        client = httpx.AsyncClient(base_url=f"http://{self.api}", timeout=PATIENCE)
        self._http = await stack.enter_async_context(client)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """Unless an image of that code is there."""
        layer = await run_sync(layer_of, request.code)
        tag, name = self._tag(layer), str(request.destination).partition("/")[2]
        await out.say(f"pushing {tag}")
        found = await self._again(partial(self._digest, name, tag))
        digest = found or await self._pushed(name, tag, layer)
        return Image(ref=f"{request.destination}:{tag}", digest=digest)

    def _tag(self, layer: bytes) -> str:
        return digest_of(layer)[7:27]

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        """Its digest."""
        for blob in (layer, b"{}"):
            await self._again(partial(self._blob, name, blob))
        return await self._again(partial(self._manifest, name, tag, layer))

    async def _digest(self, name: str, tag: str) -> str | None:
        found = await self._asked(
            "HEAD", f"/v2/{name}/manifests/{tag}", headers={"Accept": MANIFEST}
        )
        return found.headers["docker-content-digest"] if found.is_success else None

    async def _blob(self, name: str, data: bytes) -> None:
        """From its question on: an upload whose answer is lost cannot be repeated."""
        found = await self._asked("HEAD", f"/v2/{name}/blobs/{digest_of(data)}")
        if found.is_success:
            return
        await self._put(await self._begun(name), data)

    async def _begun(self, name: str) -> str:
        begun = await self._asked("POST", f"/v2/{name}/blobs/uploads/")
        return str(begun.headers["location"])

    async def _put(self, place: str, data: bytes) -> None:
        url = httpx.URL(place).copy_merge_params({"digest": digest_of(data)})
        await self._asked("PUT", url, content=data)

    async def _manifest(self, name: str, tag: str, layer: bytes) -> str:
        data, headers = manifest(layer), {"Content-Type": MANIFEST}
        url = f"/v2/{name}/manifests/{tag}"
        put = await self._asked("PUT", url, content=data, headers=headers)
        return str(put.headers["docker-content-digest"])

    async def _asked(self, method: str, url: str | httpx.URL, **more: object) -> httpx.Response:
        """:raises Trouble: if there is no answer, or none that helps."""
        try:
            answer = await self._http.request(method, url, **more)  # type: ignore[arg-type]
        except httpx.TransportError as exc:
            raise Trouble(f"the registry hung up: {exc!r}") from exc
        if answer.is_error and not (method == "HEAD" and answer.status_code == 404):
            wait = retry_after_of(answer.headers.get("Retry-After"))
            raise Trouble(f"the registry says {answer.status_code}", wait)
        return answer

    async def _again(self, act: Callable[[], Awaitable[T]]) -> T:
        return await retry(act, on=Trouble, backoff=BACKOFF)


def layer_of(code: Path) -> bytes:
    """A tar that is the same for equal code."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in sorted(code.rglob("*")):
            info = tar.gettarinfo(path, path.relative_to(code).as_posix())
            info.mtime = info.uid = info.gid = 0
            info.uname = info.gname = ""
            with path.open("rb") if info.isfile() else io.BytesIO() as data:
                tar.addfile(info, data)
    return out.getvalue()


def manifest(layer: bytes) -> bytes:
    """An image of that layer alone."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(b"{}"), "size": 2},
            "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        }
    ).encode()


def digest_of(data: bytes) -> str:
    """As registries write it."""
    return f"sha256:{sha256(data).hexdigest()}"
