"""The runner `local-container`: containers of the Docker Engine of this machine."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aiodocker import DockerError
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Run, Runner, Site
from launchkit.errors import RunLost, SubmitError
from launchkit.model import Json, Secret, Submission
from launchkit_docker.access import open_engine
from launchkit_docker.body import container_body, image_ref
from launchkit_docker.code import MOUNT, laid_in, move_code
from launchkit_docker.command_line import command_line
from launchkit_docker.containers import Containers
from launchkit_docker.events import MARK
from launchkit_docker.findings import engine_findings
from launchkit_docker.gpus import LABEL, Slots
from launchkit_docker.options import Options, parse_options
from launchkit_docker.pull import Puller
from launchkit_docker.run import CANCELLED, OVER, REMOVE_LABEL, ContainerRun
from launchkit_docker.variables import read_files
from launchkit_docker.verdicts import start_failure, was_started

CONFLICT = 409


@dataclass(kw_only=True)
class ContainerRunner(Runner):
    """Runs images in containers with the options of `docker run`. They outlive the agent."""

    kind: ClassVar[str] = "local-container"
    aliases: ClassVar[tuple[str, ...]] = ("docker",)
    bound_to_site: ClassVar[bool] = True
    mounts_code: ClassVar[bool] = True

    _site: Site = field(init=False, repr=False)
    _containers: Containers = field(init=False, repr=False)
    _puller: Puller = field(init=False, repr=False)
    _slots: Slots | None = field(init=False, repr=False, default=None)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open the Engine, which need not answer yet, and listen to its events."""
        engine = await stack.enter_async_context(open_engine())
        marks = site.state_dir / "docker" / "marks"
        await run_sync(lambda: marks.mkdir(mode=0o700, parents=True, exist_ok=True))
        self._site = site
        self._containers = Containers(engine, marks)
        self._puller = Puller(engine, site.registry)
        site.tasks.start_soon(self._containers.events.follow, engine, name="events of Docker")
        site.tasks.start_soon(self._containers.sweep, name="sweep of old marks")
        if site.gpus is not None:
            self._slots = Slots(site.gpus, engine, self._containers.events, site.backend)
            site.tasks.start_soon(self._slots.keep, name="GPUs that are given")

    async def check(self) -> Sequence[Finding]:
        """Whether the Engine answers, which GPUs it sees, and whether its disk has room."""
        return await engine_findings(self._containers.engine)

    def check_args(self, args: Json) -> None:
        """Look at a queue's config. :raises Rejected: naming each option that is wrong."""
        parse_options(args)

    def render(self, submission: Submission) -> Json:
        """The request to the Engine, and the `docker run` that would do the same."""
        options = parse_options(submission.resource_args)
        env = {
            name: "…" if isinstance(value, Secret) else value
            for name, value in submission.env.items()
        }
        return {
            "command": shlex.join(command_line(options, submission)),
            "request": self._body(options, submission, env, None),
        }

    def ref_of(self, submission: Submission) -> str:
        """The container's name, which is the submission's."""
        return submission.name

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Pull the image if it is missing, and wait for GPUs.

        :raises SubmitError: if the image cannot be had.
        :raises Rejected: if there are not so many GPUs.
        """
        options = parse_options(submission.resource_args)
        ref = image_ref(submission)
        await self._containers.asked(
            lambda: self._puller.get(ref, options.pull, options.platform, out)
        )
        if self._slots and options.gpus:
            await self._slots.take(submission.name, options.gpus, out)

    async def submit(self, submission: Submission) -> Run:
        """Create a container named like the submission and start it; one that is there is given
        as it is, for it is started at most once.

        :raises SubmitError: if the Engine refuses.
        """
        name = submission.name
        if await self._containers.marked(name, OVER):
            raise SubmitError(f"{name}: a run of this name is over already")
        options = parse_options(submission.resource_args)
        from_files = await run_sync(read_files, options.env_files)
        env = {**from_files, **submission.env}
        if submission.code is not None:
            await run_sync(move_code, submission.code, self._code(name))
        await self._create(name, self._body(options, submission, env, self._code(name)), options)
        seen = await self._containers.inspect(name)
        if not was_started(seen) and not await self._containers.marked(name, CANCELLED):
            await self._start(name)
        return self._run(name)

    async def attach(self, ref: str) -> Run:
        """Find a container again. :raises RunLost: if it is gone, or was never started."""
        if await self._containers.marked(ref, OVER):
            raise RunLost(f"container {ref} is over and removed")
        seen = await self._containers.inspect(ref)
        if not was_started(seen) and not await self._containers.marked(ref, CANCELLED):
            raise RunLost(f"container {ref} was never started")
        if self._slots:
            self._slots.adopt(ref, seen["Config"]["Labels"].get(LABEL, ""))
        return self._run(ref)

    def _run(self, name: str) -> Run:
        return ContainerRun(name, self._containers, self._code(name), self._released)

    async def _released(self, name: str) -> None:
        if self._slots:
            await self._slots.release(name)

    def _code(self, name: str) -> Path:
        return self._site.state_dir / "docker" / "code" / name

    def _body(
        self, options: Options, submission: Submission, env: Mapping[str, str], code: Path | None
    ) -> dict[str, Any]:
        launch = submission.launch
        given = self._slots.given(submission.name) if self._slots else None
        labels = {
            MARK: launch.run_id,
            "launchkit.entity": launch.entity,
            "launchkit.queue": launch.queue,
            "launchkit.attempt": str(launch.attempt),
            "launchkit.item": launch.item_id,
            "launchkit.agent": self._site.agent if code else "",
            REMOVE_LABEL: str(options.remove).lower(),
            **({LABEL: ",".join(given)} if given else {}),
        }
        binds = (f"{code or 'CODE'}:{MOUNT}:ro",) if submission.code is not None else ()
        body = container_body(
            options, submission, env=env, gpu_ids=given, labels=labels, binds=binds
        )
        return laid_in(body, submission) if submission.code is not None else body

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
            await self._containers.post(name, "start")
        except DockerError as exc:
            await self._containers.remove(name)
            await self._released(name)
            raise _refused("started", exc.message) from exc


def _refused(what: str, message: str) -> SubmitError:
    code, hint = start_failure(message)
    error = SubmitError(f"the container cannot be {what}: {message}", hint=hint)
    error.code = code
    return error
