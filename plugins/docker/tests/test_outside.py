"""An agent in a container, whose Engine knows its files by other paths."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import launchkit_docker.containers.outside
import pytest
from docker_engine import Engine
from launchkit_docker.containers.outside import Mount, Outside, own_id
from launchkit_docker.runner import ContainerRunner

from launchkit.errors import SubmitError
from launchkit.testing import end_of, site_at, started

from .workshop import Scripts, read

ID = "0123456789abcdef" * 4
LINE = "612 600 259:1 {root} {place} rw,relatime - ext4 /dev/root rw\n"
Contained = Callable[..., str]
"""Makes it look as if the agent were in a container with these mounts; gives the name of that."""


@pytest.mark.parametrize(
    ("root", "place", "found"),
    [
        (f"/var/lib/docker/containers/{ID}/hostname", "/etc/hostname", ID),
        (f"/containers/storage/overlay-containers/{ID}/userdata/hosts", "/etc/hosts", ID),
        (f"/var/lib/docker/containers/{ID}/mounts/shm", "/var/lib/docker/x", None),
        ("/", "/etc/hosts", None),
    ],
    ids=["Docker", "Podman", "a container seen by its host", "none"],
)
def test_an_agent_knows_whether_it_is_in_a_container(
    root: str, place: str, found: str | None
) -> None:
    other = LINE.format(root="/", place="/")
    assert own_id(other + LINE.format(root=root, place=place)) == found


def test_the_nearest_mount_counts() -> None:
    mounts = [
        Mount(inside=Path("/a"), outside=Path("/x")),
        Mount(inside=Path("/a/b"), outside=Path("/y")),
    ]
    place = Outside(container="agent", mounts=mounts)
    assert place.path(Path("/a/b/c")) == Path("/y/c")
    assert place.path(Path("/a/bc")) == Path("/x/bc")
    assert Outside().path(Path("/a")) == Path("/a")
    with pytest.raises(SubmitError, match="cannot see /b in it"):
        place.path(Path("/b"))


@pytest.fixture
def contained(
    docker_engine: Engine, busybox: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Contained]:
    name = f"launchkit-test-{uuid4().hex[:8]}"

    def contained(*binds: str) -> str:
        made = {"Image": busybox, "Cmd": ["true"], "HostConfig": {"Binds": [*binds]}}
        answer = docker_engine.http.post("/containers/create", params={"name": name}, json=made)
        root = f"/var/lib/docker/containers/{answer.json()['Id']}/hostname"
        (tmp_path / "mountinfo").write_text(LINE.format(root=root, place="/etc/hostname"))
        place = launchkit_docker.containers.outside
        monkeypatch.setattr(place, "MOUNTINFO", tmp_path / "mountinfo")
        return name

    yield contained
    docker_engine.http.delete(f"/containers/{name}", params={"force": True})


async def test_code_is_laid_in_by_the_path_that_the_engine_knows(
    contained: Contained, scripts: Scripts, tmp_path: Path
) -> None:
    # the agent's own view of its state_dir is not what the Engine's machine has there
    (tmp_path / "seen").symlink_to(tmp_path / "volume")
    (tmp_path / "volume").mkdir()
    name = contained(f"{tmp_path}/volume:{tmp_path}/seen")
    code = tmp_path / "code"
    code.mkdir()
    (code / "word").write_text("laid in")
    submission = replace(scripts("cat word"), code=code)
    async with site_at(tmp_path / "seen") as site, started(ContainerRunner(), site) as runner:
        run = await runner.submit(submission)
        assert await read(run) == b"laid in"
        assert (await end_of(run)).exit_code == 0
        seen = scripts.inspect(run.ref)
        assert seen
        (bind,) = seen["HostConfig"]["Binds"]
        assert bind.startswith(f"{tmp_path}/volume/")
        found = [one for one in await runner.check() if one.subject == "docker paths"]
        assert [(one.level, name in one.message) for one in found] == [("ok", True)]
        await run.aclose()


@pytest.mark.reported("F24")
async def test_code_that_the_engine_cannot_see_is_refused_with_advice(
    contained: Contained, scripts: Scripts, tmp_path: Path
) -> None:
    name = contained()
    code = tmp_path / "code"
    code.mkdir()
    async with site_at(tmp_path / "state") as site, started(ContainerRunner(), site) as runner:
        with pytest.raises(SubmitError, match=f"the agent runs in container {name}") as caught:
            await runner.submit(replace(scripts("cat word"), code=code))
        found = [one for one in await runner.check() if one.subject == "docker paths"]
        assert [one.level for one in found] == ["warning"]
    assert "docker run -v" in (caught.value.hint or "")
