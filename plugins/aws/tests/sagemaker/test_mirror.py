"""Images that are not in ECR are copied there, where a queue wants it."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from itertools import repeat
from pathlib import Path
from uuid import uuid4

import anyio
import httpx
import pytest
from launchkit_aws.ecr import EcrRegistry
from launchkit_aws.sagemaker import mirror
from launchkit_aws.sagemaker.mirror import MOST_BYTES, Blob, Side, mirrored
from launchkit_aws.sagemaker.runner import SageMakerRunner
from served import answered_by
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.errors import SubmitError
from launchkit.images.ref import ImageRef
from launchkit.testing import RecordingOutput, RegistryServer, registry_server, site_at, started

from ..conftest import REGION as HOME
from ..conftest import Environments
from ..ecr_server import ACCOUNT, EcrApi
from ..fake_aws import FakeAws as Ecr
from .fake import FakeAws
from .making import config, runner, submission

OCI = "application/vnd.oci.image."


@pytest.fixture
async def site(ecr_api: EcrApi, environments: Environments, tmp_path: Path) -> AsyncIterator[Site]:
    """Where an agent stands whose registry is ECR, which answers on this machine."""
    parts = {"account_id": ACCOUNT, "region": HOME, "repo_name": f"lk-{uuid4().hex[:12]}/job"}
    async with (
        Ecr("ecr", ecr_api).serving() as url,
        environments({"ecr": url}) as aws,
        site_at(tmp_path / "site", environment=aws) as site,
        started(EcrRegistry(host=ecr_api.served.host, **parts), site) as registry,  # type: ignore[arg-type] # texts
    ):
        yield replace(site, registry=registry)


def pushed(server: RegistryServer, repository: str, *layers: bytes) -> str:
    """An image for two platforms; the reference of both."""
    with server.client() as client:

        def blob(data: bytes) -> dict[str, object]:
            digest = _digest(data)
            begun = client.post(f"/v2/{repository}/blobs/uploads/")
            place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
            client.put(place, content=data).raise_for_status()
            return {"digest": digest, "size": len(data), "mediaType": f"{OCI}layer.v1.tar"}

        def put(tag: str, kind: str, **parts: object) -> dict[str, object]:
            media = f"{OCI}{kind}.v1+json"
            data = json.dumps({"schemaVersion": 2, "mediaType": media, **parts}).encode()
            path = f"/v2/{repository}/manifests/{tag}"
            answer = client.put(path, content=data, headers={"Content-Type": media})
            digest = answer.raise_for_status().headers["Docker-Content-Digest"]
            return {"mediaType": media, "digest": digest, "size": len(data)}

        images = [
            put(arch, "manifest", config=blob(arch.encode()), layers=[*map(blob, layers)])
            | {"platform": {"os": "linux", "architecture": arch}}
            for arch in ("arm64", "amd64")
        ]
        put("1", "index", manifests=images)
    return f"{server.host}/{repository}:1"


async def test_a_public_image_is_copied_once(site: Site, tmp_path: Path, ecr_api: EcrApi) -> None:
    assert site.registry
    out = RecordingOutput()
    with registry_server(tmp_path) as server:
        source = pushed(server, "team/train", b"x" * 3_000_000, b"small")
        target = await mirrored(source, site.registry, out)
        assert await mirrored(source, site.registry, out) == target
    assert out.marks == [f"copies {source} to {target}"]
    assert await site.registry.exists(target)
    served = replace(ecr_api.served, login=("AWS", ecr_api.password))
    host, _, path = target.partition("/")
    repository, _, tag = path.rpartition(":")
    assert host == served.host
    with served.client() as client:
        accept = {"Accept": f"{OCI}manifest.v1+json"}
        manifest = client.get(f"/v2/{repository}/manifests/{tag}", headers=accept).json()
        (large, _), made = manifest["layers"], manifest["config"]["digest"]
        assert len(client.get(f"/v2/{repository}/blobs/{large['digest']}").content) == 3_000_000
        assert client.get(f"/v2/{repository}/blobs/{made}").content == b"amd64"


async def test_a_launch_runs_the_copy(
    site: Site, tmp_path: Path, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", fake.url)
    assert isinstance(site.registry, EcrRegistry)
    with registry_server(tmp_path / "public") as server:
        source = pushed(server, "team/train", b"small")
        one = submission(args=config(mirror_image=True), image=source)
        at = replace(site, environment=None)
        async with started(runner(), at) as made:
            await made.prepare(one, RecordingOutput())
            await made.submit(one)
    (job,) = fake.jobs.values()
    ran = job.request["AlgorithmSpecification"]["TrainingImage"]
    assert ran.startswith(f"{site.registry.place.uri}:mirror-")
    assert await site.registry.exists(ran)


async def test_what_cannot_be_copied_is_told(site: Site, tmp_path: Path) -> None:
    assert site.registry
    with (
        registry_server(tmp_path) as server,
        pytest.raises(SubmitError, match="cannot be copied to") as caught,
    ):
        await mirrored(f"{server.host}/none:1", site.registry, RecordingOutput())
    assert "only images that anybody may pull" in str(caught.value.hint)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def saying(
    body: bytes, headers: Mapping[str, str], status: int = 200
) -> Iterator[tuple[str, list[str | None]]]:
    """A registry that gives one answer to all, and the logins that it was asked with."""
    logins: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            logins.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            while self.headers["Transfer-Encoding"] and self.rfile.readline() != b"0\r\n":
                pass  # pieces without a line's end in them
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_PATCH = do_POST = do_HEAD = do_GET  # noqa: N815 - their names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with answered_by(Handler) as host:
        yield host, logins


DIGEST = f"sha256:{'a' * 64}"
IMAGE = json.dumps({"mediaType": f"{OCI}manifest.v1+json", "config": {}, "layers": []}).encode()


@pytest.mark.parametrize(
    ("name", "headers"),
    [("image:1", {"Docker-Content-Digest": DIGEST}), (f"image@{DIGEST}", {})],
)
async def test_a_registry_cannot_pass_an_image_off_as_another(
    site: Site, name: str, headers: dict[str, str]
) -> None:
    """The copy of that other image is found under its digest, for all who launch it."""
    assert site.registry
    out = RecordingOutput()
    with (
        saying(IMAGE, headers) as (host, _),
        pytest.raises(SubmitError, match="its manifest is another than its digest says"),
    ):
        await mirrored(f"{host}/{name}", site.registry, out)
    assert out.marks == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"x"',
        b"[" * 200_000,
        b"{}",
        b"\xff",
        json.dumps({"mediaType": f"{OCI}index.v1+json", "manifests": ["x"]}).encode(),
        json.dumps({"mediaType": f"{OCI}index.v1+json", "manifests": 1}).encode(),
        json.dumps({"mediaType": 1, "config": {"digest": "../x"}, "layers": []}).encode(),
        *(
            json.dumps({"config": {"digest": DIGEST, "size": size}, "layers": []}).encode()
            for size in ("1", True, 0.5, -1)
        ),
    ],
    ids=range(12),
)
async def test_what_is_no_manifest_is_told(site: Site, body: bytes) -> None:
    assert site.registry
    with saying(body, {}) as (host, _), pytest.raises(SubmitError, match="cannot be copied to"):
        await mirrored(f"{host}/image:1", site.registry, RecordingOutput())


async def test_an_image_that_says_that_it_is_too_large_is_not_begun(site: Site) -> None:
    assert site.registry
    part = {"digest": DIGEST, "size": MOST_BYTES // 2 + 1}
    body = json.dumps({"config": part, "layers": [part]}).encode()
    out = RecordingOutput()
    with saying(body, {}) as (host, _), pytest.raises(SubmitError, match="are not copied"):
        await mirrored(f"{host}/image:1", site.registry, out)
    assert out.marks == []


@contextmanager
def origin_of(manifest: bytes, pieces: Iterable[bytes]) -> Iterator[str]:
    """A registry of one manifest; each blob is of all the pieces, and has no length."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(OSError):  # who asked has hung up
                for piece in pieces if "/blobs/" in self.path else (manifest,):
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with answered_by(Handler) as host:
        yield host


