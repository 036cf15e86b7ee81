"""The runs of one agent at the Engine: prepared, started and found again."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from weakref import WeakValueDictionary

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Run, Site, others_run
from launchkit.aio.background import attend
from launchkit.aio.carried_through import last_chance
from launchkit.errors import Rejected, RunLost, SubmitError
from launchkit.model import Attempt, Submission
from launchkit.resolving.env_list import without_credentials
from launchkit.runners.identity import DOCKER
from launchkit_docker.containers.body import image_ref, require_short
from launchkit_docker.containers.code import move_code
from launchkit_docker.containers.container import Container
from launchkit_docker.containers.containers import CANCELLED, OVER, Containers
from launchkit_docker.containers.names import is_name, quoted
from launchkit_docker.containers.outside import outside
from launchkit_docker.containers.request import RunContext, container_name, request_of
from launchkit_docker.containers.run import ContainerRun
from launchkit_docker.engine.client import EngineError, open_client
from launchkit_docker.engine.findings import engine_findings
from launchkit_docker.engine.ping import WAITS
from launchkit_docker.gpus.allocator import GpuAllocator
from launchkit_docker.gpus.inventory import inventory_of
from launchkit_docker.images.pull import Puller
from launchkit_docker.images.store import id_in
from launchkit_docker.options.env_files import given_away, read_files
from launchkit_docker.options.file_reads import FileReads
from launchkit_docker.options.parsing import Options, parse_options
from launchkit_docker.options.policy import DockerPolicy, closes_cgroups
from launchkit_docker.options.values import OWN


async def open_containers(stack: AsyncExitStack, site: Site) -> "ContainerService":
    """Open the Engine, which need not answer yet, and listen to its events."""
    engine = await stack.enter_async_context(open_client())
    containers = Containers(engine, site.state_dir / "docker", site.backend)
    inventory = await inventory_of(site.policy.part(DockerPolicy).gpus())
    gpus = GpuAllocator(inventory, containers, site.backend, site.agent)
    watches = containers.informer.run, containers.sweep, gpus.keep
    attend(stack, site.tasks, *watches, name="what goes on at Docker")
    return ContainerService(site, containers, Puller(engine, site.registry), gpus)


class ContainerService:
    """What the runner works with once the Engine is open."""

    def __init__(
        self, site: Site, containers: Containers, puller: Puller, gpus: GpuAllocator
    ) -> None:
        self._site = site
        self._containers = containers
        self._markers = containers.markers
        self._puller = puller
        self._gpus = gpus
        self._reads = FileReads()
        self._prepared = dict[str, str]()
        """The ids of the images of runs that are not submitted yet, by the run's name."""
        self._submits = WeakValueDictionary[str, anyio.Lock]()

    async def findings(self) -> Sequence[Finding]:
        """What is to be said of the Engine."""
        found = await engine_findings(self._containers.engine)
        if found[0].level != "ok":
            return found
        return [*found, *await self._paths()]

    async def _paths(self) -> Sequence[Finding]:
        """Whether the Engine sees the agent's files, if that is in a container itself."""
        subject = "docker paths"
        try:
            place = await outside(self._containers.engine)
            where = place.path(self._containers.code("any").parent)
        except (EngineError, SubmitError) as exc:
            return [Finding(level="warning", subject=subject, message=exc.message, hint=exc.hint)]
        if not place.container:
            return ()
        message = f"the agent runs in container {place.container}; code is laid out of {where}"
        return [Finding(level="ok", subject=subject, message=message)]

    def gpus_of(self, name: str) -> tuple[str, ...] | None:
        """The devices that a run was given."""
        return self._gpus.given(name)

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Pull the image if it is missing, and wait for GPUs.

        :raises SubmitError: if the image cannot be had.
        :raises Rejected: if there are not so many GPUs, or its name cannot be a container's.
        """
        options = parse_options(submission.resource_args)
        name = container_name(options, submission)
        ref = image_ref(submission)

        async def pull() -> None:
            image = await self._puller.get(ref, options.pull, options.platform, out)
            self._prepared[name] = id_in(image)

        async def away(_: Exception) -> None:
            await out.say(WAITS)

        await self._containers.engine.answered(pull, on_first=away)
        await self._gpus.take(name, options.gpus, out)

    async def release(self, submission: Submission) -> None:
        """Give back the GPUs of a run that is not under way, and forget its image."""
        name = container_name(parse_options(submission.resource_args), submission)
        self._prepared.pop(name, None)
        await self._gpus.release(name)

    async def submit(self, submission: Submission) -> Run:
        """Create the container, unless it is there, and start it, unless it was.

        :raises SubmitError: if the Engine refuses.
        """
        options = parse_options(submission.resource_args)
        name = container_name(options, submission)
        turn = self._submits.setdefault(name, anyio.Lock())
        async with turn:  # one that saw it unstarted would start it again, after a short run
            return await self._submitted(name, options, submission)

    async def _submitted(self, name: str, options: Options, submission: Submission) -> Run:
        seen = self._prepared.pop(name, None)
        if await self._markers.has(name, OVER):
            raise _over(name)
        await self._gpus.confirm(name, options.gpus)
        read = partial(self._from_files, options, submission.launch.origins)
        from_files = await self._reads.done("env-file", read)
        code = None
        if submission.code is not None:
            code = (await self._containers.outside()).path(self._containers.code(name))
            await run_sync(move_code, submission.code, self._containers.code(name))
        context = RunContext(
            env={**submission.without_own(from_files), **submission.env},
            gpus=self.gpus_of(name),
            code=code,
            agent=self._site.agent,
            closed_cgroups=closes_cgroups(self._site.policy),
            log_driver=str((await self._containers.info()).get("LoggingDriver", "")),
        )
        body = request_of(options, submission, context)
        more = self._public(await self._reads.done("label-file", partial(_label_files, options)))
        body["Labels"] = {**more, **body["Labels"]}
        require_short(body)
        if await self._containers.find(name) is None:
            body["Image"] = await self._puller.id_of(body["Image"], options.platform, seen)
        container, warnings = await self._containers.created(name, body, options.platform)
        if not container.identity or container.identity.run_id != submission.launch.run_id:
            raise SubmitError(f"the name {name} is taken by a container of somebody else")
        self._gpus.adopt(name, container.gpus)
        if not container.started:
            await self._start(container)
        return self._run(name, warnings)

    def _from_files(self, options: Options, origins: Mapping[str, str]) -> dict[str, str]:
        """The variables in files: also in one that is the agent's own, its token is none of them.

        :raises SubmitError: if one cannot be read.
        """
        environ = self._public(os.environ)
        agents = given_away(environ, origins, self._site.policy.env_from_agent)
        return self._public(read_files(options.env_files, agents))

    def _public(self, found: Mapping[str, str]) -> dict[str, str]:
        """Without what the agent proves itself with."""
        backend = self._site.backend
        return without_credentials(found, os.environ, backend.credentials() if backend else ())

    async def require_own(self, ref: str, attempt: Attempt) -> None:
        """Look at the labels and the name of the container; where there is none, at the name alone,
        which `discard` would take from whose it is. :raises OthersRun: if it is of another run.
        """
        container = await self._containers.find(ref) if is_name(ref) else None
        if container is None:
            is_own = not is_name(ref) or attempt.run_id in ref
        else:
            is_own = container.identity is not None and DOCKER.is_of(container.labels, attempt)
        if not is_own:
            raise others_run(ref)

    async def attach(self, ref: str) -> Run:
        """Find a container again.

        :raises RunLost: if it is gone or was never started, or *ref* is not the name of a run's.
        """
        if not is_name(ref):
            raise RunLost(f"{quoted(ref)} is not the name of a container")
        if await self._markers.has(ref, OVER):
            raise RunLost(f"container {ref} is over and removed")
        container = await self._containers.look(ref)
        if container.name != ref or container.identity is None:
            raise RunLost(f"{ref} is not the name of a run's container")
        if not container.started and not await self._markers.has(ref, CANCELLED):
            raise RunLost(f"container {ref} was never started")
        self._gpus.adopt(ref, container.gpus)
        return self._run(ref)

    async def discard(self, ref: str) -> None:
        """Remove a container that was never started; from now on, none of that name is."""
        if not is_name(ref):
            return
        container = await self._containers.find(ref)
        if container is not None and not container.is_unstarted_run(ref):
            return
        await self._markers.set(ref, OVER)
        await self._containers.drop_code(ref)
        if container is not None:
            await self._containers.remove(container.id, force=False)
        await self._gpus.release(ref)

    async def _start(self, container: Container) -> None:
        """Start a new one. Another agent may have ended and removed the run of this name until it
        was created, but not since, for the name was taken: so whether one has is asked here.
        """
        name = container.name
        if await self._markers.has(name, OVER):
            await self._containers.drop_code(name)
            await self._containers.remove(container.id, force=False)
            raise _over(name)
        if await self._markers.has(name, CANCELLED):
            return
        await last_chance()
        try:
            await self._containers.start(container)
        except SubmitError:
            await self._containers.remove(container.id)
            raise

    def _run(self, name: str, warnings: Sequence[str] = ()) -> Run:
        return ContainerRun(name, self._containers, self._gpus.release, warnings)


def _over(name: str) -> SubmitError:
    return SubmitError(f"{name}: a run of this name is over already")


def _label_files(options: Options) -> dict[str, str]:
    """The labels in files. :raises Rejected: if one of them has a name of launchkit's own."""
    found = read_files(options.label_files, {})
    for name in found:
        if name.startswith(OWN):
            raise Rejected(f"label-file: {name}: names that begin with {OWN} are launchkit's own")
    return found
