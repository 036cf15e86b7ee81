"""An object store in a process of its own, which speaks S3's protocol: the server of moto."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx
from ports import free_port
from waiting import PATIENCE

RETRIES = 7
"""With pauses that double from half a second: a minute in all."""


@dataclass(frozen=True)
class ObjectStore:
    """Where it is, and how programs find it."""

    url: str

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "ann",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def wait(self) -> None:
        """Wait until it answers; also from where an event loop runs."""
        transport = httpx.HTTPTransport(retries=RETRIES)
        with httpx.Client(transport=transport, timeout=PATIENCE) as client:
            client.get(self.url).raise_for_status()

    def bucket(self, name: str) -> str:
        """The URL of a new bucket."""
        httpx.put(f"{self.url}/{name}", timeout=PATIENCE).raise_for_status()
        return f"s3://{name}"

    def names(self, bucket: str) -> list[str]:
        """What is in it, by the store's own word."""
        url = f"{self.url}/{bucket.removeprefix('s3://')}"
        text = httpx.get(url, timeout=PATIENCE).raise_for_status().text
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """A store without anything in it."""
    port = free_port()
    with (folder / "object-store.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-p", str(port)]
        process = Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        store = ObjectStore(f"http://127.0.0.1:{port}")
        store.wait()
        yield store
    finally:
        process.kill()
        process.wait(PATIENCE)
