"""What all builders do, with the smallest ones: one that knows a real registry alone, and one that
works in the store of a real Engine.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from docker_engine import Engine
from images.conftest import Make
from ports import free_port
from registry.conftest import Served
from waiting import PATIENCE

from launchkit.abc import Finding, MayNotRead, Output, Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import BuildError, Rejected
from launchkit.images.build_once import build_once
from launchkit.images.context import tar_chunks
from launchkit.images.maker import ImageMaker, PlannedBuild
from launchkit.store.backend import StoreBackend
from launchkit.testing import FakeImages, FakeRegistry, RecordingOutput, started

GOLDEN = "8398c7bab4cbc9257c49cad0b71fd37cab35c893"
"""The tag that the builder `docker` of version `docker-1` gives the code of `DOCKERFILE`."""
GOLDEN_GENERATED = "ef95239e164716e6a2c4b44b71729a04a9072226"
"""The tag with a generated Dockerfile on a known base image, for another platform."""


@dataclass
class Pusher(ImageMaker):
    """Pushes an image of nothing; it has no store of its own, and need not tell the digest."""

    served: Served
    tells: bool = True
    pushes: bool = True
    refused: bool = False
    """Whether the registry says that there is such a tag, which cannot be changed."""
    version: str = "pusher-1"
    build_args: dict[str, str] = field(default_factory=dict)
    made: list[PlannedBuild] = field(default_factory=list)

    async def make(self, build: PlannedBuild, out: Output) -> str | None:
        self.made.append(build)
        await out.say(f"building {build.target.ref}")
        digest = await run_sync(self.served.push, "lk/job", build.tag) if self.pushes else None
        if self.refused:
            raise BuildError(f"{build.target.ref}: the tag is immutable")
        return digest if self.tells else None


@dataclass
class EngineMaker(ImageMaker):
    """Builds in an Engine, and pushes nothing."""

    engine: Engine
    digests: dict[str, str] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    version: str = "docker-1"
    build_args: dict[str, str] = field(default_factory=lambda: {"WORD": "x"})
    made: list[PlannedBuild] = field(default_factory=list)

    async def make(self, build: PlannedBuild, out: Output) -> None:
        self.made.append(build)
        params = {
            "t": build.target.ref,
            "dockerfile": build.plan.dockerfile_name,
            "buildargs": json.dumps(build.build_args),
        }
        body = b"".join(tar_chunks(build.plan))
        await run_sync(lambda: self.engine.build(body, **params))

    async def warnings(self, request: object) -> tuple[str, ...]:
        return self.warned

    async def base_digest(self, ref: str, platform: str | None, out: Output) -> str | None:
        return self.digests.get(ref)

    async def store(self) -> str:
        return str(self.engine.http.get("/info").json()["ID"])

    async def present(self, ref: str) -> bool:
        return self.engine.has(ref)


@pytest.fixture
def engine_maker(docker_engine: Engine) -> Iterator[EngineMaker]:
    yield EngineMaker(docker_engine)
    for image in docker_engine.images("launchkit.invalid/golden:"):
        docker_engine.remove(image)


@pytest.fixture
async def pushing(site: Site, open_registry: Served) -> AsyncIterator[Site]:
    """A site with a registry, where images are looked for."""
    async with started(OciRegistry(uri=open_registry.uri), site) as registry:
        yield replace(site, registry=registry)


@pytest.fixture
def pusher(open_registry: Served) -> Pusher:
    return Pusher(open_registry)


@pytest.fixture
async def agents(pushing: Site, tmp_path: Path) -> AsyncIterator[list[Site]]:
    """Two agents of one queue, each with its own way to it."""
    async with AsyncExitStack() as stack:
        sites = []
        for name in ("one", "two"):
            backend = StoreBackend(url=f"sqlite:///{tmp_path}/launchkit.db", entity="e")
            await stack.enter_async_context(started(backend, pushing))
            sites.append(replace(pushing, agent=name, backend=backend))
        yield sites


async def test_an_image_that_exists_is_found_under_the_tag_that_it_always_had(
    engine_maker: EngineMaker, site: Site, make: Make, out: RecordingOutput
) -> None:
    image = await build_once(make(), site, out, engine_maker)
    assert (image.ref, image.digest) == (f"launchkit.invalid/golden:{GOLDEN}", None)
    again = EngineMaker(engine_maker.engine)
    assert await build_once(make(), site, out, again) == image
    assert again.made == []
    assert out.text == f"image {image.ref} is there already: nothing to build\n"


async def test_a_generated_dockerfile_has_the_tag_that_it_always_had(
    docker_engine: Engine, site: Site, make: Make, out: RecordingOutput
) -> None:
    maker = EngineMaker(docker_engine, {"python:3.11-slim": f"sha256:{'0' * 64}"})
    registry = FakeRegistry(name="r.io/x")
    registry.images.digests[f"r.io/x:{GOLDEN_GENERATED}"] = f"sha256:{'1' * 64}"
    request = make(None, platform="linux/arm64")
    image = await build_once(request, replace(site, registry=registry), out, maker)
    assert image.ref == f"r.io/x@sha256:{'1' * 64}"


@pytest.mark.parametrize("tells", [True, False])
async def test_what_is_pushed_is_run_by_its_digest_and_found_again(
    tells: bool, pusher: Pusher, pushing: Site, make: Make, out: RecordingOutput
) -> None:
    request = make(text=f"{tells}")
    image = await build_once(request, pushing, out, replace(pusher, tells=tells))
    assert image.digest
    assert image.ref == f"{pusher.served.uri}@{image.digest}"
    assert "building" in out.text
    out.text = ""
    again = replace(pusher, made=[])
    assert await build_once(request, pushing, out, again) == image
    assert again.made == []
    assert "nothing to build" in out.text


async def test_what_was_pushed_but_is_not_there_fails_the_build(
    pusher: Pusher, pushing: Site, make: Make, out: RecordingOutput
) -> None:
    broken = replace(pusher, pushes=False, tells=False)
    with pytest.raises(BuildError, match="was built, but the registry does not have it"):
        await build_once(make(text="lost"), pushing, out, broken)


async def test_an_image_that_was_pushed_meanwhile_is_taken_when_its_tag_cannot_be_changed(
    pusher: Pusher, pushing: Site, make: Make, out: RecordingOutput
) -> None:
    """Agents of other queues do not wait for each other."""
    image = await build_once(make(text="first"), pushing, out, replace(pusher, refused=True))
    assert image.ref == f"{pusher.served.uri}@{image.digest}"
    nothing = replace(pusher, refused=True, pushes=False)
    with pytest.raises(BuildError, match="the tag is immutable"):
        await build_once(make(text="not there"), pushing, out, nothing)


async def test_many_builds_of_one_image_by_two_agents_are_one(
    pusher: Pusher, agents: list[Site], make: Make, out: RecordingOutput
) -> None:
    request, images = make(text="shared"), []

    async def build(site: Site) -> None:
        images.append(await build_once(request, site, out, pusher))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for site in agents * 4:
                tasks.start_soon(build, site)
    assert len(pusher.made) == 1
    assert len({image.ref for image in images}) == 1
    assert out.text.count("nothing to build") == 7


async def test_a_builder_without_a_store_says_that_it_needs_a_place(
    pusher: Pusher, site: Site, make: Make, out: RecordingOutput
) -> None:
    with pytest.raises(BuildError, match="no place for the image") as caught:
        await build_once(make(), site, out, pusher)
    assert "set a registry" in (caught.value.hint or "")
    assert pusher.made == []


async def test_what_a_plan_and_a_builder_warn_of_is_told_and_kept(
    engine_maker: EngineMaker, site: Site, make: Make, out: RecordingOutput
) -> None:
    request = make()
    request = replace(request, launch=replace(request.launch, base_image="python:3"))
    image = await build_once(request, site, out, replace(engine_maker, warned=("slow",)))
    assert image.warnings == ("Dockerfile.launchkit is used, so base_image is not", "slow")
    for warning in image.warnings:
        assert f"warning: {warning}\n" in out.text


BASES = [
    ("lk/job:v1", []),
    (f"lk/job@sha256:{'0' * 64}", []),
    ("lk/job:none", ["{} is known by its name alone"]),
]


@pytest.mark.parametrize(("base", "warned"), BASES)
async def test_a_builder_without_an_engine_knows_base_images_by_what_the_registry_tells(
    base: str, warned: list[str], pusher: Pusher, pushing: Site, make: Make
) -> None:
    base = f"{pusher.served.host}/{base}"
    request = make(f"FROM {base}\n", text=base)
    image = await build_once(request, pushing, RecordingOutput(), pusher)
    assert [text.partition(",")[0] for text in image.warnings] == [
        text.format(base) for text in warned
    ]


async def test_a_base_image_that_changed_gives_another_tag(
    pusher: Pusher, site: Site, make: Make, out: RecordingOutput
) -> None:
    images = FakeImages()
    site = replace(site, registry=FakeRegistry(name=pusher.served.uri, images=images))
    for digest in ("1", "2"):
        images.digests["python:3"] = f"sha256:{digest * 64}"
        with pytest.raises(BuildError, match="does not have it"):
            await build_once(make("FROM python:3\n"), site, out, replace(pusher, tells=False))
    one, other = pusher.made
    assert one.tag != other.tag


async def test_a_registry_that_does_not_answer_fails_the_build_with_its_name(
    pusher: Pusher, site: Site, make: Make, out: RecordingOutput
) -> None:
    host = f"127.0.0.1:{free_port()}"
    async with started(OciRegistry(uri=f"{host}/x"), site) as registry:
        with pytest.raises(BuildError, match=f"registry {host}: cannot be reached"):
            await build_once(make(), replace(site, registry=registry), out, pusher)
    assert pusher.made == []


async def test_a_digest_that_is_none_fails_the_build(
    pusher: Pusher, site: Site, make: Make, out: RecordingOutput
) -> None:
    registry = FakeRegistry(name=pusher.served.uri)
    digests: dict[str, Any] = registry.images.digests
    site = replace(site, registry=registry)
    await build_once(make(), site, out, pusher)
    digests[pusher.made[0].target.ref] = "latest\r\nX: y"
    with pytest.raises(BuildError, match=r"the digest of .* is none: 'latest"):
        await build_once(make(), site, out, pusher)


async def test_a_rule_that_says_no_stays_one(
    pusher: Pusher, pushing: Site, make: Make, out: RecordingOutput
) -> None:
    request = make()
    request = replace(request, launch=replace(request.launch, dockerfile="none"))
    with pytest.raises(Rejected, match="dockerfile: none"):
        await build_once(request, pushing, out, pusher)


async def test_a_failed_build_lets_the_next_one_try(
    pusher: Pusher, agents: list[Site], make: Make, out: RecordingOutput
) -> None:
    request = make(text="twice")
    with pytest.raises(BuildError):
        await build_once(request, agents[0], out, replace(pusher, pushes=False, tells=False))
    with anyio.fail_after(PATIENCE):
        assert (await build_once(request, agents[1], out, pusher)).digest


@dataclass(kw_only=True)
class Closed(FakeRegistry):
    """Lets nobody see what is in it until something is."""

    findings: tuple[Finding, ...] = ()

    async def exists(self, ref: str) -> bool:
        if not self.images.digests:
            raise MayNotRead("registry r.io: does not say whether it has it (HTTP 403)")
        return await super().exists(ref)

    async def check(self) -> tuple[Finding, ...]:
        return self.findings


@pytest.mark.reported("F8a")
async def test_a_registry_that_hides_what_is_not_there_yet_is_pushed_to(
    engine_maker: EngineMaker, site: Site, make: Make, out: RecordingOutput
) -> None:
    registry = Closed(name="r.io/x")

    async def pushed(build: PlannedBuild, _: Output) -> str:
        digest = registry.images.digests[build.target.ref] = f"sha256:{'1' * 64}"
        return digest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_maker, "make", pushed)
        image = await build_once(make(), replace(site, registry=registry), out, engine_maker)
    assert image.ref == f"r.io/x@sha256:{'1' * 64}"


async def test_nothing_is_built_for_a_registry_that_would_refuse_it(
    engine_maker: EngineMaker, site: Site, make: Make, out: RecordingOutput
) -> None:
    refusal = Finding(level="error", subject="registry r.io", message="may not push to x")
    registry = Closed(name="r.io/x", findings=(refusal,))
    with pytest.raises(BuildError, match="may not push to x"):
        await build_once(make(), replace(site, registry=registry), out, engine_maker)
    assert engine_maker.made == []
