"""The images of one agent at the Engine: what is the builder's own of `build_once`."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Site
from launchkit.errors import BuildError
from launchkit.images.build_once import build_once
from launchkit.images.build_plan import Reading, with_cache_mounts
from launchkit.images.maker import ImageMaker, PlannedBuild
from launchkit.model import BuildRequest, Image
from launchkit_docker.build.buildkit_log import BuildKitLog
from launchkit_docker.build.call import BuildCall, Log
from launchkit_docker.build.choice import Choice, chosen, knows_what_it_built
from launchkit_docker.build.log import BuildLog
from launchkit_docker.build.retry import BuildRetry, ping
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineClient, EngineError, open_client, understood
from launchkit_docker.engine.findings import engine_name
from launchkit_docker.images.pull import Puller, PullError
from launchkit_docker.images.push import push
from launchkit_docker.images.store import content_of, find

VERSION = "docker-2"
"""Part of each tag: to be raised when the same code would give another image."""


async def open_image_builds(
    stack: AsyncExitStack, site: Site, settings: DockerBuilder
) -> "ImageBuilds":
    """The builds at an Engine that need not answer yet."""
    engine = await stack.enter_async_context(open_client())
    return ImageBuilds(engine, site, settings)


class ImageBuilds:
    """What the builder works with once the Engine is open."""

    def __init__(self, engine: EngineClient, site: Site, settings: DockerBuilder) -> None:
        self._engine = engine
        self._site = site
        self._settings = settings
        self._puller = Puller(engine, site.registry)

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        An Engine that is not there, or goes away meanwhile, is waited for.

        :raises Rejected: if something that was asked for is not there, malformed or not allowed.
        :raises BuildError: if it cannot be built or pushed.
        """
        retry = BuildRetry(self._engine, out)
        headers = await retry.begin()
        about = await self._engine.answered(self._engine.info)
        buildkit = chosen(self._settings.buildkit, headers, about).buildkit
        while True:
            log = BuildKitLog() if buildkit else BuildLog()
            maker = EngineMaker(
                engine=self._engine,
                puller=self._puller,
                build_args=self._settings.build_args,
                buildkit=buildkit,
                frontends=self._settings.frontends,
                cached_from_scratch=buildkit or knows_what_it_built(about),
                pip_cache=self._settings.pip_cache,
                log=log,
            )
            try:
                return await build_once(request, self._site, out, maker)
            except BuildError as exc:
                if not await retry.go_on(exc, log.begun.count):
                    raise

    async def findings(self) -> Sequence[Finding]:
        """Whether the Engine answers."""
        subject = "builder docker"
        try:
            headers = await ping(self._engine)
            choice = chosen(self._settings.buildkit, headers, await self._engine.info())
            message = f"builds with {_builder(await self._engine.json('version'), choice)}"
        except EngineError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        bad = choice.buildkit and choice.why
        return [
            Finding(
                level="warning" if bad else "ok",
                subject=subject,
                message=f"{message}; {choice.why}" if choice.why else message,
            )
        ]


def _builder(about: Mapping[str, Any], choice: Choice) -> str:
    with understood():
        engine = f"{engine_name(about)} {about['Version']}"
        kit = " and BuildKit" if choice.buildkit else ""
        return f"{engine}{kit} for {about['Os']}/{about['Arch']}"


@dataclass(frozen=True, kw_only=True)
class EngineMaker(ImageMaker):
    """Makes images with the Engine, in whose store they stay until they are pushed."""

    engine: EngineClient
    puller: Puller
    build_args: Mapping[str, str]
    buildkit: bool
    frontends: Sequence[str]
    """Those that a Dockerfile may name beside Docker's own."""
    cached_from_scratch: bool
    """Whether a step that the Engine has is not done again where a stage starts from nothing."""
    pip_cache: bool
    """Whether BuildKit keeps what pip fetches."""
    log: Log
    version: str = VERSION

    def reading(self) -> Reading:
        """BuildKit runs the frontend that a Dockerfile names, and alone knows heredocs."""
        return Reading(
            build_args=self.build_args,
            heredocs=self.buildkit,
            frontends=self.frontends if self.buildkit else None,
        )

    async def make(self, build: PlannedBuild, out: Output) -> str | None:
        """Build, unless an image was built before and only not pushed, and push."""
        target = build.target
        if not await self.present(target.ref):
            await out.say(f"building image {target.ref}")
            cached = self.buildkit and self.pip_cache
            plan = with_cache_mounts(build.plan) if cached else build.plan
            call = BuildCall(
                replace(build, plan=plan),
                self.buildkit,
                cached=self.cached_from_scratch or not await run_sync(build.may_be_from_scratch),
            )
            await call.run(self.engine, self.log, out)
        if not target.pushed:
            return None
        await out.say(f"pushing image {target.ref}")
        return await push(self.engine, target.ref, target.registry, out)

    async def warnings(self, request: BuildRequest) -> Sequence[str]:
        """That another platform is emulated."""
        if request.platform is None:
            return ()
        native = await self.engine.platform()
        if request.platform == native:
            return ()
        return (f"this machine is {native}: a build for {request.platform} is emulated, and slow",)

    async def base_digest(self, ref: str, platform: str | None, out: Output) -> str:
        """What the Engine has; what it lacks is pulled."""
        try:
            return content_of(await self.puller.get(ref, "missing", platform, out), ref)
        except PullError as exc:
            raise BuildError(f"base {exc.message}", hint=exc.hint) from exc

    async def store(self) -> str:
        """The Engine's own id."""
        about = await self.engine.info()
        with understood():
            return str(about["ID"])

    async def present(self, ref: str) -> bool:
        """Whether the Engine has it."""
        return await find(self.engine, ref) is not None
