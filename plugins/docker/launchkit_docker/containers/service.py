"""The runs of one agent at the Engine: prepared, started and found again."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import anyio
from aiodocker import DockerError
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Run, Site
from launchkit.errors import RunLost, SubmitError
from launchkit.model import Submission
from launchkit.plain_text import shortened
from launchkit_docker.containers import labels
from launchkit_docker.containers.body import image_ref
from launchkit_docker.containers.code import move_code
from launchkit_docker.containers.containers import CANCELLED, OVER, Containers
from launchkit_docker.containers.names import is_name, quoted
from launchkit_docker.containers.request import RunContext, container_name, request_of
from launchkit_docker.containers.run import ContainerRun
from launchkit_docker.containers.verdicts import start_failure, was_started
from launchkit_docker.engine.client import open_client
from launchkit_docker.engine.findings import engine_findings
from launchkit_docker.engine.ping import WAITS, answers
from launchkit_docker.gpus.allocator import GpuAllocator
from launchkit_docker.gpus.inventory import inventory_of
from launchkit_docker.images.pull import Puller
from launchkit_docker.options.env_files import read_files
from launchkit_docker.options.parsing import Options, parse_options
from launchkit_docker.options.policy import DockerPolicy

CONFLICT = 409


async def open_containers(stack: AsyncExitStack, site: Site) -> "ContainerService":
    """Open the Engine, which need not answer yet, and listen to its events."""
    engine = await stack.enter_async_context(open_client())
    containers = Containers(engine.docker, site.state_dir / "docker")
    await run_sync(lambda: containers.marks.mkdir(mode=0o700, parents=True, exist_ok=True))
    scope = anyio.CancelScope()

    async def attend() -> None:
        with scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(containers.events.follow, engine.docker, name="events of Docker")
                tasks.start_soon(containers.sweep, name="sweep of old marks")

    site.tasks.start_soon(attend, name="what goes on at Docker")
    stack.callback(scope.cancel)  # before the engine's client closes
    gpus = None
    if inventory := await inventory_of(site.policy.part(DockerPolicy).gpus()):
        gpus = GpuAllocator(inventory, containers, site.backend)
        site.tasks.start_soon(gpus.keep, name="GPUs that are given")
    return ContainerService(site, containers, Puller(engine, site.registry), gpus)


class ContainerService:
    """What the runner works with once the Engine is open."""

    def __init__(
        self, site: Site, containers: Containers, puller: Puller, gpus: GpuAllocator | None
    ) -> None:
        self._site = site
        self._containers = containers
        self._puller = puller
        self._gpus = gpus
        self._driver: str | None = None

    async def findings(self) -> Sequence[Finding]:
        """What is to be said of the Engine."""
        return await engine_findings(self._containers.engine)

    def gpus_of(self, name: str) -> tuple[str, ...] | None:
        """The devices that a run was given."""
        return self._gpus.given(name) if self._gpus else None

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Pull the image if it is missing, and wait for GPUs.

        :raises SubmitError: if the image cannot be had.
        :raises Rejected: if there are not so many GPUs, or its name cannot be a container's.
        """
        options = parse_options(submission.resource_args)
        name = container_name(options, submission)
        ref = image_ref(submission)
        if not await answers():
            await out.say(WAITS)
        await self._containers.asked(
            lambda: self._puller.get(ref, options.pull, options.platform, out)
        )
        if self._gpus and options.gpus:
            await self._gpus.take(name, options.gpus, out)

    async def release(self, submission: Submission) -> None:
        """Give back the GPUs of a run that is not under way."""
        options = parse_options(submission.resource_args)
        await self._released(container_name(options, submission))

    async def submit(self, submission: Submission) -> Run:
        """Create the container, unless it is there, and start it, unless it was.

        :raises SubmitError: if the Engine refuses.
        """
        options = parse_options(submission.resource_args)
        name = container_name(options, submission)
        if await self._containers.marked(name, OVER):
            raise SubmitError(f"{name}: a run of this name is over already")
        if self._gpus and options.gpus:
            await self._gpus.confirm(name, options.gpus)
        from_files = await run_sync(read_files, options.env_files)
        env = {**from_files, **submission.env}
        if submission.code is not None:
            await run_sync(move_code, submission.code, self._containers.code(name))
        context = RunContext(
            env=env,
            gpus=self.gpus_of(name),
            code=self._containers.code(name),
            agent=self._site.agent,
            log_driver=await self._log_driver(),
        )
        body = request_of(options, submission, context)
        more = await run_sync(read_files, options.label_files, {})
        body["Labels"] = {**more, **body["Labels"]}
        await self._create(name, body, options)
        seen = await self._containers.inspect(name)
        if seen["Config"]["Labels"].get(labels.RUN) != submission.launch.run_id:
            raise SubmitError(f"the name {name} is taken by a container of somebody else")
        self._adopt(name, seen)
        if not was_started(seen) and not await self._containers.marked(name, CANCELLED):
            await self._start(name)
        return self._run(name)

    async def attach(self, ref: str) -> Run:
        """Find a container again.

        :raises RunLost: if it is gone or was never started, or *ref* is not the name of a run's.
        """
        if not is_name(ref):
            raise RunLost(f"{quoted(ref)} is not the name of a container")
        if await self._containers.marked(ref, OVER):
            raise RunLost(f"container {ref} is over and removed")
        seen = await self._containers.inspect(ref)
        if seen["Name"].removeprefix("/") != ref or labels.RUN not in seen["Config"]["Labels"]:
            raise RunLost(f"{ref} is not the name of a run's container")
        if not was_started(seen) and not await self._containers.marked(ref, CANCELLED):
            raise RunLost(f"container {ref} was never started")
        self._adopt(ref, seen)
        return self._run(ref)

    def _adopt(self, name: str, seen: Mapping[str, Any]) -> None:
        """A container has the devices of its label, whoever created it."""
        if self._gpus:
            self._gpus.adopt(name, seen["Config"]["Labels"].get(labels.GPUS, ""))

    async def _log_driver(self) -> str:
        if self._driver is None:
            info = await self._containers.asked(self._containers.engine.system.info)
            self._driver = str(info.get("LoggingDriver", ""))
        return self._driver

    def _run(self, name: str) -> Run:
        return ContainerRun(name, self._containers, self._released)

    async def _released(self, name: str) -> None:
        if self._gpus:
            await self._gpus.release(name)

    async def _create(self, name: str, body: Mapping[str, Any], options: Options) -> None:
        params = {"name": name, **({"platform": options.platform} if options.platform else {})}
        engine = self._containers.engine
        try:
            await self._containers.asked(
                lambda: engine._query_json(  # noqa: SLF001 - the public call pulls images
                    "containers/create", "POST", data=body, params=params
                )
            )
        except DockerError as exc:
            if exc.status != CONFLICT:
                raise _refused("created", exc.message) from exc

    async def _start(self, name: str) -> None:
        try:
            await self._containers.start(name)
        except DockerError as exc:
            await self._containers.remove(name)
            raise _refused("started", exc.message) from exc


def _refused(what: str, message: str) -> SubmitError:
    code, hint = start_failure(message)
    error = SubmitError(f"the container cannot be {what}: {shortened(message)}", hint=hint)
    error.code = code
    return error
