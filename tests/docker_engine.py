"""The Docker Engine of this machine, as tests look at it: not by the client under test."""

import json
import socket
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx
from waiting import PATIENCE

SOCKET = "/var/run/docker.sock"
APPLETS = ("sh", "sleep", "cat", "env", "true", "echo", "printf")


class Engine:
    """A few requests of the Engine API."""

    socket = Path(SOCKET)

    def __enter__(self) -> Self:
        transport = httpx.HTTPTransport(uds=str(self.socket))
        self.http = httpx.Client(transport=transport, base_url="http://docker", timeout=PATIENCE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return self._listens() and self.http.get("/_ping").is_success
        except httpx.TransportError:
            return False

    def _listens(self) -> bool:
        """Asked without httpx, which does not close a socket that cannot connect."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

    def has(self, image: str) -> bool:
        """Whether it has an image of that name."""
        return self.http.get(f"/images/{quote(image)}/json").is_success

    def load(self, tar: Path, image: str, *changes: str) -> None:
        """Make an image of a file system, with instructions of a Dockerfile."""
        repo, _, tag = image.partition(":")
        path = "ENV PATH=/usr/local/bin:/usr/bin:/bin"
        params = {"fromSrc": "-", "repo": repo, "tag": tag, "changes": [path, *changes]}
        with tar.open("rb") as data:
            self.http.post("/images/create", params=params, content=data).raise_for_status()

    def build(self, context: bytes, **params: str) -> None:
        """Build an image; anew if others removed one that the Engine was just looking at."""
        end = time.monotonic() + PATIENCE
        while True:
            said = self.http.post("/build", params=params, content=context).raise_for_status().text
            if "unable to find image" not in said or time.monotonic() > end:
                assert "errorDetail" not in said, said
                return

    def labels(self, image: str) -> dict[str, str]:
        """The labels of an image, if it is there."""
        answer = self.http.get(f"/images/{quote(image)}/json")
        return (answer.json()["Config"]["Labels"] or {}) if answer.is_success else {}

    def remove(self, image: str) -> None:
        """Remove an image, if it is there."""
        self.http.delete(f"/images/{quote(image)}", params={"force": True})

    def shell(self, folder: Path) -> str:
        """Make an image with a shell alone; gives its name."""
        name = f"launchkit-test-{uuid4().hex[:8]}:1"
        path = folder / "busybox.tar"
        with tarfile.open(path, "w") as tar:
            tar.add("/bin/busybox", "bin/busybox")
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        self.load(path, name)
        return name

    @contextmanager
    def busybox(self, folder: Path) -> Iterator[str]:
        """The name of an image with a shell alone; removed at the end."""
        name = self.shell(folder)
        try:
            yield name
        finally:
            self.remove(name)

    def containers(self, **labels: str) -> list[dict[str, Any]]:
        """All containers with those labels, also ended ones."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        params = {"all": "true", "filters": json.dumps({"label": wanted})}
        found: list[dict[str, Any]] = self.http.get("/containers/json", params=params).json()
        return found

    def remove_containers(self, **labels: str) -> None:
        """Remove all containers with those labels, also running ones."""
        for container in self.containers(**labels):
            self.http.delete(f"/containers/{container['Id']}", params={"force": True})

    def images(self, prefix: str) -> list[str]:
        """The names of its images that begin with *prefix*."""
        listed = self.http.get("/images/json").json()
        names = [name for image in listed for name in image["RepoTags"] or ()]
        return [name for name in names if name.startswith(prefix)]

    def build_cache(self) -> list[dict[str, Any]]:
        """What BuildKit keeps."""
        params = {"type": "build-cache"}  # to look at an image that goes meanwhile is an error
        found = self._in_turn("GET", "/system/df", params)["BuildCache"]
        return found or []

    def prune(self, record: str) -> None:
        """Remove what BuildKit keeps, unless it is in use, or something else is made from it."""
        params = {"all": "1", "filters": json.dumps({"id": [record]})}
        self._in_turn("POST", "/build/prune", params)

    def _in_turn(self, method: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer to what the Engine does for one client at a time, and refuses others."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = self.http.request(method, path, params=params)
            if "already running" not in answer.text or time.monotonic() > end:
                return answer.raise_for_status().json()
            time.sleep(0.02)
