"""The images of one agent at the Engine: planned, looked for, built and pushed."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from uuid import uuid4

from aiodocker import Docker
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Site
from launchkit.errors import BuildError
from launchkit.images.build_plan import BuildPlan, plan_build, with_cache_mounts
from launchkit.images.single_flight import single_flight
from launchkit.images.tag import image_tag
from launchkit.model import BuildRequest, Image
from launchkit_docker.build.buildkit_log import BuildKitLog
from launchkit_docker.build.call import BuildCall, Log, build
from launchkit_docker.build.log import BuildLog
from launchkit_docker.build.retry import FAILURES, BuildRetry, prefers_buildkit
from launchkit_docker.engine.client import as_build_errors, open_engine
from launchkit_docker.images.bases import Bases
from launchkit_docker.images.push import push
from launchkit_docker.images.store import find, repository_of
from launchkit_docker.images.target import Target, target_of

VERSION = "docker-1"
"""Part of each tag: to be raised when the same code would give another image."""


async def open_image_builds(
    stack: AsyncExitStack, site: Site, build_args: Mapping[str, str], buildkit: bool | None
) -> "ImageBuilds":
    """The yard of an Engine that need not answer yet."""
    engine = await stack.enter_async_context(open_engine())
    return ImageBuilds(engine, site, build_args, buildkit)


class ImageBuilds:
    """What the builder works with once the Engine is open."""

    def __init__(
        self, engine: Docker, site: Site, build_args: Mapping[str, str], wanted: bool | None
    ) -> None:
        self._engine = engine
        self._site = site
        self._build_args = build_args
        self._wanted = wanted
        """Whether to build with BuildKit; None: as the Engine prefers."""
        self._buildkit: bool | None = None
        """None: the Engine has not been asked yet."""
        self._bases = Bases(engine, site.registry)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        An Engine that is not there, or goes away meanwhile, is waited for.

        :raises BuildError: if it cannot be built or pushed.
        """
        with as_build_errors("build the image"):
            retry = BuildRetry(self._engine, out)
            await retry.begin()
            buildkit = await self._builds_with_buildkit()
            while True:
                log = BuildKitLog() if buildkit else BuildLog()
                try:
                    return await self._built(request, log, out)
                except FAILURES as exc:
                    if not await retry.go_on(exc, len(log.begun)):
                        raise

    async def findings(self) -> Sequence[Finding]:
        """Whether the Engine answers."""
        subject = "builder docker"
        try:
            with as_build_errors("ask the Docker Engine"):
                about = await self._engine.version()
                buildkit = await self._builds_with_buildkit()
        except BuildError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        engine = f"Docker Engine {about['Version']}{' and BuildKit' if buildkit else ''}"
        message = f"builds with {engine} for {about['Os']}/{about['Arch']}"
        return [Finding(level="ok", subject=subject, message=message)]

    async def _builds_with_buildkit(self) -> bool:
        """As the settings want, else as the Engine prefers; asked once, so that it is known to be
        there.
        """
        if self._buildkit is None:
            preferred = await prefers_buildkit(self._engine)
            self._buildkit = preferred if self._wanted is None else self._wanted
        return self._buildkit

    async def _built(self, request: BuildRequest, log: Log, out: Output) -> Image:
        call, target = await self._prepare(request, out)
        image = await self._present(target, out)
        if image is None:
            holder = f"{self._site.agent}/{request.launch.run_id}/{uuid4().hex}"
            name = await self._lock_name(target)
            async with single_flight(self._site.backend, name, holder):
                image = await self._present(target, out)
                image = image or await self._make(call, target, log, out)
        return replace(image, warnings=call.plan.warnings)

    async def _prepare(self, request: BuildRequest, out: Output) -> tuple[BuildCall, Target]:
        """What to build, and where its image is to be. Reads the whole code."""
        plan = await run_sync(plan_build, request.launch, request.code)
        emulation = await self._emulation(request.platform)
        plan = replace(plan, warnings=(*plan.warnings, *emulation))
        for warning in plan.warnings:
            await out(f"warning: {warning}\n".encode())
        bases = await self._bases.digests(plan.base_images, request.platform, out)
        tag = await run_sync(partial(self._tag, plan, bases, request.platform))
        target = target_of(request, self._site.registry, tag)
        call = BuildCall(
            plan=with_cache_mounts(plan) if self._buildkit else plan,
            ref=target.ref,
            platform=request.platform,
            build_args=self._build_args,
            buildkit=bool(self._buildkit),
        )
        return call, target

    def _tag(self, plan: BuildPlan, bases: Mapping[str, str], platform: str | None) -> str:
        return image_tag(
            plan,
            base_digests=bases,
            platform=platform,
            build_args=self._build_args,
            builder_version=VERSION,
        )

    async def _emulation(self, platform: str | None) -> Sequence[str]:
        if platform is None:
            return ()
        here = await self._engine.version()
        native = f"{here['Os']}/{here['Arch']}"
        if platform == native:
            return ()
        return (f"this machine is {native}: a build for {platform} is emulated, and slow",)

    async def _present(self, target: Target, out: Output) -> Image | None:
        """The image, if it is where it is to be."""
        if not target.pushed:
            image = Image(ref=target.ref) if await find(self._engine, target.ref) else None
        elif target.registry and await target.registry.exists(target.ref):
            image = _image(target.ref, await target.registry.digest(target.ref))
        else:
            image = None
        if image:
            await out.say(f"image {target.ref} is there already: nothing to build")
        return image

    async def _make(self, call: BuildCall, target: Target, log: Log, out: Output) -> Image:
        if await find(self._engine, target.ref) is None:
            await out.say(f"building image {target.ref}")
            await build(self._engine, call, log, out)
        if not target.pushed:
            return Image(ref=target.ref)
        await out.say(f"pushing image {target.ref}")
        return _image(target.ref, await push(self._engine, target.ref, target.registry, out))

    async def _lock_name(self, target: Target) -> str:
        """One build at a time: of all agents if the image is pushed, else of one Engine's."""
        if target.pushed:
            return f"image:{target.ref}"
        return f"image:{(await self._engine.system.info())['ID']}/{target.ref}"


def _image(ref: str, digest: str | None) -> Image:
    """What the run uses: the digest, if it is known, because a tag may be moved."""
    return Image(ref=f"{repository_of(ref)}@{digest}" if digest else ref, digest=digest)
