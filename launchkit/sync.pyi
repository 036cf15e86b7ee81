"""The client for programs without an event loop: `with launchkit.sync.connect() as client: …`.

Each call blocks until it is done, and each async iterator is an iterator.
"""

# Made by tests/client/stub.py.

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path

from launchkit.abc import AgentChange, Change, Changed, ItemView, QueueView, Selection
from launchkit.client.inputs import Text, Words
from launchkit.model import (
    AgentView,
    Event,
    ItemState,
    JobVersion,
    Json,
    LaunchSpec,
    LogChunk,
    Pause,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    Scalar,
    Timeouts,
    Variable,
)
from launchkit.plugins import Plugins
from launchkit.resolving.resolve import Choices

def connect(
    url: str | None = None,
    *,
    entity: str | None = None,
    actor: str | None = None,
    config: Path | str | None = None,
    plugins: Plugins | None = None,
) -> AbstractContextManager[Client]:
    """Open a queue service for the time of the context, which any task may leave.

    *url* and *entity* default to what *config* (by default launch-config.yaml) and the environment
    say; *actor*, whose name stands in the record, to the login name.

    :raises ConfigError: if the URL or launch-config.yaml is wrong.
    :raises PluginError: if no plugin serves the URL's scheme.
    :raises Unreachable: if the service cannot be reached.
    """

