"""What an image holds of what its builder proves itself with, on a real Engine: nothing."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineClient

from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.model import Secret
from launchkit.testing import RecordingOutput, registry_server
from launchkit.testing.makers import started

from ..workshop import Make
from .conftest import skip_without_buildkit

REGISTRY, TOKEN, GIT = b"hush-registry", b"hush-token", b"hush-git"
LAYER = 'ARG LAUNCHKIT_TOKEN\nRUN ["/bin/busybox", "sh", "-c", "env > /env"]\nCOPY . /code\n'


@pytest.fixture(params=[False, True], ids=["classic", "buildkit"])
def buildkit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def contents(tar: bytes) -> Iterator[tuple[str, bytes]]:
    """All files of a saved image, those of its layers and what is said of it."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        for entry in opened:
            if not (file := opened.extractfile(entry) if entry.isreg() else None):
                continue
            data = file.read()
            if data[257:262] == b"ustar" or data[:2] == b"\x1f\x8b":
                yield from contents(data)
            else:
                yield entry.name, data


@pytest.fixture
def agent_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's own token, and a login in git's file."""
    monkeypatch.setenv("LAUNCHKIT_TOKEN", TOKEN.decode())
    Path("~/.git-credentials").expanduser().write_text(f"https://u:{GIT.decode()}@example.com\n")


@pytest.mark.usefixtures("agent_secrets", "build_cache")
async def test_no_secret_of_the_agent_the_registry_or_git_is_in_an_image(
    client: EngineClient,
    buildkit: bool,
    site: Site,
    make: Make,
    tmp_path: Path,
    docker_engine: Engine,
) -> None:
    if buildkit:
        await skip_without_buildkit(client)
    request, out = make(LAYER, destination=None), RecordingOutput()
    (request.code / ".git").mkdir()
    (request.code / ".git" / "config").write_text(f"[http]\nextraHeader = {GIT.decode()}\n")
    login = ("alice", REGISTRY.decode())
    with registry_server(tmp_path / "registry", login=login) as server:
        uri = f"{server.host}/{request.launch.source.name}/job"
        place = OciRegistry(uri=uri, username=login[0], password=Secret(login[1]))
        async with (
            started(place, site),
            started(DockerBuilder(buildkit=buildkit), replace(site, registry=place)) as builder,
        ):
            image = await builder.build(request, out)
    saved = docker_engine.http.get("/images/get", params={"names": image.ref})
    history = docker_engine.http.get(f"/images/{image.ref}/history")
    found = dict(contents(saved.raise_for_status().content))
    assert b"PATH=" in found["env"]
    assert found["code/word"]
    said = (*found.values(), history.raise_for_status().content, out.text.encode())
    assert not [name for name in found if ".git" in name]
    assert not [secret for secret in (REGISTRY, TOKEN, GIT) if any(secret in one for one in said)]
