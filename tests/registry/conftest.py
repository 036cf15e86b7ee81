"""Real registries, started for the tests: open, with passwords over TLS, and with tokens."""

import hashlib
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from registry.issuer import Issuer
from services import skip_without
from waiting import PATIENCE

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
USER, PASSWORD = "alice", "s3cret"


@dataclass(kw_only=True)
class Served:
    """A registry that runs, and how to get into it."""

    host: str
    ca: Path | None = None
    auth: tuple[str, str] | None = None
    process: "subprocess.Popen[bytes]"
    issuer: Issuer | None = None
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"{self.host}/lk/job"

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def client(self) -> httpx.Client:
        verify = ssl.create_default_context(cafile=self.ca) if self.ca else True
        headers = {}
        if self.issuer:
            headers["Authorization"] = f"Bearer {self.issuer.token('lk/job', ['pull', 'push'])}"
        return httpx.Client(base_url=self.url, verify=verify, auth=self.auth, headers=headers)

    def push(self, tag: str) -> str:
        """Put an image with one empty blob there; its digest."""
        config = b"{}"
        with self.client() as client:
            begun = client.post("/v2/lk/job/blobs/uploads/").raise_for_status()
            name = f"sha256:{hashlib.sha256(config).hexdigest()}"
            place = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": name})
            client.put(place, content=config).raise_for_status()
            blob = {"digest": name, "size": len(config)}
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob},
                "layers": [],
                "annotations": {"tag": tag},
            }
            put = client.put(
                f"/v2/lk/job/manifests/{tag}",
                content=json.dumps(manifest),
                headers={"Content-Type": MANIFEST},
            ).raise_for_status()
        return str(put.headers["docker-content-digest"])


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def openssl(*args: str | Path) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority, and a certificate of this machine and its key."""
    missing = [
        name for name in ("docker-registry", "htpasswd", "openssl") if not shutil.which(name)
    ]
    if missing:
        skip_without(", ".join(missing))
    place = tmp_path_factory.mktemp("registries")
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*new, "-keyout", place / "ca.key", "-out", place / "ca.pem", "-subj", "/CN=lk test CA",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", place / "host.key",
            "-out", place / "host.csr", "-subj", "/CN=127.0.0.1")  # fmt: skip
    (place / "ext").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n"
    )
    openssl("x509", "-req", "-in", place / "host.csr", "-CA", place / "ca.pem", "-CAkey",
            place / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", place / "ext",
            "-out", place / "host.pem")  # fmt: skip
    return place


def serve(
    place: Path, name: str, auth: str = "", tls: bool = False
) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Start a registry and wait until it takes connections."""
    port = free_port()
    keys = f", tls: {{certificate: {place}/host.pem, key: {place}/host.key}}" if tls else ""
    config = place / f"{name}.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {place}/{name}}}, delete: {{enabled: true}}}}\n"
        f'http: {{addr: "127.0.0.1:{port}"{keys}}}\n{auth}'
    )
    log = (place / f"{name}.log").open("wb")
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=log, stderr=subprocess.STDOUT
    )
    log.close()
    limit = monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            told = (place / f"{name}.log").read_text()
            assert process.poll() is None, told
            assert monotonic() < limit, told
            sleep(0.02)
        else:
            return f"127.0.0.1:{port}", process


def end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(PATIENCE)


@pytest.fixture(scope="session")
def open_registry(place: Path) -> Iterator[Served]:
    """Asks for nothing and has no TLS."""
    host, process = serve(place, "open")
    served = Served(host=host, process=process)
    served.digests["v1"] = served.push("v1")
    yield served
    end(process)


@pytest.fixture(scope="session")
def password_registry(place: Path) -> Iterator[Served]:
    """Asks for a password, over TLS."""
    made = subprocess.run(
        ["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True, text=True
    )
    (place / "htpasswd").write_text(made.stdout)
    auth = f"auth: {{htpasswd: {{realm: lk, path: {place}/htpasswd}}}}\n"
    host, process = serve(place, "password", auth, tls=True)
    served = Served(host=host, process=process, ca=place / "ca.pem", auth=(USER, PASSWORD))
    served.digests["v1"] = served.push("v1")
    yield served
    end(process)


@pytest.fixture(scope="session")
def token_registry(place: Path) -> Iterator[Served]:
    """Asks for signed tokens, which an issuer gives for a password or an identity token."""
    with Issuer(place, USER, PASSWORD).running() as issuer:
        auth = (
            f'auth: {{token: {{realm: "{issuer.url}", service: lk-registry, issuer: lk-auth,'
            f" rootcertbundle: {place}/issuer.pem}}}}\n"
        )
        host, process = serve(place, "token", auth)
        served = Served(host=host, process=process, issuer=issuer)
        served.digests["v1"] = served.push("v1")
        yield served
        end(process)
