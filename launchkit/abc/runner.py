"""Runners start submissions on some kind of compute; runs are what they started."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import anyio

from launchkit.abc.component import Component, Finding
from launchkit.abc.guard import Guarded
from launchkit.abc.output import Output
from launchkit.abc.policy import Policy
from launchkit.errors import OthersRun, RunLost
from launchkit.model import Json
from launchkit.plain_text import shortened

if TYPE_CHECKING:
    from launchkit.model import Attempt, LogChunk, RunStatus, Submission

POLL_SECONDS = 2.0


class Run(Guarded, ABC):
    """Something submitted that can be watched, read and cancelled."""

    ref: str
    """Its name in the infrastructure; `Runner.attach` finds it again by it."""
    warnings: Sequence[str] = ()
    """What the infrastructure warned of when it took the submission; the timeline gets it."""

    @abstractmethod
    async def status(self) -> "RunStatus":
        """Look once. An end has its exit code if it is known, is the same whoever looks later, and
        never changes. :raises RunLost: if the infrastructure no longer knows it.
        """

    @abstractmethod
    async def cancel(self, grace: float) -> None:
        """End it and all that it has started: politely, and after *grace* seconds by force.
        Returns as soon as it is verified gone, and it is stopped then, whatever its exit code is.
        Does nothing if it has ended; may be called again, and by several at once.
        """

    async def changed(self, last: "RunStatus") -> "RunStatus":
        """Wait for a status other than *last*; returns at once if it is another already. Waiting
        may be cancelled at any time, and ends nothing. Override where the infrastructure tells of
        changes by itself; this one polls.
        """
        while (now := await self.status()) == last:  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(POLL_SECONDS)
        return now

    async def logs(self, offset: int) -> "AsyncGenerator[LogChunk, None]":
        """What it prints, from byte *offset* on, until it has ended and all was given: each byte
        once and as it was printed, without gaps, also after an end or a silence. Reading may be
        given up at any time and begun again, and several may read at once.
        """
        return
        yield  # an empty stream is a stream too

    async def aclose(self) -> None:
        """Remove what the ended run left behind, in the infrastructure and in this process. Leaves
        a live run alone. Safe to call twice, and if another has removed it.
        """


class Runner(Component):
    """Starts submissions. The smallest one implements `submit`.

    An agent makes and starts a runner when a launch first needs it. A `LaunchError` of `start`
    fails that launch; after any other exception the launch goes back to its queue, and the agent
    claims nothing for this kind until `start` works, which it tries again from time to time.
    """

    seam: ClassVar[str] = "runner"

    needs_image: ClassVar[bool] = True
    """False: gets a directory with code."""
    survives_agent: ClassVar[bool] = True
    """False: its runs end with the agent."""
    mounts_code: ClassVar[bool] = False
    """True: can lay a directory with code into a container of an image that lacks it."""
    bound_to_site: ClassVar[bool] = False
    """True: its runs can be found again only from the same machine and state directory."""
    env_max_length: ClassVar[int] = 32670
    """Characters of a variable that it takes; longer ones of every run's are cut into pieces."""
    option_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of resource arguments, at any depth and in any spelling, that are options of their own
    although they hold other keys: in secure mode a word of the policy that names one opens all
    that is below it. Of others a word opens a value whose key it names, and `harmless_keys`.
    """
    expanding_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of resource arguments, in any spelling, below which its platform puts variables of the
    container in the place of `$(NAME)`. The queue's owner writes them there; what a launch brings
    stays as it is.
    """
    literal_ways: ClassVar[frozenset[tuple[str, ...]]] = frozenset()
    """Keys below each other, in any spelling, that lead to where it puts none all the same."""
    policy_class: ClassVar[type[Any] | None] = None
    """A frozen dataclass whose fields are this runner's own keys under `policy`; `Policy.part`
    gives its values.
    """

    @classmethod
    def harmless_keys(cls, args: Json) -> Collection[str | tuple[str, ...]]:
        """What a word of the policy for many resource arguments, such as `resource_args`, opens to
        launches in secure mode: what neither says which program runs nor reaches out of its place,
        such as amounts. Each is a key, or the keys that lead to it, without indices; behind a first
        `*` they may stand anywhere but below `option_keys`. A later `*` is any one key; an empty
        key at the end is for a value alone, which is no list and has nothing below. Pure.
        """
        return ()

    @classmethod
    def check_args(cls, args: Json) -> None:
        """Look at resource arguments, when a queue is made, at launch, and again at claim; needs
        no settings. Each line of the message begins with the key's path. Pure.

        :raises Rejected: if they are bad.
        """

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """JSON Schema of resource arguments, for editors and forms, and for telling which keys
        there are. `check_args` may look closer.
        """
        return {"type": "object"}

    @classmethod
    def starter_config(cls) -> str:
        """A queue's config to begin with: YAML with comments. Without a runner's own, the keys of
        its schema.
        """
        from launchkit.abc.starter import starter

        return starter(cls.kind, cls.args_schema())

    @classmethod
    def args_env(cls) -> tuple[str, ...]:
        """The keys of resource arguments that hold variables for a run on the agent's machine:
        a list of `NAME=value`, or a mapping.
        """
        return ()

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        """What the *policy* of the agent's owner forbids in resource arguments; each text names
        the key and the rule. What holds for all runners is looked at elsewhere. Pure.
        """
        return ()

    @classmethod
    def args_start(cls, submission: "Submission") -> bool:
        """Whether the arguments of a launch may be what its image runs, since no entry point
        stands before them. Pure.
        """
        return not submission.launch.entry_point

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        """What is to be said of the resource arguments of a queue, here and now: whether the agent
        has the rights that they want, and whether what they name is there. Template fields and
        macros are still in them. Changes nothing.
        """
        return ()

    def render(self, submission: "Submission") -> Json:
        """The exact request that `submit` would send, as data, with secrets masked. Pure: it
        changes neither the submission nor anything else.
        """
        return submission.resource_args

    def ref_of(self, submission: "Submission") -> str | None:
        """The ref that the run will have, if it can be told before: it is stored before `submit`,
        so that no crash can hide what was started. The same each time, and another for each name;
        nothing is started or left behind.
        """
        return None

    async def prepare(self, submission: "Submission", out: Output) -> None:
        """Get what the run will need, such as its image, and say so to *out*. It may take long,
        may be interrupted at any time, and is done again by the next agent. Starts nothing.

        :raises SubmitError: if it cannot be had.
        """

    async def release(self, submission: "Submission") -> None:
        """Give back what `prepare` took for a submission that is not under way, because it could
        not be submitted or was stopped before. Touches no run; may be repeated.
        """

    @abstractmethod
    async def submit(self, submission: "Submission") -> Run:
        """Start it, and return once it is begun. Submitting the same name again, later or at the
        same time, gives the run that is there already, also when it has ended; each attempt has a
        name of its own. The run gets the submission's variables as they are; a secret reaches no
        arguments, logs or records. The submission stays as it was. It is not interrupted, not even
        by a stop: where what comes before the start may take long, `await last_chance()`, of
        `launchkit.aio.carried_through`, in between; `discard` removes what is there then.

        :raises NotYet: if nothing was started, and `prepare` is to wait until it can be.
        :raises SubmitError: if it cannot be started.
        """

    async def require_own(self, ref: str, attempt: "Attempt") -> None:
        """See that what *ref* leads to is the run of this attempt, before `attach` or `discard`:
        the record may be of an agent that wants another's run. Changes nothing.
        Override where a ref does not end in the submission's name.

        :raises OthersRun: if it is the run of another.
        :raises RunLost: if it is gone, and `attach` would say so, too.
        :raises Elsewhere: as `attach` does.
        """
        if ref.rpartition("/")[2] != attempt.name:
            raise others_run(ref)

    async def attach(self, ref: str) -> Run:
        """Find a run that an earlier agent started, live or ended, and start nothing.

        :raises RunLost: if it is gone, or was never started.
        :raises Elsewhere: if *ref* is of a place where this runner cannot look, such as another
            region: the record may be wrong, and then only a stop ends the launch.
        """
        raise RunLost(f"runs of kind {self.kind} cannot be found again after their agent died")

    async def discard(self, ref: str) -> None:
        """Remove what is left of a submission that was not started and never will be, such as a
        container that an agent has made and not lived to start. Touches no run; may be repeated.
        """


def others_run(ref: str) -> OthersRun:
    """The error of `Runner.require_own`."""
    return OthersRun(
        f"{shortened(ref, 200)!r} is on record as the run of this launch, and is not its run",
        hint="an agent that had this launch before has stored it; that run is left alone",
    )
