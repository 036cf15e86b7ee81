"""The rules of the queue that need no database: leases, pauses, when a run began and ended, and why
an item waits.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from launchkit.model import ItemState, Pause, Queue, QueueItem
from launchkit.plain_text import shortened
from launchkit.shell_words import shell_command, shell_word

if TYPE_CHECKING:
    from launchkit.model import ItemReport

ONLINE_SECONDS = 45.0
"""An agent that was not seen for this long counts as gone."""
QUIET_SECONDS = 20.0
"""One that was not seen for this long missed a sign of life."""
MOST_TOLD = 8
"""Agents of which each tells why it claims nothing, where none does."""
REASON_CHARACTERS = 500
"""Of what one of them tells: it stands with each launch that waits."""


def horizon(now: float, lease: float) -> float:
    """Beyond this Unix time no honest lease ends: one that does was made before the clock was set
    back, and has lapsed.
    """
    return now + 2 * lease


def paused(pause: Pause | None, now: float) -> Pause | None:
    """The pause, unless it is over."""
    if pause is None or (pause.until is not None and pause.until <= now):
        return None
    return pause


def blocked(queue: Queue, leased: int, now: float) -> str | None:
    """Why nothing is claimed from *queue* while *leased* of its items are under way; or None."""
    if pause := paused(queue.pause, now):
        return f"queue {queue.name} is paused: {pause.reason} (by {pause.by})"
    limit = queue.spec.max_concurrent
    if limit is not None and leased >= limit:
        return f"queue {queue.name} is at its limit: {leased} of {limit} under way"
    return None


class ServingAgent(NamedTuple):
    """An agent that is online for a queue, as far as it tells why nothing is claimed."""

    name: str
    seen_at: float
    held: int
    """How many items it holds."""
    max_jobs: float
    draining: bool
    pause: Pause | None
    unable: str | None
    """Why it cannot run what the queue gives, although it has a runner for that."""
    has_runner: bool


def waiting(queue: Queue, leased: int, serving: Sequence[ServingAgent], now: float) -> str:
    """Why an item that is queued in *queue* was not claimed yet; of very many agents the first few
    are named.
    """
    if reason := blocked(queue, leased, now):
        return reason
    if not serving:
        return (
            f"no agent is online for queue {queue.name};"
            f" start one: launchkit agent -q {shell_word(queue.name)}"
        )
    why_not = [in_the_way(agent, queue.spec.resource) for agent in serving]
    free = [a for a, why in zip(serving, why_not, strict=True) if why is None]
    if not free:
        told = [shortened(why, REASON_CHARACTERS) for why in why_not[:MOST_TOLD] if why]
        more = len(serving) - len(told)
        return "; ".join([*told, f"and {more} more"] if more else told)
    last = max(free, key=lambda agent: agent.seen_at)
    if (silence := now - last.seen_at) > QUIET_SECONDS:
        return f"agent {last.name} may claim it, but was last seen {silence:.0f} s ago"
    return "an agent is about to claim it"


def in_the_way(agent: ServingAgent, resource: str) -> str | None:
    """Why an agent claims nothing of a resource kind from a queue that gives something; or None."""
    who = f"agent {agent.name}"
    if agent.pause:
        return agent_paused(agent.name, agent.pause)
    if agent.draining:
        return f"{who} is draining: it claims nothing more"
    if agent.unable is not None:
        return f"{who} cannot run it: {agent.unable}"
    if not agent.has_runner:
        return f"{who} has no runner for {resource}"
    if 0 <= agent.max_jobs <= agent.held:
        return f"{who} is at its limit: {agent.held} of {agent.max_jobs:.0f}"
    return None


def agent_paused(agent: str, pause: Pause) -> str:
    """Why an agent is given nothing."""
    return f"agent {agent} is paused: {pause.reason} (by {pause.by})"


def stopping(item: QueueItem) -> str:
    """What goes on in an item that was asked to end."""
    why = f": {item.stop_reason}" if item.stop_reason else ""
    how = (
        "it is ended by force"
        if item.stop_now
        else "it has its grace to end, then its output is stored"
    )
    return f"{item.stop_by} asked it to stop{why}; {how}"


def taken_again(former: str, agent: str) -> str:
    """Why *agent* was given an item that *former* had claimed."""
    if former == agent:
        return f"taken up again: agent {agent} fell silent, and is back"
    return f"taken over: agent {former} fell silent"


def silent(item: QueueItem, site: str | None) -> str:
    """Why an item that was claimed does not go on: its agent gives no sign of life."""
    who = f"an agent on {site}, where its run can be found again," if site else "the next agent"
    way_out = f"; if none ever comes: {shell_command('launchkit', 'stop', '--give-up', item.id)}"
    return (
        f"agent {item.agent} fell silent; {who} takes it over{way_out * bool(item.stop_requested)}"
    )


def started_at(
    report: "ItemReport", known: float | None, created: float, now: float
) -> float | None:
    """When an item began to run, by the queue's clock: what is known; when it was seen to run; or,
    where it was over before anybody looked, as long before that was told as it ran, and not before
    it was launched.
    """
    if known is not None:
        return float(known)
    if report.state is ItemState.RUNNING:
        return now
    if not report.state.ended or (ran := _ran(report)) is None:
        return None
    return float(max(created, now - ran))


def ended_at(report: "ItemReport", started: float | None, now: float) -> float:
    """When an item ended, by the queue's clock: as long after its start as it ran by another one,
    which may differ; and not after now.
    """
    ran = _ran(report)
    return now if started is None or ran is None else min(now, started + ran)


def _ran(report: "ItemReport") -> float | None:
    """How long it ran, if that is told and can be."""
    return report.ran if report.ran is not None and report.ran >= 0 else None
