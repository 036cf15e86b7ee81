"""From a launch with every choice made to a submission: code, image, and everything filled in."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

import anyio

from launchkit.abc import Output, Runner
from launchkit.agent.kit import Kit
from launchkit.errors import SubmitError
from launchkit.model import BuildRequest, Image, ImageSource, Launch
from launchkit.steps.bind import Bound, bind
from launchkit.steps.suit import check_suits

CLEANUP_SECONDS = 30.0


@asynccontextmanager
async def work_directory(kit: Kit) -> AsyncIterator[Path]:
    """A directory for one launch's code, on the file system where runs live; removed at the end."""
    folder = kit.site.state_dir / "work"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(mkdtemp(dir=folder))
    except OSError as exc:
        raise SubmitError(f"{folder}: cannot be written: {exc.strerror}") from exc
    try:
        yield path
    finally:
        with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
            await anyio.to_thread.run_sync(shutil.rmtree, path, True)


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

    :raises LaunchError: if a rule objects, or code or image cannot be had.
    """
    check_suits(runner, launch.source, (*launch.entry_point, *launch.args))
    image = code = None
    if runner.needs_image and isinstance(launch.source, ImageSource):
        image = Image(ref=launch.source.image)
    else:
        code = await fetch(launch, kit, work)
    base = mounted_on(launch, runner, kit)
    if base:
        image = Image(ref=base)
    elif runner.needs_image and code is not None:
        image = await image_of(launch, code, kit, out)
        code = None
    return bind(
        launch,
        image=image,
        code=code,
        policy=kit.policy,
        environ=os.environ,
        extra_env=kit.env(launch),
    )


def builds(launch: Launch, runner: Runner, kit: Kit) -> bool:
    """Whether an image has to be built for this launch."""
    has_image = isinstance(launch.source, ImageSource) or mounted_on(launch, runner, kit)
    return runner.needs_image and not has_image


def mounted_on(launch: Launch, runner: Runner, kit: Kit) -> str | None:
    """The image that the launch's code is laid into as it is, where nothing builds images."""
    if kit.builder.builds or not runner.mounts_code or isinstance(launch.source, ImageSource):
        return None
    base = launch.base_image or launch.builder_args.get("base_image")
    return str(base) if base else None