class Client:
    """Queues, jobs and launches of one entity at one queue service."""

    @property
    def actor(self) -> str: ...
    @property
    def entity(self) -> str: ...
    def create_queue(
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
    def add_queue(self, spec: QueueSpec) -> Queue:
        """Make a queue; what `create_queue` does when it has read its arguments."""
    def check_queue(self, spec: QueueSpec) -> None:
        """Show a config to its runner if that is installed here, with the defaults of its
        variables, and with values that fit those that have none; what is wrong with one such value
        alone is told when something is launched.

        :raises ConfigError: if no queue can be like this.
        :raises Rejected: if the runner does not accept it.
        """
    def queue(self, name: str) -> QueueHandle:
        """A handle on one queue. :raises NotFound: if there is none."""
    def queues(self) -> Sequence[QueueView]:
        """All queues, by name."""
    def edit_queue(self, spec: QueueSpec, *, if_version: int | None = None) -> Queue:
        """Replace config, variables and limits of the queue named `spec.name`.

        :raises Rejected: if the runner, where it is installed here, does not accept the config.
        :raises Conflict: if its version is not *if_version* any more.
        """
    def pause_queue(self, name: str, reason: str, *, until: float | None = None) -> Queue:
        """Claim nothing from a queue until *until* (Unix time) or `resume_queue`; what is under
        way goes on. :raises NotFound: if there is no such queue.
        """
    def resume_queue(self, name: str) -> Queue:
        """End a pause. :raises NotFound: if there is no such queue."""
    def delete_queue(self, name: str, *, force: bool = False) -> int:
        """Remove a queue; gives how many waiting launches were stopped with it.

        :raises Conflict: if launches are under way, or wait and *force* is not given.
        """
    def create_job(
        self,
        name: str,
        recipe: Recipe,
        *,
        aliases: Sequence[str] = (),
    ) -> tuple[JobVersion, bool]:
        """Add a version to a job, unless an equal one exists; gives it, and whether it is new. A
        branch or tag of a repository becomes the commit that it means now.

        :raises FetchError: if the repository is to be asked for that and cannot be reached.
        """
    def job(self, reference: str) -> JobVersion:
        """`name`, `name:alias` or `name:vN`. :raises NotFound: if there is none."""
    def jobs(self, name: str | None = None) -> Sequence[JobVersion]:
        """All versions of one job, or the latest of each."""
    def recipe(
        self,
        *,
        job: str | None = None,
        image: str | None = None,
        uri: str | PathLike[str] | None = None,
        ref: str | None = None,
        store: bool = True,
    ) -> tuple[Recipe, str | None]:
        """The recipe that one of *job*, *image* and *uri* names, and the job's reference if any.

        *uri* is a git address, of which *ref* is a branch, tag or commit, or a directory, which is
        packed and stored; without *store* it is packed only.

        :raises Rejected: if not exactly one is given.
        """
    def launch(
        self,
        queue: str,
        *,
        job: str | None = None,
        image: str | None = None,
        uri: str | PathLike[str] | None = None,
        ref: str | None = None,
        entry_point: Words | None = None,
        args: Words | None = None,
        env: Mapping[str, Text | None] | None = None,
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
    def submit(
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
    def check_launch(self, queue: str, spec: LaunchSpec) -> Choices:
        """What a launch in a queue would come to; nothing is launched.

        :raises NotFound: if there is no such queue.
        :raises Rejected: if `submit` would refuse it.
        """
    def repeat(self, ref: str) -> LaunchHandle:
        """Launch again what was launched before, named as for `launched`: a new launch with the
        same request, of this client's actor, in the same queue.

        :raises NotFound: if there is no such launch, or its queue is gone.
        :raises Rejected: if the queue does not allow it any more.
        """
    def launched(self, ref: str) -> LaunchHandle:
        """A handle on a launch, by item id, run id, or name if only one has it.

        :raises NotFound: if there is none.
        :raises Conflict: if several launches have that name.
        """
    def launches(
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
    def select(self, selection: Selection) -> Sequence[ItemView]:
        """Launches, newest first; what `launches` does when it has read its arguments."""
    def watch(self, selection: Selection) -> Iterator[Sequence[ItemView]]:
        """Launches as `select` gives them, now and again whenever something may have changed."""
    def change_all(self, selection: Selection, change: Change) -> Sequence[Changed]:
        """Change all launches that *selection* matches, at most its limit, each for itself; says
        of each what became of it.
        """
    def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately, and those that are paused."""
    def change_agent(self, name: str, change: AgentChange) -> None:
        """Let an agent end with `Drain`, give it nothing with `PauseAgent`, or launches again with
        `ResumeAgent`; all are in `launchkit.abc`.

        :raises NotFound: if no agent of that name was seen lately.
        """

class LaunchHandle:
    """One launch: look at it, wait for it, read its log, stop it, launch it again."""

    @property
    def item(self) -> QueueItem: ...
    @property
    def id(self) -> str:
        """The item's id."""
    @property
    def run_id(self) -> str:
        """The run's id, the same for all attempts."""
    def view(self) -> ItemView:
        """Look at it again: with its position and why it waits, if it does."""
    def wait(self, timeout: float | None = None) -> QueueItem:
        """Wait until it has ended. :raises TimeoutError: after *timeout* seconds."""
    def wait_until(self, *, timeout: float | None = None) -> QueueItem:
        """Wait until it is in one of *states*, or has ended.

        :raises TimeoutError: after *timeout* seconds.
        """
    def changes(self, since: int = 0) -> Iterator[Event]:
        """Its events after the one with id *since*, as they happen, until it has ended."""
    def events(self, since: int = 0) -> Sequence[Event]:
        """What has happened to it so far, after the event with id *since*."""
    def output(
        self,
        *,
        follow: bool = False,
        attempt: int | None = None,
        offset: int = 0,
    ) -> Iterator[LogChunk]:
        """What its run printed, as raw bytes with their offsets; with *follow* until it has ended.

        An interrupted reader goes on with `offset` = where it stopped.
        """
    def logs(self, *, follow: bool = False, attempt: int | None = None) -> Iterator[str]:
        """What its run printed, line by line; bytes that are not UTF-8 are replaced. A line of more
        than a million characters comes in parts.
        """
    def stop(self, reason: str | None = None, *, now: bool = False) -> QueueItem:
        """Ask that it end; `wait` tells when it has. With *now* it gets no grace, also if it was
        asked before.
        """
    def give_up(self, reason: str | None = None) -> QueueItem:
        """End it as failed, though nobody can look whether its run is over: its agent fell silent,
        and never comes back.

        :raises Conflict: if it waits, or its agent gives signs of life.
        """
    def hold(self, reason: str) -> QueueItem:
        """Keep it from being claimed until it is requeued.

        :raises Conflict: if it does not wait.
        """
    def requeue(self) -> LaunchHandle:
        """Put one that is held back into its queue; launch one that has ended again, which gives
        the new launch.

        :raises Conflict: if it is under way.
        """
    def set_priority(self, level: Priority) -> QueueItem:
        """Give it another priority while it waits.

        :raises Conflict: if it does not wait.
        :raises Rejected: if its queue has no prioritization.
        """
    def move(self, queue: str) -> QueueItem:
        """Put it into another queue while it waits, at the place of the time of its launch.

        :raises NotFound: if there is no such queue.
        :raises Conflict: if it does not wait.
        :raises Rejected: if that queue does not allow what it asks.
        """

class QueueHandle:
    """One queue: look at it, launch into it, pause it."""

    @property
    def queue(self) -> Queue: ...
    @property
    def counts(self) -> Mapping[ItemState, int]: ...
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def config(self) -> Json:
        """What its runs are made of."""
    @property
    def paused(self) -> Pause | None:
        """Why nothing is claimed from it, if so."""
    def view(self) -> QueueView:
        """Look at it again."""
    def launch(self) -> LaunchHandle:
        """Put a launch into it; *what* are the arguments of `Client.launch`."""
    def launches(self) -> Sequence[ItemView]:
        """Its launches, newest first; *which* are the arguments of `Client.launches`."""
    def pause(self, reason: str, *, until: float | None = None) -> Queue:
        """Claim nothing from it until *until* (Unix time) or `resume`."""
    def resume(self) -> Queue:
        """End a pause."""
