"""What the Engine's own store has, and what of it others see."""

from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.images.registry import LocalRegistry
from launchkit_docker.images.store import content_of

from launchkit.images.target import target_of
from launchkit.model import BuildRequest
from launchkit.testing import RecordingOutput, make_launch

from ..pulled import load
from ..workshop import Make

HERE, THERE = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.mark.parametrize("destination", [None, "mine"])
def test_what_goes_to_the_engines_own_store_is_not_pushed(destination: str | None) -> None:
    request = BuildRequest(launch=make_launch(), code=Path(), destination=destination)
    target = target_of(request, LocalRegistry(uri="mine"), "t")
    assert (target.ref, target.pushed) == ("launchkit.invalid/mine:t", False)


@pytest.mark.parametrize(
    ("ref", "pushed", "digest"),
    [
        ("python:3.11", [], "sha256:own"),
        ("python:3.11", [f"mirror.io/python@{THERE}", f"python@{HERE}"], HERE),
        ("python:3.11", [f"mirror.io/python@{THERE}"], "sha256:own"),
        ("localhost:5000/x", [f"a.io:0000000443/x@{THERE}", f"localhost:5000/x@{HERE}"], HERE),
        ("docker.io/python", [f"a.io/python@{THERE}", f"python@{HERE}"], HERE),
        ("localhost:5000/x", [f"a.io/x@{THERE}", f"localhost:5000/x@{HERE}"], HERE),
    ],
)
def test_a_base_image_is_known_by_the_digest_that_all_machines_see(
    ref: str, pushed: list[str], digest: str
) -> None:
    assert content_of({"Id": "sha256:own", "RepoDigests": pushed}, ref) == digest


async def test_a_name_that_launchkit_does_not_know_ends_no_build_on_what_others_call_so(
    builder: DockerBuilder, make: Make, host: str, word: str, docker_engine: Engine
) -> None:
    base = (await builder.build(make(destination=f"{host}/{word}/base"), RecordingOutput())).ref
    first = await builder.build(make(f"FROM {base}\n"), RecordingOutput())
    name, _, port = host.rpartition(":")
    other = base.replace(host, f"{name}:{port:0>9}")
    docker_engine.http.post("/images/create", params={"fromImage": other}).raise_for_status()
    try:
        assert docker_engine.has(other)
        assert await builder.build(make(f"FROM {base}\n"), RecordingOutput()) == first
    finally:
        docker_engine.remove(other)


async def test_no_image_of_docker_hub_passes_for_one_that_was_built_here(
    builder: DockerBuilder, make: Make, out: RecordingOutput, docker_engine: Engine
) -> None:
    built = (await builder.build(make(), RecordingOutput())).ref
    docker_engine.remove(built)
    name = built.rpartition("/")[2]
    for other in (name, f"launchkit/{name}"):
        load(docker_engine, other, "amd64")
    assert (await builder.build(make(), out)).ref == built
    assert f"building image {built}\n" in out.text