@pytest.mark.parametrize(
    ("pieces", "why"),
    [(repeat(bytes(65536)), "has more bytes than the 10 told"), ((b"y",), "is another than its")],
    ids=["endless", "another"],
)
async def test_a_part_of_an_image_ends_where_its_manifest_says(
    site: Site, pieces: Iterable[bytes], why: str
) -> None:
    assert site.registry
    layer = {"digest": _digest(b"x" * 10), "size": 10}
    manifest = json.dumps({"config": layer, "layers": [layer]}).encode()
    target = site.registry.image_ref(f"mirror-{_digest(manifest)[7:39]}")
    with (
        origin_of(manifest, pieces) as host,
        anyio.fail_after(PATIENCE),
        pytest.raises(SubmitError, match=why),
    ):
        await mirrored(f"{host}/image:1", site.registry, RecordingOutput())
    assert not await site.registry.exists(target)


async def test_a_copy_has_an_end_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "COPY_SECONDS", 0.5)
    assert site.registry
    layer = {"digest": DIGEST, "size": MOST_BYTES // 2}
    manifest = json.dumps({"config": layer, "layers": []}).encode()
    with (
        origin_of(manifest, repeat(b"x")) as host,
        anyio.fail_after(PATIENCE),
        pytest.raises(SubmitError, match=r"not done after 0\.5 seconds"),
    ):
        await mirrored(f"{host}/image:1", site.registry, RecordingOutput())


async def test_the_login_of_a_registry_goes_to_no_other_place_that_it_names() -> None:
    login = httpx.BasicAuth("me", "hush")
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        with saying(b"", {}) as (other, heard):
            begun = {"Location": f"http://{other}/upload"}
            with saying(b"", begun, 202) as (host, asked), saying(b"x", {}) as (source, _):
                origin = Side(client, ImageRef.parse(f"{source}/from:1"))
                target = Side(client, ImageRef.parse(f"{host}/to:1"), login)
                with pytest.raises(LookupError):  # it says no second place
                    await target.take(origin, Blob(_digest(b"x"), 1))
    assert heard == [None]
    assert all(asked)


async def test_without_a_registry_in_ecr_nothing_is_copied(fake: FakeAws, tmp_path: Path) -> None:
    one = submission(args=config(mirror_image=True), image="python:3.12")
    async with site_at(tmp_path) as site, started(runner(), site) as made:
        assert isinstance(made, SageMakerRunner)
        shown = made.render(one)["AlgorithmSpecification"]
        assert shown["TrainingImage"] == "python:3.12"
        with pytest.raises(SubmitError, match="the agent has no registry there"):
            await made.prepare(one, RecordingOutput())
