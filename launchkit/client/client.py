"""The client: queues, jobs and launches of one entity."""

import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from launchkit.abc import Hub, ItemView, LaunchRequest, QueueView, Runner, Selection, Site
from launchkit.client.actor import current_user
from launchkit.client.launched import Launched
from launchkit.client.source import source_of
from launchkit.errors import Rejected, unwrapped
from launchkit.model import (
    AgentView,
    ImageSource,
    ItemState,
    JobVersion,
    Json,
    LaunchSpec,
    Overrides,
    Pause,
    Priority,
    Queue,
    QueueSpec,
    Recipe,
    Scalar,
    Timeouts,
    Variable,
)
from launchkit.plugins import Plugins
from launchkit.settings import load_settings
from launchkit.steps.resolve import validate_launch
from launchkit.steps.suit import check_suits


@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    entity: str | None = None,
    actor: str | None = None,
    config: Path | str | None = None,
    plugins: Plugins | None = None,
) -> "AsyncIterator[Client]":
    """Open a queue service for the time of the context.

    *url* and *entity* default to what *config* (by default launch-config.yaml) and the environment
    say; *actor*, whose name stands in the record, to the login name.

    :raises ConfigError: if the URL or launch-config.yaml is wrong.
    :raises PluginError: if no plugin serves the URL's scheme.
    :raises Unreachable: if the service cannot be reached.
    """
    settings = load_settings(
        config,
        flags={name: value for name, value in (("backend", url), ("entity", entity)) if value},
    ).settings
    plugins = plugins or Plugins()
    url = settings.backend_url()
    hub = plugins.create(Hub, url.partition("://")[0], {"url": url, "entity": settings.entity})
    with unwrapped():
        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            site = Site(
                agent="",
                name="",
                state_dir=Path(os.devnull),
                cache_dir=Path(os.devnull),
                tasks=tasks,
            )
            await hub.start(stack, site)
            yield Client(hub, actor or current_user(), settings.entity, plugins)


