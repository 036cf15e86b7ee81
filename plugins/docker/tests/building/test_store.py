"""Where images go, and what they are called."""

import pytest
from launchkit_docker.images.registry import LocalRegistry
from launchkit_docker.images.store import content_of, host_of, local_repository, repository_of
from launchkit_docker.images.target import target_of

from launchkit.abc import Registry
from launchkit.model import ArchiveSource, BuildRequest, GitSource, Launch, Source
from launchkit.testing import FakeRegistry, make_launch

HERE = FakeRegistry(name="r.io/team/images")


def launch_of(source: Source, job: str | None = None) -> Launch:
    return make_launch(source=source, job=job)


@pytest.mark.parametrize(
    ("registry", "destination", "ref", "pushed", "asked"),
    [
        (None, None, "launchkit/code:t", False, False),
        (None, "r.io/x/y", "r.io/x/y:t", True, False),
        (HERE, None, "r.io/team/images:t", True, True),
        (HERE, "r.io/x/y", "r.io/x/y:t", True, True),
        (HERE, "elsewhere.io/x/y", "elsewhere.io/x/y:t", True, False),
        (LocalRegistry(uri="mine"), None, "mine:t", False, False),
        (LocalRegistry(uri="mine"), "x/y", "x/y:t", False, False),
    ],
)
def test_where_an_image_goes(
    registry: Registry | None, destination: str | None, ref: str, pushed: bool, asked: bool
) -> None:
    launch = launch_of(GitSource(remote="https://example.com/code"))
    request = BuildRequest(launch=launch, code=None, destination=destination)  # type: ignore[arg-type] # not read
    target = target_of(request, registry, "t")
    assert (target.ref, target.pushed) == (ref, pushed)
    assert target.registry is (registry if asked else None)


@pytest.mark.parametrize(
    ("launch", "name"),
    [
        (launch_of(GitSource(remote="https://example.com/a/Train_It.git")), "launchkit/train-it"),
        (launch_of(GitSource(remote="git@example.com:a/train.git/")), "launchkit/train"),
        (launch_of(ArchiveSource(digest="d", size=1, name="My Code!")), "launchkit/my-code"),
        (launch_of(ArchiveSource(digest="d", size=1, name="__")), "launchkit/code"),
        (launch_of(GitSource(remote="https://x.com/y"), "big.job:v3"), "launchkit/big-job"),
    ],
)
def test_a_local_image_is_named_after_the_job_or_its_source(launch: Launch, name: str) -> None:
    assert local_repository(launch) == name


@pytest.mark.parametrize(
    ("ref", "repository", "host"),
    [
        ("python", "python", "docker.io"),
        ("me/app:1", "me/app", "docker.io"),
        ("localhost:5000/x", "localhost:5000/x", "localhost:5000"),
        ("localhost/x:1", "localhost/x", "localhost"),
        ("r.io/a/b:1@sha256:00", "r.io/a/b", "r.io"),
        ("index.docker.io/a/b:1", "index.docker.io/a/b", "docker.io"),
    ],
)
def test_the_parts_of_a_reference(ref: str, repository: str, host: str) -> None:
    assert (repository_of(ref), host_of(ref)) == (repository, host)


@pytest.mark.parametrize(
    ("pushed", "digest"),
    [
        ([], "sha256:own"),
        (["mirror.io/python@sha256:m", "python@sha256:p"], "sha256:p"),
        (["mirror.io/python@sha256:m"], "sha256:m"),
    ],
)
def test_a_base_image_is_known_by_the_digest_that_all_machines_see(
    pushed: list[str], digest: str
) -> None:
    assert content_of({"Id": "sha256:own", "RepoDigests": pushed}, "python:3.11") == digest
