"""Real registries of container images for tests: open, with a password, over TLS."""

import hashlib
import json
import re
import shutil
import ssl
import subprocess
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO

import httpx
import pytest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
START_SECONDS = 300.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: what this machine trusts takes longer to read than most answers."""
LISTENS = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, kw_only=True)
class RegistryServer:
    """A registry that runs, and how to get into it."""

    host: str
    """With its port."""
    ca: Path | None = None
    """The authority of its certificate; None: it speaks plain HTTP."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of each request that `client` makes, in place of a login."""

    @property
    def url(self) -> str:
        """Its API without the path."""
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def client(self) -> httpx.Client:
        """One that is let in, for tests to look for themselves."""
        return httpx.Client(
            base_url=self.url,
            verify=self.trusted,
            auth=self.login,
            headers=self.headers,
            timeout=60,
        )

    @property
    def trusted(self) -> ssl.SSLContext:
        """For clients of it, whom its own authority is enough."""
        return ssl.create_default_context(cafile=self.ca) if self.ca else NO_TLS

    def push(self, repository: str, tag: str, note: str = "") -> str:
        """Put an image without layers there, which tag and note decide; its digest."""
        config = b"{}"
        name = f"sha256:{hashlib.sha256(config).hexdigest()}"
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": name, "size": len(config)},
            "layers": [],
            "annotations": {"tag": tag, "note": note},
        }
        with self.client() as client:
            begun = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
            place = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": name})
            client.put(place, content=config).raise_for_status()
            put = client.put(
                f"/v2/{repository}/manifests/{tag}",
                content=json.dumps(manifest),
                headers={"Content-Type": MANIFEST},
            ).raise_for_status()
        return str(put.headers["docker-content-digest"])

    def digest(self, ref: str) -> str | None:
        """What it tells itself of a reference, `HOST/NAME:TAG` or `HOST/NAME@DIGEST`; None: there
        is no such image.
        """
        name, _, tag = ref.removeprefix(f"{self.host}/").rpartition("@" if "@" in ref else ":")
        accept = {"Accept": f"{MANIFEST}, {DOCKER_MANIFEST}"}
        with self.client() as client:
            answer = client.head(f"/v2/{name}/manifests/{tag}", headers=accept)
        return answer.headers["docker-content-digest"] if answer.is_success else None

    def tags(self, repository: str) -> Collection[str]:
        """All tags of a repository."""
        with self.client() as client:
            found = client.get(f"/v2/{repository}/tags/list")
        return found.json()["tags"] or [] if found.is_success else []

    def remove(self, repository: str, tag: str) -> None:
        """Remove the image that has the tag."""
        digest = self.digest(f"{self.host}/{repository}:{tag}")
        with self.client() as client:
            client.delete(f"/v2/{repository}/manifests/{digest}").raise_for_status()


@contextmanager
def registry_server(
    folder: Path, *, login: tuple[str, str] | None = None, tls: bool = False, more: str = ""
) -> Iterator[RegistryServer]:
    """A registry on this machine that keeps its files in *folder*, for the time of the context.

    Needs the program docker-registry, htpasswd for a *login*, openssl for *tls*; a test that lacks
    one is skipped. *more* is YAML for its configuration file.
    """
    skip_without_programs(login=login is not None, tls=tls)
    folder.mkdir(parents=True, exist_ok=True)
    ca = folder / "ca.pem" if tls else None
    (folder / "config.yml").write_text(_config(folder, login, tls) + more)
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    started = _Started(process.stderr)
    try:
        yield RegistryServer(host=started.host(), ca=ca, login=login)
    finally:
        process.kill()
        process.wait()
        started.join()
        process.stderr.close()


def skip_without_programs(*, login: bool = False, tls: bool = False) -> None:
    """Skip the test if this machine cannot run such a registry."""
    wanted = {"docker-registry": True, "htpasswd": login, "openssl": tls}
    if missing := [name for name, needed in wanted.items() if needed and not shutil.which(name)]:
        pytest.skip(f"a registry on this machine needs {' and '.join(missing)}: not installed")


def write_htpasswd(file: Path, name: str, password: str) -> None:
    """Let the registry that reads the file admit one user, and nobody else any more."""
    command = ["htpasswd", "-Bni", name]
    made = subprocess.run(command, input=password.encode(), check=True, capture_output=True)
    file.write_bytes(made.stdout)


class _Started:
    """Reads what the registry writes, so that it never waits for a reader."""

    def __init__(self, written: IO[bytes]) -> None:
        self._last: deque[str] = deque(maxlen=20)
        self._known = Event()
        self._port: str | None = None
        self._thread = Thread(target=self._read, args=(written,), daemon=True)
        self._thread.start()
        self.join = self._thread.join

    def host(self) -> str:
        """Where it listens, as soon as it does."""
        self._known.wait(START_SECONDS)
        if self._port is None:
            raise RuntimeError("docker-registry does not start:\n" + "".join(self._last))
        return f"127.0.0.1:{self._port}"

    def _read(self, written: IO[bytes]) -> None:
        for raw in written:
            line = raw.decode(errors="replace")
            self._last.append(line)
            if self._port is None and (found := LISTENS.search(line)):
                self._port = found[1]
                self._known.set()
        self._known.set()


def _config(folder: Path, login: tuple[str, str] | None, tls: bool) -> str:
    text = (
        "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
    )
    keys = ""
    if tls:
        _certify(folder)
        keys = f", tls: {{certificate: {folder}/host.pem, key: {folder}/host.key}}"
    text += f'http: {{addr: "127.0.0.1:0"{keys}}}\n'
    if login:
        write_htpasswd(folder / "htpasswd", *login)
        text += f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
    return text


def _certify(folder: Path) -> None:
    """Make an authority, and a certificate of this machine."""
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout")
    _openssl(*new, folder / "ca.key", "-out", folder / "ca.pem", "-x509", "-days", "2",
             "-subj", "/CN=CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    _openssl(*new, folder / "host.key", "-out", folder / "host.csr", "-subj", "/CN=127.0.0.1")
    (folder / "ext").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n"
    )
    _openssl("x509", "-req", "-in", folder / "host.csr", "-CA", folder / "ca.pem",
             "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "2",
             "-extfile", folder / "ext", "-out", folder / "host.pem")  # fmt: skip


def _openssl(*args: str | Path) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)
