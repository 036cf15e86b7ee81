"""From a launch with every choice made to a submission: code, image, and everything filled in."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import anyio

from launchkit.abc import Output, Runner
from launchkit.agent.kit import Kit
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import FetchError, SubmitError
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
from launchkit.images.file_overrides import override_files
from launchkit.model import BuildRequest, Claim, Image, Launch
from launchkit.private_files import make_folder
from launchkit.resolving.bind import AgentSide, Bound, bind
from launchkit.resolving.env_list import without_credentials
from launchkit.resolving.policy import check_filled

CLEANUP_SECONDS = 30.0


class WorkDirectory:
    """A directory for one launch's code, on the file system where runs live; made when it is
    needed.
    """

    def __init__(self, kit: Kit) -> None:
        self._site = kit.site
        self.path: Path | None = None
        """None: it was not needed yet."""

    def made(self) -> Path:
        """Where it is. :raises SubmitError: if it cannot be made."""
        folder = self._site.state_dir / "work"
        try:
            make_folder(folder)
            self.path = self.path or Path(mkdtemp(prefix=f"{self._site.agent}.", dir=folder))
        except OSError as exc:
            raise SubmitError(f"{folder}: cannot be written: {exc.strerror}") from exc
        return self.path


@asynccontextmanager
async def work_directory(kit: Kit) -> AsyncIterator[WorkDirectory]:
    """A directory that is removed at the end."""
    work = WorkDirectory(kit)
    try:
        yield work
    finally:
        if work.path is not None:
            with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
                await anyio.to_thread.run_sync(remove_tree, work.path)


def clear_work(state_dir: Path, agent: str) -> None:
    """Remove what an agent that died left half prepared."""
    for path in (state_dir / "work").glob("*"):
        if path.name.rpartition(".")[0] == agent:
            remove_tree(path)


async def fetch(launch: Launch, kit: Kit, work: WorkDirectory) -> Path:
    """The directory with the launch's code. :raises FetchError: if it cannot be had."""
    fetcher = kit.fetchers.get(launch.source.kind)
    if fetcher is None:
        raise FetchError(f"this agent has no fetcher for sources of kind {launch.source.kind}")
    code = work.made() / "code"
    code.mkdir()
    with kit.observer.step(launch.item_id, "fetch"):
        await fetcher.fetch(launch.source, code)
    return code


async def image_of(launch: Launch, code: Path, kit: Kit, out: Output) -> Image:
    """An image that is built from the code."""
    request = BuildRequest(
        launch=launch, code=code, destination=kit.destination, platform=kit.platform
    )
    with kit.observer.step(launch.item_id, "build"):
        return await kit.builder.build(request, out)


async def prepared(
    claim: Claim, launch: Launch, runner: Runner, kit: Kit, work: WorkDirectory, out: Output
) -> Bound:
    """The submission of *launch*, which *claim* was resolved to, and what there is to warn of.

    :raises LaunchError: if code or image cannot be had, or a rule objects to what is filled in.
    """
    image, code = await _delivered(launch, runner, kit, work, out)
    extra_env = {**kit.env(launch), **await kit.backend.run_env(claim)}
    bound = bind(
        launch,
        image=image,
        code=code,
        runner=type(runner),
        agent=AgentSide(
            policy=kit.policy,
            environ=without_credentials(os.environ, os.environ, kit.backend.credentials()),
            extra_env=extra_env,
        ),
        secrets=kit.queues.known(claim.queue),
    )
    check_filled(bound.submission, kit.policy, type(runner))
    return replace(bound, warnings=(*image.warnings, *bound.warnings)) if image else bound


async def _delivered(
    launch: Launch, runner: Runner, kit: Kit, work: WorkDirectory, out: Output
) -> tuple[Image | None, Path | None]:
    match _delivery(launch, runner, kit):
        case GivenImage(image):
            return Image(ref=image), None
        case CodeInBase(base_image):
            code = await fetch(launch, kit, work)
            await anyio.to_thread.run_sync(override_files, code, launch.files)
            return Image(ref=base_image), code
        case BuiltImage():
            code = await fetch(launch, kit, work)
            return await image_of(launch, code, kit, out), None
        case CodeAlone():
            return None, await fetch(launch, kit, work)


def check_can_be_had(launch: Launch, runner: Runner, kit: Kit) -> None:
    """:raises Rejected: if *runner* cannot run what is launched, or an image would be needed that
    nothing builds.
    """
    _delivery(launch, runner, kit)


def builds(launch: Launch, runner: Runner, kit: Kit) -> bool:
    """Whether an image has to be built for this launch, which can be had."""
    return isinstance(_delivery(launch, runner, kit), BuiltImage)


def _delivery(launch: Launch, runner: Runner, kit: Kit) -> Delivery:
    idle = f"the agent builds none (builder.type is {kit.builder.kind})"
    no_builder = None if kit.builder.builds else idle
    return delivery_of(Wanted.of(launch), Traits.of(runner), no_builder)
