"""Copies of public images in the agent's registry, for a service that has images from there alone.

It speaks as https://github.com/opencontainers/distribution-spec/blob/main/spec.md says.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
from anyio.to_thread import run_sync

from launchkit.abc import Output, Registry
from launchkit.aio.answers import ANSWER_SECONDS, whole_answer
from launchkit.aio.http import http_client, machine_trust
from launchkit.aio.retry import Backoff, retry
from launchkit.errors import SubmitError
from launchkit.images.ref import HUB, ImageRef
from launchkit.plain_text import shortened

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
PLATFORM = ("linux", "amd64")
MAX_ANSWER = 4 << 20
"""Bytes of an answer that are read: a manifest has fewer, and a token much fewer."""
MOST_BYTES = 100 << 30
"""Of all parts of an image that is copied: several times the largest that machine learning has."""
COPY_SECONDS = 4 * 3600.0
"""How long a copy may take with all its tries."""
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
BACKOFF = Backoff(first=0.5, cap=10.0, deadline=120.0)
WRONG = (
    *(httpx.HTTPError, httpx.InvalidURL, LookupError, TypeError, ValueError),
    *(AttributeError, RecursionError, TimeoutError),
)
"""What answers raise that are none of a registry's."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_PARAMETER = re.compile(r'([a-z]{1,20})="([^"]{0,1000})"', re.IGNORECASE)
_HUB_API = "registry-1.docker.io"


async def mirrored(source: str, registry: Registry, out: Output) -> str:
    """The reference of a copy of a public image; it is made unless it is there.

    :raises SubmitError: if it cannot be made, is too large, or takes too long.
    """
    ref = ImageRef.parse(source)
    trusted = await run_sync(machine_trust)
    async with http_client(trusted, timeout=TIMEOUT, follow_redirects=True) as client:

        async def copy() -> str:
            origin = Side(client, ref)
            digest, manifest = await origin.image()
            blobs = _blobs_of(manifest)
            target = registry.image_ref(f"mirror-{digest.partition(':')[2][:32]}")
            if await registry.exists(target):
                return target
            await out.say(f"copies {source} to {target}")
            login = await registry.credentials()
            basic = httpx.BasicAuth(login.username, str.__str__(login.password)) if login else None
            copied = Side(client, ImageRef.parse(target), basic)
            for blob in blobs:
                await copied.take(origin, blob)
            await copied.name(origin.raw, manifest["mediaType"])
            return target

        try:
            with anyio.fail_after(COPY_SECONDS):
                return await retry(copy, on=httpx.TransportError, backoff=BACKOFF)
        except WRONG as exc:
            late = f"it is not done after {COPY_SECONDS:g} seconds"
            why = late if isinstance(exc, TimeoutError) else str(exc) or type(exc).__name__
            told = shortened(why, 500)
            raise SubmitError(
                f"{source} cannot be copied to {registry.image_ref('mirror')}: {told}",
                hint="only images that anybody may pull are copied; push others to ECR yourself",
            ) from exc


@dataclass(frozen=True)
class Blob:
    """A part of an image, as its manifest tells."""

    digest: str
    size: int


