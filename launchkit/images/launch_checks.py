"""What is known to be wrong with a launch before it is put into a queue."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from anyio.to_thread import run_sync

from launchkit.abc import Runner
from launchkit.errors import Rejected
from launchkit.images.delivery import BuiltImage, Traits, Wanted, delivery_of
from launchkit.model import AgentView, Json, LaunchSpec, QueueSpec
from launchkit.plugins import Plugins
from launchkit.resolving.resolve import Choices, telling_no_secrets_of, validate_launch

HIDDEN = "…"

Agents = Callable[[], Awaitable[Sequence[AgentView]]]
"""Asks which agents there are."""
T = TypeVar("T")


class InThread(Protocol):
    """Does work that takes long."""

    async def __call__(self, work: Callable[[], T], /) -> T:
        """Do it beside all else."""


async def check_launch(
    queue: QueueSpec,
    spec: LaunchSpec,
    agents: Agents,
    plugins: Plugins,
    in_thread: InThread = run_sync,
) -> Choices:
    """What the launch comes to; the queue's runner is asked, where it is installed here too, unless
    some of the queue's config is hidden from who asks: the agent asks it then. A large queue takes
    long to look at, which is done *in_thread*.

    :raises Rejected: if the queue or its runner does not allow what is asked; it tells none of the
        queue's secrets.
    """
    runner = plugins.find(Runner, queue.resource)
    plan, builds = await in_thread(partial(_checked, queue, spec, runner))
    if builds is not None and (absent := await _no_builder(queue.name, agents)):
        await in_thread(partial(_require_builder, queue, builds, absent))
    return plan


def _checked(
    queue: QueueSpec, spec: LaunchSpec, runner: type[Runner] | None
) -> tuple[Choices, tuple[Wanted, Traits] | None]:
    """The plan, and if an image is to be built, what is wanted of whom."""
    plan = validate_launch(queue, spec, runner)
    if runner is None:
        return plan, None
    traits, wanted = Traits.of(runner), Wanted.asked(spec.recipe, plan)
    with telling_no_secrets_of(queue):
        delivery = delivery_of(wanted, traits)
        try:
            runner.check_args(plan.resource_args)
        except Rejected:
            if not _is_hidden(plan.resource_args):
                raise
    return plan, (wanted, traits) if isinstance(delivery, BuiltImage) else None


def _require_builder(queue: QueueSpec, builds: tuple[Wanted, Traits], absent: str) -> None:
    with telling_no_secrets_of(queue):
        delivery_of(*builds, absent)


def _is_hidden(args: Json) -> bool:
    from launchkit.resolving.nested import texts

    return any(HIDDEN in text for _, text in texts(args))


async def _no_builder(queue: str, agents: Agents) -> str | None:
    """Why no image is built for a queue; None if an agent builds some, or no agent is there."""
    views = [view for view in await agents() if view.online]
    serving = [view.status for view in views if queue in view.status.queues]
    if not serving or any(status.builds for status in serving):
        return None
    names = ", ".join(status.name for status in serving)
    return f"no agent of queue {queue} builds any (builder noop): {names}"
