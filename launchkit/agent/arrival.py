"""How an agent comes to its queues: it meets their backend, sees that they exist, and frees what
dead agents of its machine held.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
import anyio.to_thread

from launchkit.abc import Site
from launchkit.agent.kit import Kit, start_backend
from launchkit.agent.prepare import clear_work
from launchkit.agent.presence import reap_dead_agents
from launchkit.aio.retry import Backoff, pauses
from launchkit.aio.trouble import Trouble
from launchkit.errors import NotFound, QueueError, Unreachable
from launchkit.model import AgentCapacity
from launchkit.observe import journal
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings

logger = logging.getLogger("launchkit.agent")

BACKEND_SECONDS = 60.0
"""How long an agent that is started waits for a queue that is away."""
ANSWER_SECONDS = 10.0


async def meet_queue(
    settings: AgentSettings,
    plugins: Plugins,
    stack: AsyncExitStack,
    site: Site,
    stopped: anyio.Event,
) -> Site | None:
    """The site with the queue's backend; a queue that is away is waited for. None if the agent is
    to end before it is there.

    :raises Unreachable: if it stays away.
    """
    began = anyio.current_time()
    trouble = Trouble(journal(logger, site.agent).of("arrive"), "the queue")
    for pause in pauses(Backoff()):
        try:
            return await start_backend(settings, plugins, stack, site)
        except Unreachable as exc:
            if anyio.current_time() - began > BACKEND_SECONDS:
                raise
            trouble.tell(exc)
        with anyio.move_on_after(pause):
            await stopped.wait()
            return None
    return None


async def arrive(kit: Kit, queues: Sequence[str], capacity: AgentCapacity) -> Mapping[str, str]:
    """Free what dead agents of this machine held, also one that had this name, and look at the
    queues; gives what is in the way of each. A queue that is away is looked at later.

    :raises NotFound: naming all queues that do not exist.
    """
    site = kit.site
    await anyio.to_thread.run_sync(clear_work, site.state_dir, site.agent)  # nothing is made yet
    try:
        await free_what_the_dead_held(kit)
        return await _look_at(queues, kit, capacity)
    except Unreachable as exc:
        journal(logger, kit.site.agent).warning("%s; trying again", exc, action="arrive")
        return {}


async def obstacle(queue: str, kit: Kit, capacity: AgentCapacity) -> str:
    """Why the queue gives nothing now, or an empty text."""
    return await kit.backend.blocked(queue, capacity) or ""


async def free_what_the_dead_held(kit: Kit) -> None:
    """Tell the queue of agents of this machine that died without a word.

    :raises Unreachable: if the queue could not be told; it is to be told again.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            await reap_dead_agents(kit.site.state_dir / "agents", lambda name: _reap(name, kit))
    except TimeoutError as exc:
        raise Unreachable(f"the queue has not answered within {ANSWER_SECONDS:g} s") from exc


async def _look_at(queues: Sequence[str], kit: Kit, capacity: AgentCapacity) -> Mapping[str, str]:
    found: dict[str, str] = {}
    unknown: list[NotFound] = []
    for queue in queues:
        try:
            found[queue] = await obstacle(queue, kit, capacity)
        except NotFound as exc:
            unknown.append(exc)
    if unknown:
        hints = [exc.hint for exc in unknown if exc.hint]
        raise NotFound("\n".join(exc.message for exc in unknown), hint="\n".join(hints) or None)
    return found


async def _reap(name: str, kit: Kit) -> None:
    log = journal(logger, kit.site.agent)
    await anyio.to_thread.run_sync(clear_work, kit.site.state_dir, name)
    try:
        await kit.backend.leave(name, dead=True)
    except Unreachable:
        raise
    except QueueError as exc:
        message = "agent %s died without a word: %s; its leases end by themselves"
        log.warning(message, name, exc, action="reap")
    else:
        message = "agent %s died without a word; its launches are taken over"
        log.warning(message, name, action="reap")
