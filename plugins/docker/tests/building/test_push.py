"""Pushing to a real registry, and to none."""

from pathlib import Path

import aiodocker
import anyio
import anyio.abc
import pytest
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineClient
from launchkit_docker.images.push import PushLog, push

from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import BuildError
from launchkit.testing import FakeRegistry, RecordingOutput, RegistryServer, registry_server
from launchkit.testing.makers import started

from ..workshop import Make

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
async def image(builder: DockerBuilder, make: Make) -> str:
    return (await builder.build(make(), RecordingOutput())).ref


async def named(engine: aiodocker.Docker, image: str, repository: str) -> str:
    await engine.images.tag(image, repository, tag="1")
    return f"{repository}:1"


async def test_a_push_without_login_gives_the_digest_and_says_what_it_does(
    client: EngineClient, image: str, word: str, host: str, out: RecordingOutput
) -> None:
    ref = await named(client.docker, image, f"{host}/{word}/job")
    digest = await push(client, ref, None, out)
    assert RegistryServer(host=host).digest(ref) == digest
    assert ": Pushed\n" in out.text


async def test_a_push_logs_in(
    client: EngineClient, image: str, word: str, tmp_path: Path, out: RecordingOutput
) -> None:
    login = ("fake", "fake-password")
    with registry_server(tmp_path / "registry", login=login) as server:
        host = server.host
        ref = await named(client.docker, image, f"{host}/{word}/job")
        digest = await push(client, ref, FakeRegistry(name=f"{host}/{word}/job"), out)
        assert server.digest(ref) == digest
    assert login[1] not in out.text


@pytest.mark.parametrize("logs_in", [True, False])
async def test_a_refused_push_says_so_without_the_password(
    client: EngineClient, image: str, word: str, tmp_path: Path, out: RecordingOutput, logs_in: bool
) -> None:
    with registry_server(tmp_path / "registry", login=("alice", "other")) as server:
        host = server.host
        ref = await named(client.docker, image, f"{host}/{word}/job")
        registry = FakeRegistry(name=f"{host}/{word}/job") if logs_in else None
        with pytest.raises(
            BuildError, match=f"{ref} was built but could not be pushed: "
        ) as caught:
            await push(client, ref, registry, out)
    assert "fake-password" not in caught.value.message + out.text


async def test_a_push_that_does_not_end_is_given_up(
    client: EngineClient, image: str, word: str, out: RecordingOutput
) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as silent:
        port = silent.extra(anyio.abc.SocketAttribute.local_port)
        ref = await named(client.docker, image, f"127.0.0.1:{port}/{word}")
        with pytest.raises(BuildError, match=r"did not end within 0\.5 s"):
            await push(client, ref, None, out, seconds=0.5)


async def test_a_registry_that_would_refuse_is_found_out_before_the_push(
    client: EngineClient, image: str, word: str, tmp_path: Path, out: RecordingOutput, site: Site
) -> None:
    with registry_server(tmp_path / "registry", login=("alice", "s3cret")) as server:
        host = server.host
        registry = OciRegistry(uri=f"{host}/{word}/job", username="alice", password="wr0ng")
        ref = await named(client.docker, image, f"{host}/{word}/job")
        async with started(registry, site):
            with pytest.raises(BuildError, match="login is not accepted") as caught:
                await push(client, ref, registry, out)
    assert "wr0ng" not in caught.value.message
    assert out.text == ""


@pytest.mark.parametrize(
    "last",
    [
        {"aux": {"Tag": "1", "Digest": DIGEST, "Size": 528}},
        {"status": f"1: digest: {DIGEST} size: 528"},
        {"id": "1", "status": f"digest: {DIGEST} size: 528"},
    ],
    ids=["its own store", "containerd's", "containerd's, apart"],
)
def test_the_digest_is_told_in_the_way_of_either_image_store(last: dict[str, object]) -> None:
    log = PushLog("r.io/x:1")
    log.take({"id": "1", "status": "Pushed"})
    assert log.digest is None
    log.take(last)
    assert log.digest == DIGEST


async def test_an_engine_that_tells_no_digest_knows_what_it_has_pushed(
    client: EngineClient, image: str, word: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PushLog, "take", lambda *_: b"")
    ref = await named(client.docker, image, f"{host}/{word}/job")
    digest = await push(client, ref, None, RecordingOutput())
    assert RegistryServer(host=host).digest(ref) == digest
