"""The runner `local-container`: containers of the Docker Engine of this machine.

A launch is looked at with it, too: what only an agent needs is imported where it is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Policy, Run, Runner, Site
from launchkit.aio.lazy import Lazy
from launchkit.model import Json
from launchkit_docker.options.parsing import parse_options
from launchkit_docker.options.policy import (
    DockerPolicy,
    closes_cgroups,
    harmless_options,
    secure_objections,
    strict_objections,
)

if TYPE_CHECKING:
    from launchkit.model import Attempt, Submission
    from launchkit_docker.containers.service import ContainerService

SERVICE = "launchkit_docker.containers.service"


@dataclass(kw_only=True)
class ContainerRunner(Runner):
    """Runs images in containers with the options of `docker run`. They outlive the agent.

    The Engine is opened with the first run.
    """

    kind: ClassVar[str] = "local-container"
    aliases: ClassVar[tuple[str, ...]] = ("docker",)
    bound_to_site: ClassVar[bool] = True
    mounts_code: ClassVar[bool] = True
    option_keys: ClassVar[frozenset[str]] = frozenset({"env", "e"})
    policy_class: ClassVar[type[Any] | None] = DockerPolicy

    _agent: str = field(init=False, repr=False)
    _closed_cgroups: bool = field(init=False, repr=False)
    _service: "Lazy[ContainerService]" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; the Engine need not answer yet.

        :raises ConfigError: if no Engine can be reached by what names it.
        """
        from launchkit_docker.engine.address import engine_address

        await run_sync(engine_address)
        self._agent = site.agent
        self._closed_cgroups = closes_cgroups(site.policy)
        self._service = Lazy(SERVICE, lambda service: service.open_containers(stack, site))

    def secret_files(self) -> Mapping[Path, str]:
        """The key of TLS, where the Engine is asked with one."""
        from launchkit_docker.engine.address import key_files

        return key_files()

    async def check(self) -> Sequence[Finding]:
        """Whether the Engine answers, which GPUs it sees, and whether its disk has room."""
        return await (await self._service.opened()).findings()

    @classmethod
    def check_args(cls, args: Json) -> None:
        """Look at a queue's config. :raises Rejected: naming each option that is wrong."""
        parse_options(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """The options of `docker run`."""
        from launchkit_docker.options.schema import schema

        return schema()

    @classmethod
    def starter_config(cls) -> str:
        """A few usual options."""
        from launchkit_docker.options.schema import STARTER

        return STARTER

    @classmethod
    def harmless_keys(cls, args: Json) -> frozenset[str]:
        """Amounts of the machine, and GPUs."""
        return harmless_options(args)

    @classmethod
    def args_env(cls) -> tuple[str, ...]:
        """The option `env`, by both names."""
        return ("e", "env")

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        """What a strict policy and secure mode do not allow."""
        if policy.part(DockerPolicy).docker == "strict":
            yield from strict_objections(args)
        if policy.secure_mode:
            yield from secure_objections(args)

    def render(self, submission: "Submission") -> Json:
        """The request to the Engine, and the `docker run` that would do the same."""
        from launchkit.runners.masking import masked
        from launchkit.shell_words import shell_join
        from launchkit_docker.containers.request import RunContext, container_name, request_of
        from launchkit_docker.options.command_line import command_line

        options = parse_options(submission.resource_args)
        service = self._service.value
        gpus = service.gpus_of(container_name(options, submission)) if service else None
        context = RunContext(
            env=masked(submission.env),
            gpus=gpus,
            agent=self._agent,
            closed_cgroups=self._closed_cgroups,
        )
        return {
            "command": shell_join(command_line(options, submission)),
            "request": request_of(options, submission, context),
        }

    def ref_of(self, submission: "Submission") -> str:
        """The container's name. :raises Rejected: if no container can have it."""
        from launchkit_docker.containers.request import container_name

        return container_name(parse_options(submission.resource_args), submission)

    async def prepare(self, submission: "Submission", out: Output) -> None:
        """Pull the image if it is missing, and wait for GPUs.

        :raises SubmitError: if the image cannot be had.
        :raises Rejected: if there are not so many GPUs.
        """
        await (await self._service.opened()).prepare(submission, out)

    async def release(self, submission: "Submission") -> None:
        """Give its GPUs back."""
        if self._service.value is not None:
            await self._service.value.release(submission)

    async def submit(self, submission: "Submission") -> Run:
        """Create a container named like the submission and start it; one that is there is given
        as it is, for it is started at most once.

        :raises SubmitError: if the Engine refuses.
        """
        return await (await self._service.opened()).submit(submission)

    async def require_own(self, ref: str, attempt: "Attempt") -> None:
        """Look at the labels of the container. :raises OthersRun: if they are of another run."""
        await (await self._service.opened()).require_own(ref, attempt)

    async def attach(self, ref: str) -> Run:
        """Find a container again.

        :raises RunLost: if it is gone or was never started, or *ref* is not the name of a run's.
        """
        return await (await self._service.opened()).attach(ref)

    async def discard(self, ref: str) -> None:
        """Remove a container that was created and never started, and give its GPUs back."""
        await (await self._service.opened()).discard(ref)
