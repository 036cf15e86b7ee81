"""From a launch with every choice made to a submission: code, image, and everything filled in."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import anyio

from launchkit.abc import Output, Runner
from launchkit.agent.kit import Kit
from launchkit.errors import SubmitError
from launchkit.model import BuildRequest, Image, ImageSource, Launch
from launchkit.steps.bind import AgentSide, Bound, bind
from launchkit.steps.suit import check_suits, needs_build, not_built

CLEANUP_SECONDS = 30.0


@asynccontextmanager
async def work_directory(kit: Kit) -> AsyncIterator[Path]:
    """A directory for one launch's code, on the file system where runs live; removed at the end."""
    folder = kit.site.state_dir / "work"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(mkdtemp(prefix=f"{kit.site.agent}.", dir=folder))
    except OSError as exc:
        raise SubmitError(f"{folder}: cannot be written: {exc.strerror}") from exc
    try:
        yield path
    finally:
        with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
            await anyio.to_thread.run_sync(shutil.rmtree, path, True)


def clear_work(state_dir: Path, agent: str) -> None:
    """Remove what an agent that died left half prepared."""
    for path in (state_dir / "work").glob("*"):
        if path.name.rpartition(".")[0] == agent:
            shutil.rmtree(path, ignore_errors=True)


async def fetch(launch: Launch, kit: Kit, work: Path) -> Path:
    """The directory with the launch's code. :raises FetchError: if it cannot be had."""
    code = work / "code"
    code.mkdir()
    with kit.observer.step(launch.item_id, "fetch"):
        await kit.fetchers[launch.source.kind].fetch(launch.source, code)
    return code


async def image_of(launch: Launch, code: Path, kit: Kit, out: Output) -> Image:
    """An image that is built from the code."""
    request = BuildRequest(
        launch=launch, code=code, destination=kit.destination, platform=kit.platform
    )
    with kit.observer.step(launch.item_id, "build"):
        return await kit.builder.build(request, out)


async def prepared(launch: Launch, runner: Runner, kit: Kit, work: Path, out: Output) -> Bound:
    """The submission of *launch*, and what there is to warn of.

    :raises LaunchError: if code or image cannot be had, or a rule objects to what is filled in.
    """
    image = code = None
    if runner.needs_image and isinstance(launch.source, ImageSource):
        image = Image(ref=launch.source.image)
    else:
        code = await fetch(launch, kit, work)
    if code and builds(launch, runner, kit):
        image = await image_of(launch, code, kit, out)
        code = None
    elif code and runner.needs_image:
        image = Image(ref=str(base_of(launch)))
    bound = bind(
        launch,
        image=image,
        code=code,
        runner=type(runner),
        agent=AgentSide(policy=kit.policy, environ=os.environ, extra_env=kit.env(launch)),
    )
    return replace(bound, warnings=(*image.warnings, *bound.warnings)) if image else bound


def check_can_be_had(launch: Launch, runner: Runner, kit: Kit) -> None:
    """:raises Rejected: if *runner* cannot run what is launched, or an image would be needed that
    nothing builds.
    """
    check_suits(type(runner), launch.source, (*launch.entry_point, *launch.args))
    if not kit.builder.builds and needs_build(type(runner), launch.source, base_of(launch)):
        raise not_built(type(runner), f"the agent builds none (builder.type is {kit.builder.kind})")


def builds(launch: Launch, runner: Runner, kit: Kit) -> bool:
    """Whether an image has to be built for this launch."""
    return kit.builder.builds and needs_build(type(runner), launch.source, None)


def base_of(launch: Launch) -> object:
    """The base image that the job or the queue names: code is laid into it where nothing builds."""
    return launch.base_image or launch.builder_args.get("base_image")
