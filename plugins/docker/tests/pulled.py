"""Images for pulls to find, in a registry, an archive or an Engine."""

import base64
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from uuid import uuid4

from docker_engine import Engine
from served import answered_by

from launchkit.testing import RegistryServer
from launchkit.testing.registry_server import DOCKER_MANIFEST

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def load(engine: Engine, name: str, architecture: str, **more: object) -> str:
    """Make an image unlike any other for some computer, with *more* in its config; its id."""
    layer = archive({"content": uuid4().bytes})
    digests = [f"sha256:{sha256(layer).hexdigest()}"]
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": {"launchkit-test": name}},
        "rootfs": {"type": "layers", "diff_ids": digests},
        **more,
    }
    manifest = [{"Config": "config", "RepoTags": [name], "Layers": ["layer"]}]
    texts = {"config": config, "manifest.json": manifest}
    members = {file: json.dumps(text).encode() for file, text in texts.items()}
    content = archive({"layer": layer, **members})
    engine.http.post("/images/load", content=content).raise_for_status()
    made = image_id(engine, name)
    assert made
    return made


def archive(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


def name(engine: Engine, image: str, ref: str) -> None:
    repo, _, tag = ref.rpartition(":")
    engine.http.post(f"/images/{image}/tag", params={"repo": repo, "tag": tag}).raise_for_status()


def push(engine: Engine, image: str, ref: str, login: tuple[str, str] | None) -> None:
    name(engine, image, ref)
    repo, _, tag = ref.rpartition(":")
    said = dict(zip(("username", "password"), login or (), strict=False))
    header = base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
    answer = engine.http.post(
        f"/images/{repo}/push", params={"tag": tag}, headers={"X-Registry-Auth": header}
    )
    assert "errorDetail" not in answer.text, answer.text


def list_in(registry: RegistryServer, repository: str, tag: str, architectures: list[str]) -> None:
    """Have a tag stand for the images of several computers, which have tags of their own."""
    made = []
    with registry.client() as client:
        for each in architectures:
            answer = client.get(
                f"/v2/{repository}/manifests/{each}", headers={"Accept": DOCKER_MANIFEST}
            ).raise_for_status()
            made.append(
                {
                    "mediaType": DOCKER_MANIFEST,
                    "digest": answer.headers["docker-content-digest"],
                    "size": len(answer.content),
                    "platform": {"os": "linux", "architecture": each},
                }
            )
        text = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": made}
        client.put(
            f"/v2/{repository}/manifests/{tag}", json=text, headers={"Content-Type": DOCKER_LIST}
        ).raise_for_status()


def image_id(engine: Engine, ref: str) -> str | None:
    answer = engine.http.get(f"/images/{ref}/json")
    return answer.json()["Id"] if answer.is_success else None


@contextmanager
def recorder() -> Iterator[tuple[str, list[str | None]]]:
    """A registry that wants a password and has nothing; what it was given."""
    given: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        default_request_version = "HTTP/1.1"  # what speaks TLS is told that there is none

        def do_GET(self) -> None:
            given.append(self.headers["Authorization"])
            self.send_response(401 if self.headers["Authorization"] is None else 404)
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - named by http.server

        def log_message(self, *args: object) -> None:
            """The tests' output is not for that."""

    with answered_by(Handler) as host:
        yield host, given
