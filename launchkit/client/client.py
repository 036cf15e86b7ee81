"""The client: queues, jobs and launches of one entity."""

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from launchkit.abc import Hub, ItemView, LaunchRequest, QueueView, Runner, Selection
from launchkit.client.handle import WAIT_SECONDS, LaunchHandle
from launchkit.errors import Rejected
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

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from launchkit.abc import AgentChange, Change, Changed
    from launchkit.client.inputs import Text, Words
    from launchkit.client.queue_handle import QueueHandle
    from launchkit.resolving.resolve import Choices


class Client:
    """Queues, jobs and launches of one entity at one queue service."""

    actor: str
    """Whose name stands in the record."""
    entity: str

    def __init__(
        self,
        hub: Hub,
        actor: str,
        entity: str,
        plugins: Plugins,
        tracer: "Tracer | None" = None,
    ) -> None:
        self.hub = hub
        self.actor = actor
        self.entity = entity
        self._plugins = plugins
        self._tracer = tracer

    def __repr__(self) -> str:
        """Whose client it is."""
        return f"<client of {self.entity} as {self.actor}>"

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
        :raises Rejected: if the runner, where it is installed here, does not accept the config.
        :raises Conflict: if there is a queue of that name.
        """
        from launchkit.client import inputs

        spec = QueueSpec(
            name=inputs.text(name, "name"),
            resource=inputs.text(resource, "resource"),
            config=inputs.json_mapping(config, "config"),
            variables=inputs.definitions(variables),
            prioritization=prioritization,
            max_concurrent=max_concurrent,
        )
        return await self.add_queue(spec)

    async def add_queue(self, spec: QueueSpec) -> Queue:
        """Make a queue; what `create_queue` does when it has read its arguments."""
        await self.check_queue(spec)
        return await self.hub.queues().create(spec, self.actor)

    async def check_queue(self, spec: QueueSpec) -> None:
        """Show a config to its runner if that is installed here, with the defaults of its
        variables, and with values that fit those that have none; what is wrong with one such value
        alone is told when something is launched.

        :raises ConfigError: if no queue can be like this.
        :raises Rejected: if the runner does not accept it.
        """
        from launchkit.resolving.queue_checks import check_queue, check_secrets
        from launchkit.resolving.samples import check_config_of

        check_queue(spec)
        check_secrets(spec)
        if runner := self._plugins.find(Runner, spec.resource):
            check_config_of(spec, runner)

    async def queue(self, name: str) -> "QueueHandle":
        """A handle on one queue. :raises NotFound: if there is none."""
        from launchkit.client import inputs
        from launchkit.client.queue_handle import QueueHandle

        return QueueHandle(self, await self.hub.queues().get(inputs.text(name, "queue")))

    async def queues(self) -> Sequence[QueueView]:
        """All queues, by name."""
        return await self.hub.queues().list()

    async def edit_queue(self, spec: QueueSpec, *, if_version: int | None = None) -> Queue:
        """Replace config, variables and limits of the queue named `spec.name`.

        :raises Rejected: if the runner, where it is installed here, does not accept the config.
        :raises Conflict: if its version is not *if_version* any more.
        """
        await self.check_queue(spec)
        queue = await self._found(spec.name)
        return await self.hub.queues().update(
            spec, self.actor, pause=queue.pause, if_version=if_version
        )

    async def pause_queue(self, name: str, reason: str, *, until: float | None = None) -> Queue:
        """Claim nothing from a queue until *until* (Unix time) or `resume_queue`; what is under
        way goes on. :raises NotFound: if there is no such queue.
        """
        queue = await self._found(name)
        pause = Pause(reason=reason, by=self.actor, at=time.time(), until=until)
        return await self.hub.queues().update(
            queue.spec, self.actor, pause=pause, if_version=queue.version
        )

    async def resume_queue(self, name: str) -> Queue:
        """End a pause. :raises NotFound: if there is no such queue."""
        queue = await self._found(name)
        return await self.hub.queues().update(
            queue.spec, self.actor, pause=None, if_version=queue.version
        )

    async def delete_queue(self, name: str, *, force: bool = False) -> int:
        """Remove a queue; gives how many waiting launches were stopped with it.

        :raises Conflict: if launches are under way, or wait and *force* is not given.
        """
        return await self.hub.queues().delete(name, self.actor, force=force)

    async def create_job(
        self, name: str, recipe: Recipe, *, aliases: Sequence[str] = ()
    ) -> tuple[JobVersion, bool]:
        """Add a version to a job, unless an equal one exists; gives it, and whether it is new. A
        branch or tag of a repository becomes the commit that it means now.

        :raises FetchError: if the repository is to be asked for that and cannot be reached.
        """
        from launchkit.client.source import pinned

        recipe = replace(recipe, source=await pinned(recipe.source, self._plugins))
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
        uri: "str | PathLike[str] | None" = None,
        ref: str | None = None,
        store: bool = True,
    ) -> tuple[Recipe, str | None]:
        """The recipe that one of *job*, *image* and *uri* names, and the job's reference if any.

        *uri* is a git address, of which *ref* is a branch, tag or commit, or a directory, which is
        packed and stored; without *store* it is packed only.

        :raises Rejected: if not exactly one is given.
        """
        from launchkit.client import inputs
        from launchkit.client.source import source_of

        given = [word for word in (job, image, uri) if word is not None]
        if len(given) != 1:
            raise Rejected(
                f"a launch needs exactly one of job, image and uri; {len(given)} were given",
                hint="-j JOB, -d IMAGE or -u URI",
            )
        if job is not None:
            found = await self.job(inputs.text(job, "job"))
            return found.recipe, found.reference
        if image is not None:
            return Recipe(source=ImageSource(image=inputs.text(image, "image"))), None
        where = inputs.text(uri, "uri")
        source = await source_of(where, ref, self.hub.jobs(), self._plugins, store=store)
        return Recipe(source=source), None

    async def launch(
        self,
        queue: str,
        *,
        job: str | None = None,
        image: str | None = None,
        uri: "str | PathLike[str] | None" = None,
        ref: str | None = None,
        entry_point: "Words | None" = None,
        args: "Words | None" = None,
        env: "Mapping[str, Text | None] | None" = None,
        config: Json | None = None,
        resource_args: Json | None = None,
        variables: Mapping[str, Scalar] | None = None,
        priority: Priority | str | int | None = None,
        name: str | int | None = None,
        project: str = "default",
        timeouts: Timeouts | Mapping[str, float] | None = None,
        idempotency_key: str | None = None,
    ) -> LaunchHandle:
        """Put a launch into a queue. Give exactly one of *job*, *image* and *uri*.

        A command may be one text, which is split as a shell does; numbers and paths stand for
        their texts.

        :raises NotFound: if there is no such queue or job.
        :raises Rejected: if the queue does not allow what is asked.
        :raises Conflict: if the idempotency key stands for another request.
        """
        from launchkit.client import inputs

        recipe, reference = await self.recipe(job=job, image=image, uri=uri, ref=ref)
        spec = LaunchSpec(
            recipe=recipe,
            job=reference,
            project=inputs.text(project, "project"),
            name=inputs.optional_text(name, "name"),
            overrides=Overrides(
                entry_point=inputs.words(entry_point, "entry_point"),
                args=inputs.words(args, "args"),
                env=inputs.variables_of_env(env),
                config=inputs.json_mapping(config, "config"),
                resource_args=inputs.json_mapping(resource_args, "resource_args"),
            ),
            template_variables=inputs.scalars(variables, "variables"),
            timeouts=inputs.timeouts_of(timeouts),
        )
        level = inputs.priority_of(priority)
        return await self.submit(queue, spec, priority=level, idempotency_key=idempotency_key)

    async def submit(
        self,
        queue: str,
        spec: LaunchSpec,
        *,
        priority: Priority | None = None,
        idempotency_key: str | None = None,
    ) -> LaunchHandle:
        """Put a complete launch into a queue; what `launch` does when it has read its arguments.

        :raises NotFound: if there is no such queue.
        :raises Rejected: if the queue does not allow what is asked.
        :raises Conflict: if the idempotency key stands for another request.
        """
        request = LaunchRequest(
            spec=spec,
            actor=self.actor,
            priority=priority,
            idempotency_key=idempotency_key,
        )
        return await self._put(queue, request)

    async def check_launch(self, queue: str, spec: LaunchSpec) -> "Choices":
        """What a launch in a queue would come to; nothing is launched.

        :raises NotFound: if there is no such queue.
        :raises Rejected: if `submit` would refuse it.
        """
        from launchkit.images.launch_checks import check_launch

        found = await self._found(queue)
        return await check_launch(found.spec, spec, self.hub.agents, self._plugins)

    async def repeat(self, ref: str) -> LaunchHandle:
        """Launch again what was launched before, named as for `launched`: a new launch with the
        same request, of this client's actor, in the same queue.

        :raises NotFound: if there is no such launch, or its queue is gone.
        :raises Rejected: if the queue does not allow it any more.
        """
        item = (await self.launched(ref)).item
        queue = (await self._found(item.queue)).spec
        return await self._put(item.queue, LaunchRequest.repeating(item, queue, self.actor))

    async def launched(self, ref: str) -> LaunchHandle:
        """A handle on a launch, by item id, run id, or name if only one has it.

        :raises NotFound: if there is none.
        :raises Conflict: if several launches have that name.
        """
        return LaunchHandle(self, (await self.hub.launches().get(ref)).item)

    async def launches(
        self,
        *,
        queue: str | None = None,
        states: Collection[ItemState] | None = None,
        author: str | None = None,
        agent: str | None = None,
        name: str | None = None,
        since: float | None = None,
        limit: int = 100,
    ) -> Sequence[ItemView]:
        """Launches, newest first: those of a queue, in one of *states*, of an author, that an
        agent holds or held, whose run's name fits a pattern such as `sweep-*`, and made since a
        Unix time; None is all.
        """
        return await self.select(
            Selection(
                queue=queue,
                states=states,
                author=author,
                agent=agent,
                name=name,
                since=since,
                limit=limit,
            )
        )

    async def select(self, selection: Selection) -> Sequence[ItemView]:
        """Launches, newest first; what `launches` does when it has read its arguments."""
        return await self.hub.launches().list(selection)

    async def watch(self, selection: Selection) -> AsyncIterator[Sequence[ItemView]]:
        """Launches as `select` gives them, now and again whenever something may have changed."""
        seen, wait = 0, 0.0
        while True:
            events = await self.hub.launches().changed(None, seen, wait)
            seen, wait = max([seen, *(event.id for event in events)]), WAIT_SECONDS
            yield await self.select(selection)

    async def change_all(self, selection: Selection, change: "Change") -> "Sequence[Changed]":
        """Change all launches that *selection* matches, at most its limit, each for itself; says
        of each what became of it.
        """
        return await self.hub.launches().change_all(selection, change, self.actor)

    async def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately, and those that are paused."""
        return await self.hub.agents()

    async def change_agent(self, name: str, change: "AgentChange") -> None:
        """Let an agent end with `Drain`, give it nothing with `PauseAgent`, or launches again with
        `ResumeAgent`; all are in `launchkit.abc`.

        :raises NotFound: if no agent of that name was seen lately.
        """
        await self.hub.change_agent(name, change, self.actor)

    async def _found(self, queue: str) -> Queue:
        from launchkit.client import inputs

        return await self.hub.queues().find(inputs.text(queue, "queue"))

    async def _put(self, queue: str, request: LaunchRequest) -> LaunchHandle:
        from launchkit.images.launch_checks import check_launch
        from launchkit.observe import launching

        spec = (await self._found(queue)).spec
        await check_launch(spec, request.spec, self.hub.agents, self._plugins)
        with launching(self._tracer, spec.name, request.spec) as traced:
            item = await self.hub.launches().launch(spec.name, replace(request, spec=traced))
        return LaunchHandle(self, item)