class Side:
    """A repository that is read from, or written to."""

    def __init__(
        self, client: httpx.AsyncClient, ref: ImageRef, auth: httpx.BasicAuth | None = None
    ) -> None:
        self._client = client
        self._ref = ref
        self._auth = auth
        self._token: str | None = None
        host = _HUB_API if ref.host == HUB else ref.host
        self._base = f"{'http' if _is_local(host) else 'https'}://{host}/v2/{ref.path}"
        self.raw = b""
        """The manifest as it was read."""

    async def image(self) -> tuple[str, Mapping[str, Any]]:
        """The digest and the manifest of the image for the platform of SageMaker."""
        digest, manifest = await self._manifest(self._ref.digest or self._ref.tag or "latest")
        if manifest.get("mediaType") not in INDEXES:
            return digest, manifest
        for one in manifest["manifests"]:
            at = one.get("platform", {})
            if (at.get("os"), at.get("architecture")) == PLATFORM:
                return await self._manifest(_digest_of(one))
        raise ValueError(f"it is for no {'/'.join(PLATFORM)}")

    async def take(self, origin: "Side", blob: Blob) -> None:
        """Copy a blob, unless it is here. :raises ValueError: if it is another than is told."""
        if (await self._asked("HEAD", f"/blobs/{blob.digest}")).status_code == httpx.codes.OK:
            return
        begun = await self._asked("POST", "/blobs/uploads/")
        place = httpx.URL(self._base).join(begun.raise_for_status().headers["Location"])
        done = await self._whole(
            "PATCH",
            place,
            content=origin.read(blob),
            headers={"Content-Type": "application/octet-stream"},
            auth=self._auth_at(place),
            seconds=COPY_SECONDS,
        )
        place = place.join(done.raise_for_status().headers["Location"])
        last = await self._whole(
            "PUT", place.copy_merge_params({"digest": blob.digest}), auth=self._auth_at(place)
        )
        last.raise_for_status()

    def _auth_at(self, place: httpx.URL) -> httpx.Auth | None:
        """The login, which is for no other host."""
        home = httpx.URL(self._base)
        is_home = (place.scheme, place.netloc) == (home.scheme, home.netloc)
        return self._auth if is_home else None

    async def read(self, blob: Blob) -> AsyncIterator[bytes]:
        """The bytes of a blob. :raises ValueError: as soon as it is another than is told."""
        seen, size = hashlib.sha256(), 0
        url = f"{self._base}/blobs/{blob.digest}"
        headers = {"Accept-Encoding": "identity", **self._headers()}
        async with self._client.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            async for data in answer.aiter_raw():
                size += len(data)
                if size > blob.size:
                    raise ValueError(f"{blob.digest} has more bytes than the {blob.size} told")
                seen.update(data)
                yield data
        if f"sha256:{seen.hexdigest()}" != blob.digest:
            raise ValueError(f"{blob.digest} is another than its digest says")

    async def name(self, manifest: bytes, media_type: str) -> None:
        """Give the image its tag."""
        headers = {"Content-Type": media_type}
        path = f"/manifests/{self._ref.tag}"
        (await self._asked("PUT", path, content=manifest, headers=headers)).raise_for_status()

    async def _manifest(self, word: str) -> tuple[str, Mapping[str, Any]]:
        headers = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        answer = (
            await self._asked("GET", f"/manifests/{word}", headers=headers)
        ).raise_for_status()
        self.raw = answer.content
        made: dict[str, Any] = json.loads(answer.content)
        made.setdefault("mediaType", answer.headers.get("Content-Type", MANIFESTS[0]))
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        told = answer.headers.get("Docker-Content-Digest", digest)
        if {told, word if ":" in word else told} != {digest}:  # under its name others find the copy
            raise ValueError("its manifest is another than its digest says")
        return digest, made

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        more["headers"] = {**more.get("headers", {}), **self._headers()}
        answer = await self._whole(method, self._base + path, auth=self._auth, **more)
        if answer.status_code != httpx.codes.UNAUTHORIZED or self._auth or self._token:
            return answer
        self._token = await self._anonymous(answer.headers.get("WWW-Authenticate", ""))
        more["headers"] |= self._headers()
        return await self._whole(method, self._base + path, **more)

    async def _whole(
        self,
        method: str,
        url: httpx.URL | str,
        auth: httpx.Auth | None = None,
        seconds: float = ANSWER_SECONDS,
        **more: Any,
    ) -> httpx.Response:
        request = self._client.build_request(method, url, **more)
        return await whole_answer(self._client, request, MAX_ANSWER, auth=auth, seconds=seconds)

    async def _anonymous(self, challenge: str) -> str:
        """A token that anybody gets."""
        told = dict(_PARAMETER.findall(challenge[:4096]))
        realm = told["realm"]
        if urlsplit(realm).scheme != "https" and not _is_local(urlsplit(realm).netloc):
            raise ValueError(
                f"its token service {shortened(repr(realm), 200)} is not to be asked without TLS"
            )
        asked = {"service": told.get("service", ""), "scope": f"repository:{self._ref.path}:pull"}
        answer = (await self._whole("GET", realm, params=asked)).raise_for_status().json()
        return str(answer.get("token") or answer["access_token"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def _blobs_of(manifest: Mapping[str, Any]) -> list[Blob]:
    """What a manifest is made of. :raises ValueError: if it is too much."""
    parts = (manifest["config"], *manifest["layers"])
    blobs = [Blob(_digest_of(part), _size_of(part)) for part in parts]
    size = sum(blob.size for blob in blobs)
    if size > MOST_BYTES:
        raise ValueError(f"it has {size} bytes, and more than {MOST_BYTES} are not copied")
    return blobs


def _size_of(part: Mapping[str, Any]) -> int:
    size = part["size"]
    if type(size) is not int or size < 0:
        raise ValueError(f"{shortened(repr(size), 100)} is no size")
    return size


def _digest_of(blob: Mapping[str, Any]) -> str:
    digest = blob["digest"]
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"{shortened(repr(digest), 100)} is no digest")
    return digest


def _is_local(host: str) -> bool:
    return host.partition(":")[0] in {"localhost", "127.0.0.1"}
