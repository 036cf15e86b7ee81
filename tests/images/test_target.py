"""Where images go, and what they are called."""

from pathlib import Path
from typing import ClassVar

import pytest

from launchkit.abc import Registry
from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef
from launchkit.images.target import is_in, local_repository, target_of
from launchkit.model import ArchiveSource, BuildRequest, GitSource, Launch, Source
from launchkit.testing import FakeRegistry, make_launch


class Store(FakeRegistry):
    pushes: ClassVar[bool] = False


HERE = FakeRegistry(name="R.io/team/images")
HUB = FakeRegistry(name="team/images")
STORE = Store(name="mine")


def launch_of(source: Source, job: str | None = None) -> Launch:
    return make_launch(source=source, job=job)


def request_to(destination: str | None) -> BuildRequest:
    launch = launch_of(GitSource(remote="https://example.com/code"))
    return BuildRequest(launch=launch, code=Path("code"), destination=destination)


@pytest.mark.parametrize(
    ("registry", "destination", "ref", "pushed", "asked"),
    [
        (None, None, "launchkit.invalid/code:t", False, False),
        (None, "r.io/x/y", "r.io/x/y:t", True, False),
        (HERE, None, "R.io/team/images:t", True, True),
        (HERE, "r.io/x/y", "r.io/x/y:t", True, True),
        (HERE, "elsewhere.io/x/y", "elsewhere.io/x/y:t", True, False),
        (HERE, "r.io:5000/x/y", "r.io:5000/x/y:t", True, False),
        (HUB, None, "team/images:t", True, True),
        (HUB, "registry-1.docker.io/x/y", "registry-1.docker.io/x/y:t", True, True),
        (HUB, "host_1/x", "host_1/x:t", True, True),
        (STORE, None, "launchkit.invalid/mine:t", False, False),
        (STORE, "x/y", "launchkit.invalid/x/y:t", False, False),
        (STORE, "docker.io/x", "launchkit.invalid/x:t", False, False),
        (STORE, "r.io/x/y", "r.io/x/y:t", False, False),
    ],
)
def test_where_an_image_goes(
    registry: Registry | None, destination: str | None, ref: str, pushed: bool, asked: bool
) -> None:
    target = target_of(request_to(destination), registry, "t")
    assert (target.ref, target.pushed) == (ref, pushed)
    assert target.registry is (registry if asked else None)


@pytest.mark.parametrize(
    ("image", "registry", "theirs"),
    [
        ("r.io/base:1", HERE, True),
        ("r.io:5000/base:1", HERE, False),
        ("base", HERE, False),
        ("index.docker.io/alice/base", HUB, True),
        ("base", HUB, True),
    ],
)
def test_a_login_is_for_all_images_of_its_registry(
    image: str, registry: Registry, theirs: bool
) -> None:
    assert is_in(ImageRef.parse(image), registry) == theirs


def test_a_place_that_is_no_name_is_refused() -> None:
    with pytest.raises(Rejected, match=r"'r\.io/X:t' is not the name of an image"):
        target_of(request_to("r.io/X"), None, "t")


@pytest.mark.parametrize(
    ("launch", "name"),
    [
        (launch_of(GitSource(remote="https://example.com/a/Train_It.git")), "train-it"),
        (launch_of(GitSource(remote="https://s3cret@example.com")), "example-com"),
        (launch_of(GitSource(remote="git@example.com:a/train.git/")), "train"),
        (launch_of(ArchiveSource(digest="d", size=1, name="My Code!")), "my-code"),
        (launch_of(ArchiveSource(digest="d", size=1, name="__")), "code"),
        (launch_of(GitSource(remote="https://x.com/y"), "big.job:v3"), "big-job"),
    ],
)
def test_a_local_image_is_named_after_the_job_or_its_source(launch: Launch, name: str) -> None:
    assert local_repository(launch) == name
