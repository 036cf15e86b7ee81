"""Agents: what they said of themselves, and when."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from launchkit.codec import decode_json, encode_json
from launchkit.errors import AgentReplaced, ConfigError
from launchkit.model import AgentStatus, AgentView, Pause
from launchkit.model.names import is_agent_name
from launchkit.plain_text import without_last_word
from launchkit.store import topics
from launchkit.store.database import Body, Row, Tx
from launchkit.store.locks import holders_of, topic_of
from launchkit.store.rows import agent_of, understood
from launchkit.store.rules import ONLINE_SECONDS, REASON_CHARACTERS, ServingAgent

T = TypeVar("T")
SHOWN_SECONDS = 24 * 3600
MAX_STATUS = 64 * 2**10
"""Of what an agent says of itself, as JSON: it stands in a list with all others."""
LEFT = ""
"""The session of an agent that has left: what it sent before, and comes now, is refused."""


class List(NamedTuple):
    """The agents that were seen within a day, or are paused."""

    entity: str

    async def __call__(self, tx: Tx) -> list[AgentView]:
        rows = await tx.all("agents", entity=self.entity, since=tx.now - SHOWN_SECONDS)
        return [agent_of(row, tx.now - ONLINE_SECONDS) for row in rows]


class Register(NamedTuple):
    """Begin the session of an agent. One of the same name that stands is replaced: what it asks
    from now on is refused, its locks are free, and its leases lapse now. Said again, it changes
    nothing.
    """

    entity: str
    status: AgentStatus
    session: str

    async def __call__(self, tx: Tx) -> None:
        from launchkit.store.agent_room import make_room, take_turn  # for agents alone

        name = self.status.name
        require_agent_name(name)
        former = await tx.one("session_of", entity=self.entity, name=name)
        if former and former["session"] == self.session:
            return
        await take_turn(tx, self.entity)
        await tx.all("forget_those_who_left", entity=self.entity, name=name, left=LEFT)
        status = status_text(self.status)
        await make_room(tx, self.entity, name, status)
        await tx.all(
            "register_agent", entity=self.entity, name=name, status=status, session=self.session
        )
        if former and former["session"]:
            await _free_what_it_held(tx, self.entity, name)
            tx.publish(topics.of_agent(self.entity, name))


class Forget(NamedTuple):
    """Remove an agent that has ended, or is known to be dead: its leases lapse now. A pause of it
    stays. The end of one that was replaced changes nothing.
    """

    entity: str
    name: str
    dead: bool
    session: str | None = None

    async def __call__(self, tx: Tx) -> None:
        require_agent_name(self.name)
        if await _replaced(tx, self.entity, self.name, self.session):
            return
        if self.session is None:
            await tx.all("forget_agent", entity=self.entity, name=self.name)
        await tx.all("part_with_agent", entity=self.entity, name=self.name, left=LEFT)
        if self.dead:
            await _free_what_it_held(tx, self.entity, self.name)


class InSession(NamedTuple, Generic[T]):
    """Do what *act* does, unless the agent was replaced.

    :raises AgentReplaced: if an agent of that name has registered since *session* began.
    """

    entity: str
    name: str
    session: str | None
    act: Body[T]

    async def __call__(self, tx: Tx) -> T:
        await require_session(tx, self.entity, self.name, self.session)
        return await self.act(tx)


def status_text(status: AgentStatus) -> str:
    """What an agent says of itself, as it is kept. :raises ConfigError: if that is too much."""
    text = encode_json(status)
    if len(text) > MAX_STATUS:
        raise ConfigError(
            f"status: {len(text)} bytes of JSON, and an agent says {MAX_STATUS} of itself at most",
            hint="name fewer queues in its launch-config.yaml",
        )
    return text


def require_agent_name(name: str) -> None:
    """:raises ConfigError: if no agent may be called so."""
    if not is_agent_name(name):
        raise ConfigError(
            f"{name[:140]!r} is no name of an agent: up to 128 letters, digits and any of . _ -,"
            " beginning with a letter or a digit",
            hint="set `name:` in its launch-config.yaml",
        )


async def require_session(tx: Tx, entity: str, name: str, session: str | None) -> None:
    """:raises AgentReplaced: if an agent of that name has registered since *session* began.
    :raises ConfigError: if no agent may be called so.
    """
    require_agent_name(name)
    if await _replaced(tx, entity, name, session):
        raise AgentReplaced(
            f"an agent named {name} was started anew, and has taken the place of this one",
            hint="if both are wanted, give each a name of its own",
        )


async def _replaced(tx: Tx, entity: str, name: str, session: str | None) -> bool:
    if session is None:
        return False
    row = await tx.one("session_of", entity=entity, name=name)
    return row is not None and row["session"] not in {None, session}


async def _free_what_it_held(tx: Tx, entity: str, name: str) -> None:
    own = holders_of(entity, name)
    for lock in await tx.all("free_locks_of", own=own, size=len(own)):
        tx.publish(topic_of(lock["name"]))
    for row in await tx.all("lapse_leases_of", entity=entity, agent=name):
        tx.publish(f"queue:{row['queue_id']}")


async def agents_for(tx: Tx, queue: Row) -> Sequence[ServingAgent]:
    """Those that are online for a row of `queue`, in the order of their names. Of what each says of
    itself, only what tells why nothing is claimed is taken out of the database, since it is asked
    for with each list of what waits.
    """
    rows = await tx.all(
        "serving",
        entity=queue["entity"],
        queue=queue["name"],
        resource=queue["resource"],
        since=tx.now - ONLINE_SECONDS,
        most=REASON_CHARACTERS,
    )
    return [_serving(row) for row in rows]


def _serving(row: Row) -> ServingAgent:
    with understood("what an agent has said"):
        return ServingAgent(
            name=row["name"],
            seen_at=row["seen_at"],
            held=row["held"],
            max_jobs=row["max_jobs"],
            draining=bool(row["drain"] or row["draining"]),
            pause=decode_json(Pause, row["pause"]) if row["pause"] else None,
            unable=_reason(row),
            has_runner=bool(row["has_runner"]),
        )


def _reason(row: Row) -> str | None:
    text: str | None = row["unable"]
    if text is None or not row["unable_more"]:
        return text
    return f"{without_last_word(text).rstrip()} …"
