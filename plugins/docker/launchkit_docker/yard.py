"""The images of one agent at the Engine: planned, looked for, built and pushed."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import uuid4

from aiodocker import Docker
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Site
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.steps.build_plan import BuildPlan, plan_build
from launchkit.steps.image_tag import image_tag
from launchkit.steps.single_flight import single_flight
from launchkit_docker.access import as_build_errors
from launchkit_docker.bases import Bases
from launchkit_docker.build import Order, build
from launchkit_docker.images import find, repository_of
from launchkit_docker.push import push
from launchkit_docker.target import Target, target_of

VERSION = "docker-1"
"""Part of each tag: to be raised when the same code would give another image."""


class Yard:
    """What the builder works with once the Engine is open."""

    def __init__(self, engine: Docker, site: Site, build_args: Mapping[str, str]) -> None:
        self._engine = engine
        self._site = site
        self._build_args = build_args
        self._bases = Bases(engine, site.registry)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        :raises BuildError: if it cannot be built or pushed.
        """
        with as_build_errors("build the image"):
            order, target = await self._prepare(request, out)
            if image := await self._present(target, out):
                return image
            holder = f"{self._site.agent}/{request.launch.run_id}/{uuid4().hex}"
            name = await self._lock_name(target)
            async with single_flight(self._site.backend, name, holder):
                return await self._present(target, out) or await self._make(order, target, out)

    async def findings(self) -> Sequence[Finding]:
        """Whether the Engine answers."""
        subject = "builder docker"
        try:
            with as_build_errors("ask the Docker Engine"):
                about = await self._engine.version()
        except BuildError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        message = f"builds with Docker Engine {about['Version']} for {about['Os']}/{about['Arch']}"
        return [Finding(level="ok", subject=subject, message=message)]

    async def _prepare(self, request: BuildRequest, out: Output) -> tuple[Order, Target]:
        """What to build, and where its image is to be. Reads the whole code."""
        plan = await run_sync(partial(plan_build, request.launch, request.code, buildkit=False))
        for warning in (*plan.warnings, *await self._emulation(request.platform)):
            await _say(out, f"warning: {warning}")
        bases = await self._bases.digests(plan.base_images, request.platform, out)
        tag = await run_sync(partial(self._tag, plan, bases, request.platform))
        target = target_of(request, self._site.registry, tag)
        order = Order(
            plan=plan, ref=target.ref, platform=request.platform, build_args=self._build_args
        )
        return order, target

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
            await _say(out, f"image {target.ref} is there already: nothing to build")
        return image

    async def _make(self, order: Order, target: Target, out: Output) -> Image:
        if await find(self._engine, target.ref) is None:
            await _say(out, f"building image {target.ref}")
            await build(self._engine, order, out)
        if not target.pushed:
            return Image(ref=target.ref)
        await _say(out, f"pushing image {target.ref}")
        return _image(target.ref, await push(self._engine, target.ref, target.registry, out))

    async def _lock_name(self, target: Target) -> str:
        """One build at a time: of all agents if the image is pushed, else of one Engine's."""
        if target.pushed:
            return f"image:{target.ref}"
        return f"image:{(await self._engine.system.info())['ID']}/{target.ref}"


def _image(ref: str, digest: str | None) -> Image:
    """What the run uses: the digest, if it is known, because a tag may be moved."""
    return Image(ref=f"{repository_of(ref)}@{digest}" if digest else ref, digest=digest)


async def _say(out: Output, text: str) -> None:
    await out(f"{text}\n".encode())
