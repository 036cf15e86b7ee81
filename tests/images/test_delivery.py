"""How what is launched reaches a runner: each source, runner and builder."""

from typing import ClassVar

import pytest

from launchkit.errors import Rejected
from launchkit.images.delivery import (
    BuiltImage,
    CodeAlone,
    CodeInBase,
    Delivery,
    GivenImage,
    Traits,
    Wanted,
    delivery_of,
)
from launchkit.model import ArchiveSource, GitSource, ImageSource, LaunchSpec, QueueSpec, Recipe
from launchkit.resolving.resolve import validate_launch
from launchkit.testing import FakeRunner, make_launch

GIT = GitSource(remote="https://example.com/code", commit="a" * 40)
ARCHIVE = ArchiveSource(digest="d", size=1, name="code")
IMAGE = ImageSource(image="busybox")
COMMAND = ("python", "train.py")

PROCESS = Traits(kind="process", needs_image=False, mounts_code=False)
CLUSTER = Traits(kind="cluster", needs_image=True, mounts_code=False)
CONTAINER = Traits(kind="container", needs_image=True, mounts_code=True)
IDLE = "the agent builds none"


@pytest.mark.parametrize("base", [None, "python:3"])
@pytest.mark.parametrize("no_builder", [None, IDLE])
@pytest.mark.parametrize("source", [GIT, ARCHIVE])
def test_a_runner_of_code_gets_the_code_alone_whatever_builds(
    source: GitSource | ArchiveSource, no_builder: str | None, base: str | None
) -> None:
    wanted = Wanted(source=source, command=COMMAND, base_image=base)
    assert delivery_of(wanted, PROCESS, no_builder) == CodeAlone()


@pytest.mark.parametrize(
    ("wanted", "runner", "no_builder", "delivery"),
    [
        (Wanted(source=IMAGE, command=()), CLUSTER, None, GivenImage("busybox")),
        (Wanted(source=IMAGE, command=()), CONTAINER, IDLE, GivenImage("busybox")),
        (Wanted(source=GIT, command=()), CLUSTER, None, BuiltImage()),
        (Wanted(source=ARCHIVE, command=COMMAND), CONTAINER, None, BuiltImage()),
        (Wanted(source=GIT, command=(), base_image="py:3"), CONTAINER, None, BuiltImage()),
        (Wanted(source=GIT, command=(), base_image=3), CONTAINER, None, BuiltImage()),
        (Wanted(source=GIT, command=(), base_image="py:3"), CONTAINER, IDLE, CodeInBase("py:3")),
    ],
)
def test_a_runner_of_images_gets_the_given_one_or_one_with_the_code(
    wanted: Wanted, runner: Traits, no_builder: str | None, delivery: Delivery
) -> None:
    assert delivery_of(wanted, runner, no_builder) == delivery


CODE = Wanted(source=GIT, command=COMMAND)
BASED = Wanted(source=GIT, command=COMMAND, base_image="py:3")
NEEDS = f"needs an image of this code, and {IDLE}"


@pytest.mark.parametrize(
    ("wanted", "runner", "message", "hint"),
    [
        (
            Wanted(source=IMAGE, command=COMMAND),
            PROCESS,
            "cannot run the image busybox",
            "image job",
        ),
        (Wanted(source=GIT, command=()), PROCESS, "there is no entry point", "give one with -E"),
        (CODE, CLUSTER, f"runner cluster {NEEDS}", "name an image that has the code; or give"),
        (BASED, CLUSTER, f"runner cluster {NEEDS}", "name an image that has the code; or give"),
        (CODE, CONTAINER, f"runner container {NEEDS}", "name a base_image for the code to be laid"),
        (
            Wanted(source=GIT, command=COMMAND, base_image=3),
            CONTAINER,
            "builder.base_image: must be the name of an image, not 3",
            "",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_to_do(
    wanted: Wanted, runner: Traits, message: str, hint: str
) -> None:
    with pytest.raises(Rejected) as caught:
        delivery_of(wanted, runner, IDLE)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("own", "queue", "base"),
    [
        (None, {}, None),
        ("py:3", {"base_image": "q:1"}, "py:3"),
        (None, {"base_image": "q:1"}, "q:1"),
    ],
)
def test_a_launch_wants_the_same_before_it_is_queued_and_when_it_is_claimed(
    own: str | None, queue: dict[str, str], base: str | None
) -> None:
    recipe = Recipe(source=GIT, entry_point=("python",), args=("a.py",), base_image=own)
    choices = validate_launch(
        QueueSpec(name="q", resource="r", config={"builder": queue}), LaunchSpec(recipe=recipe)
    )
    launch = make_launch(
        source=GIT, entry_point=("python",), args=("a.py",), base_image=own, builder_args=queue
    )
    wanted = Wanted(source=GIT, command=("python", "a.py"), base_image=base)
    assert Wanted.asked(recipe, choices) == wanted == Wanted.of(launch)


class Laying(FakeRunner):
    kind: ClassVar[str] = "laying"
    mounts_code: ClassVar[bool] = True


def test_a_runner_tells_its_traits_before_it_is_made() -> None:
    traits = Traits(kind="laying", needs_image=True, mounts_code=True)
    assert Traits.of(Laying) == traits == Traits.of(Laying())
