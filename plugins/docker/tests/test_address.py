"""Which Engine is meant, by what users set for the CLI of Docker."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from docker_engine import SOCKET, Engine
from encrypted_key import SAID, with_pass_phrase
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.address import engine_address
from launchkit_docker.engine.client import EngineAway, open_client
from launchkit_docker.engine.ping import answers
from launchkit_docker.runner import ContainerRunner
from saying import CRUMBS, saying

from launchkit.errors import ConfigError
from launchkit.testing import site_at, started


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "CONTEXT", "CONFIG", "TLS", "TLS_VERIFY", "CERT_PATH"):
        monkeypatch.delenv(f"DOCKER_{name}", raising=False)


def write_context(
    folder: Path, name: str, endpoint: Mapping[str, Any], *, current: bool = False
) -> Path:
    """A context as `docker context create` writes it; gives the folder for its TLS files."""
    known_as = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts/meta" / known_as
    meta.mkdir(parents=True)
    text = json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
    (meta / "meta.json").write_text(text)
    if current:
        (folder / "config.json").write_text(json.dumps({"currentContext": name}))
    return folder / "contexts/tls" / known_as / "docker"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("", "unix:///var/run/docker.sock"),
        ("unix:///run/other.sock", "unix:///run/other.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("tcp://gpu-box", "http://gpu-box:2375"),
        ("tcp://gpu-box:1/engine/", "http://gpu-box:1/engine"),
        ("tcp://", "http://127.0.0.1:2375"),
        ("gpu-box:23750", "http://gpu-box:23750"),
        (":23750", "http://127.0.0.1:23750"),
        ("tcp://[::1]:23750", "http://[::1]:23750"),
        ("https://gpu-box", "https://gpu-box:2376"),
    ],
)
def test_each_form_of_an_address_is_read_as_the_cli_reads_it(said: str, url: str) -> None:
    address = engine_address({"DOCKER_HOST": said})
    assert (address.url, address.is_local) == (url, url.startswith("unix"))


@pytest.mark.parametrize(
    ("environ", "verified"),
    [({"DOCKER_TLS_VERIFY": "yes"}, True), ({"DOCKER_TLS": "1"}, False)],
)
def test_tls_is_spoken_where_it_is_asked_for(environ: Mapping[str, str], verified: bool) -> None:
    address = engine_address({"DOCKER_HOST": "tcp://box", "DOCKER_CERT_PATH": "/pki", **environ})
    assert address.url == "https://box:2376"
    assert address.tls
    assert (address.tls.folder, address.tls.verified) == (Path("/pki"), verified)


@pytest.mark.reported("F23")
@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ssh://me@gpu-box", "ssh -nNT -L"),
        ("fd://", "say unix:///var/run/docker.sock"),
        ("npipe:////./pipe/docker_engine", "Windows"),
        ("ftp://gpu-box", "tcp://gpu-box:2376"),
    ],
)
async def test_a_form_that_cannot_work_is_refused_at_the_start_with_advice(
    said: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", said)
    assert not await answers()
    async with site_at(tmp_path) as site:
        for component in (ContainerRunner(), DockerBuilder()):
            with pytest.raises(ConfigError, match="DOCKER_HOST") as caught:
                async with started(component, site):
                    pass
            assert hint in str(caught.value.hint)


def test_the_current_context_is_asked_unless_the_environment_names_another(tmp_path: Path) -> None:
    write_context(tmp_path, "box", {"Host": "tcp://box:1"}, current=True)
    write_context(tmp_path, "other", {"Host": "unix:///run/other.sock"})
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert engine_address(environ).url == "http://box:1"
    assert engine_address(environ | {"DOCKER_CONTEXT": "other"}).path == "/run/other.sock"
    assert engine_address(environ | {"DOCKER_CONTEXT": "default"}).path == SOCKET
    host = {"DOCKER_HOST": "tcp://third", "DOCKER_CONTEXT": "other"}
    assert engine_address(environ | host).host == "third"


def test_a_context_brings_its_tls(tmp_path: Path) -> None:
    endpoint = {"Host": "tcp://box:1", "SkipTLSVerify": True}
    files = write_context(tmp_path, "box", endpoint, current=True)
    files.mkdir(parents=True)
    address = engine_address({"DOCKER_CONFIG": str(tmp_path)})
    assert address.url == "https://box:1"
    assert address.tls
    assert (address.tls.folder, address.tls.verified) == (files, False)


@pytest.mark.parametrize(
    ("config", "meta", "message"),
    [
        ("{", None, "config.json: is not JSON"),
        ('{"currentContext": "box"}', None, "docker context 'box': cannot be read"),
        ('{"currentContext": "box"}', "[]", "docker context 'box': names no Docker Engine"),
        ('{"currentContext": "box"}', '{"Endpoints": {}}', "names no Docker Engine"),
    ],
)
def test_a_context_that_cannot_be_used_is_named(
    config: str, meta: str | None, message: str, tmp_path: Path
) -> None:
    write_context(tmp_path, "box", {})
    if meta is not None:
        next(tmp_path.rglob("meta.json")).write_text(meta)
    else:
        next(tmp_path.rglob("meta.json")).unlink()
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ConfigError, match=message):
        engine_address({"DOCKER_CONFIG": str(tmp_path)})


def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    environ = {"DOCKER_HOST": "tcp://b", "DOCKER_TLS": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    tls = engine_address(environ).tls
    assert tls
    with pytest.raises(ConfigError, match=str(tmp_path)):
        tls.context()
    (tmp_path / "ca.pem").unlink()
    with_pass_phrase(tmp_path)
    with pytest.raises(ConfigError, match=SAID):
        tls.context()


async def test_runner_and_detection_ask_the_engine_of_the_context(
    docker_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert docker_engine.answers()
    (tmp_path / "s").symlink_to(SOCKET)
    write_context(tmp_path, "box", {"Host": f"unix://{tmp_path}/s"}, current=True)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert await answers()
    async with open_client() as engine:
        assert (await engine.info())["ID"] == docker_engine.http.get("/info").json()["ID"]
    (tmp_path / "s").unlink()
    assert not await answers()


async def test_a_path_before_those_of_the_engine_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def answer(client: ByteStream) -> None:
        async with client:
            asked.append((await client.receive()).split(b" ")[1])
            await client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        port = listener.extra(SocketAttribute.local_port)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}/engine/")
        tasks.start_soon(listener.serve, answer)
        assert await answers()
        async with open_client() as engine:
            engine.docker.api_version = "v1.44"
            await engine.info()
        tasks.cancel_scope.cancel()
    assert asked == [b"/engine/_ping", b"/engine/v1.44/info"]


async def test_who_begins_tls_in_very_many_records_in_place_of_an_engine_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_TLS", "1")
    async with saying(CRUMBS) as place:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{place}")
        async with open_client() as engine:
            with pytest.raises(EngineAway, match="too many TLS records"):
                await engine.info()


def test_the_key_that_an_engine_is_shown_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ContainerRunner().secret_files() == {}
    monkeypatch.setenv("DOCKER_HOST", "tcp://gpu-box")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    assert [*ContainerRunner().secret_files()] == [Path("/certificates/key.pem")]
    assert [*DockerBuilder().secret_files()] == [Path("/certificates/key.pem")]