class Client:
    """Queues, jobs and launches of one entity at one queue service."""

    def __init__(self, hub: Hub, actor: str, entity: str, plugins: Plugins) -> None:
        self.hub = hub
        self.actor = actor
        self.entity = entity
        self._plugins = plugins

    async def create_queue(
        self,
        name: str,
        resource: str,
        config: Json | None = None,
        *,
        variables: Mapping[str, Variable] | None = None,
        prioritization: bool = False,
        max_concurrent: int | None = None,
    ) -> Queue:
        """Make a queue.

        :raises ConfigError: if config and variables do not fit each other.
        :raises Conflict: if there is a queue of that name.
        """
        spec = QueueSpec(
            name=name,
            resource=resource,
            config=config or {},
            variables=variables or {},
            prioritization=prioritization,
            max_concurrent=max_concurrent,
        )
        return await self.hub.queues().create(spec, self.actor)

    async def queue(self, name: str) -> QueueView:
        """One queue. :raises NotFound: if there is none."""
        return await self.hub.queues().get(name)

    async def queues(self) -> Sequence[QueueView]:
        """All queues, by name."""
        return await self.hub.queues().list()

    async def edit_queue(self, spec: QueueSpec, *, if_version: int | None = None) -> Queue:
        """Replace config, variables and limits of the queue named `spec.name`.

        :raises Conflict: if its version is not *if_version* any more.
        """
        view = await self.queue(spec.name)
        return await self.hub.queues().update(
            spec, self.actor, pause=view.queue.pause, if_version=if_version
        )

    async def pause_queue(self, name: str, reason: str, *, until: float | None = None) -> Queue:
        """Claim nothing from a queue until *until* (Unix time) or `resume_queue`."""
        view = await self.queue(name)
        pause = Pause(reason=reason, by=self.actor, at=time.time(), until=until)
        return await self.hub.queues().update(
            view.queue.spec, self.actor, pause=pause, if_version=view.queue.version
        )

    async def resume_queue(self, name: str) -> Queue:
        """End a pause."""
        view = await self.queue(name)
        return await self.hub.queues().update(
            view.queue.spec, self.actor, pause=None, if_version=view.queue.version
        )

    async def delete_queue(self, name: str, *, force: bool = False) -> int:
        """Remove a queue; gives how many waiting launches were stopped with it.

        :raises Conflict: if launches are under way, or wait and *force* is not given.
        """
        return await self.hub.queues().delete(name, self.actor, force=force)

    async def create_job(
        self, name: str, recipe: Recipe, *, aliases: Sequence[str] = ()
    ) -> tuple[JobVersion, bool]:
        """Add a version to a job, unless an equal one exists; gives it, and whether it is new."""
        return await self.hub.jobs().create(name, recipe, self.actor, aliases)

    async def job(self, reference: str) -> JobVersion:
        """`name`, `name:alias` or `name:vN`. :raises NotFound: if there is none."""
        return await self.hub.jobs().get(reference)

    async def jobs(self, name: str | None = None) -> Sequence[JobVersion]:
        """All versions of one job, or the latest of each."""
        return await self.hub.jobs().list(name)

    async def recipe(
        self,
        *,
        job: str | None = None,
        image: str | None = None,
        uri: str | None = None,
        ref: str | None = None,
    ) -> tuple[Recipe, str | None]:
        """The recipe that one of *job*, *image* and *uri* names, and the job's reference if any.

        *uri* is a git address, of which *ref* is a branch, tag or commit, or a directory.

        :raises Rejected: if not exactly one is given.
        """
        given = [word for word in (job, image, uri) if word is not None]
        if len(given) != 1:
            raise Rejected(
                f"a launch needs exactly one of job, image and uri; {len(given)} were given",
                hint="-j JOB, -d IMAGE or -u URI",
            )
        if job is not None:
            found = await self.job(job)
            return found.recipe, found.reference
        if image is not None:
            return Recipe(source=ImageSource(image=image)), None
        return Recipe(source=await source_of(given[0], ref, self.hub.jobs())), None

    async def launch(
        self,
        queue: str,
        *,
        job: str | None = None,
        image: str | None = None,
        uri: str | None = None,
        ref: str | None = None,
        entry_point: Sequence[str] | None = None,
        args: Sequence[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        config: Json | None = None,
        resource_args: Json | None = None,
        variables: Mapping[str, Scalar] | None = None,
        priority: Priority | None = None,
        name: str | None = None,
        project: str = "default",
        timeouts: Timeouts | None = None,
        idempotency_key: str | None = None,
    ) -> Launched:
        """Put a launch into a queue. Give exactly one of *job*, *image* and *uri*.

        :raises NotFound: if there is no such queue or job.
        :raises Rejected: if the queue does not allow what is asked.
        :raises Conflict: if the idempotency key stands for another request.
        """
        recipe, reference = await self.recipe(job=job, image=image, uri=uri, ref=ref)
        spec = LaunchSpec(
            recipe=recipe,
            job=reference,
            project=project,
            name=name,
            author=self.actor,
            overrides=Overrides(
                entry_point=None if entry_point is None else tuple(entry_point),
                args=None if args is None else tuple(args),
                env=env or {},
                config=config or {},
                resource_args=resource_args or {},
            ),
            template_variables=variables or {},
            timeouts=timeouts or Timeouts(),
        )
        return await self.submit(queue, spec, priority=priority, idempotency_key=idempotency_key)

    async def submit(
        self,
        queue: str,
        spec: LaunchSpec,
        *,
        priority: Priority | None = None,
        idempotency_key: str | None = None,
    ) -> Launched:
        """Put a complete launch into a queue; what `launch` does when it has read its arguments."""
        view = await self.queue(queue)
        self._check(view.queue.spec, spec)
        request = LaunchRequest(
            spec=replace(spec, author=spec.author or self.actor),
            actor=self.actor,
            priority=priority,
            idempotency_key=idempotency_key,
        )
        return Launched(self, await self.hub.launches().launch(queue, request))

    async def launched(self, ref: str) -> Launched:
        """A handle on a launch, by item id, run id, or name if only one has it.

        :raises NotFound: if there is none.
        """
        return Launched(self, (await self.hub.launches().get(ref)).item)

    async def launches(
        self,
        *,
        queue: str | None = None,
        states: Sequence[ItemState] | None = None,
        limit: int = 100,
    ) -> Sequence[ItemView]:
        """Launches, newest first."""
        return await self.hub.launches().list(Selection(queue=queue, states=states, limit=limit))

    async def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately."""
        return await self.hub.agents()

    def _check(self, queue: QueueSpec, spec: LaunchSpec) -> None:
        """Ask the queue's runner, where it is installed here too."""
        plan = validate_launch(queue, spec)
        if queue.resource in self._plugins.classes(Runner):
            runner = self._plugins.create(Runner, queue.resource, {})
            check_suits(runner, spec.recipe.source, (*plan.entry_point, *plan.args))
            runner.check_args(plan.resource_args)
