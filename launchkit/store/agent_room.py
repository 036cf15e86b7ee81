"""How many agents of an entity are known: all of them stand in one list."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from launchkit.errors import ConfigError, Conflict
from launchkit.store.database import Row, Tx

ROOM = 4 * 2**20
"""Characters that the agents of an entity say of themselves, together; the paused ones, with their
pauses, have as many of their own.
"""
LEAST = 2 * 2**10
"""So many count for each, however little it says: it stands in a list, too."""


async def make_room(tx: Tx, entity: str, name: str, status: str) -> None:
    """Forget others of the entity, if there is no room for what an agent says of itself: of those
    that say the most together, of all that one token is for or that no agent's token is for, the
    one that was seen longest ago. So nobody loses a fair share to those that say much. A paused one
    stays.

    :raises ConfigError: if it says more than any others of the entity say together.
    :raises Conflict: if it is paused, and the paused ones have no more room.
    """
    known = await tx.one("size_of_agent", entity=entity, name=name)
    pause = (known["pause"] or 0) if known else 0
    wanted = max(LEAST, len(status) + pause)
    if known and _size(known) >= wanted:
        return
    await take_turn(tx, entity)
    if pause:
        await require_room_of_paused(tx, entity, name, wanted)
        return
    rows = await tx.all("agents_by_time", entity=entity, name=name)
    others = [row for row in rows if not row["pause"]]
    excess = wanted + sum(map(_size, others)) - ROOM
    if excess <= 0:
        return
    owners = {row["name"] for row in await tx.all("agents_of_tokens", entity=entity)}
    mine = _owner(name, owners)
    parts: dict[str | None, list[Row]] = defaultdict(list)
    for row in others:
        parts[_owner(row["name"], owners)].append(row)
    for one in _in_excess(parts, mine, wanted, excess):
        await tx.all("forget_agent", entity=entity, name=one)


async def require_room_of_paused(tx: Tx, entity: str, name: str, size: int) -> None:
    """:raises Conflict: if an agent that says so much, with its pause, is one too many of those
    that are paused.
    """
    rows = await tx.all("agents_by_time", entity=entity, name=name)
    if max(LEAST, size) + sum(_size(row) for row in rows if row["pause"]) > ROOM:
        raise Conflict(
            f"agent {name} has no room among the paused ones of {entity}, which stay known: they"
            f" have {ROOM} characters together",
            hint="resume those that are gone: launchkit agents shows them",
        )


async def take_turn(tx: Tx, entity: str) -> None:
    """Let those who make agents known, or pause them, do so one after the other."""
    await tx.all("turn", what="agents", of=entity)


def _in_excess(
    parts: Mapping[str | None, Sequence[Row]], mine: str | None, wanted: int, excess: int
) -> Iterator[str]:
    left = {owner: [*parts[owner]] for owner in reversed([*parts])}  # the first of equals goes
    sizes = {owner: sum(map(_size, rows)) for owner, rows in left.items()}
    sizes[mine] = sizes.get(mine, 0) + wanted
    while excess > 0:
        most = max(sizes, key=lambda owner: (sizes[owner], owner == mine and bool(left.get(owner))))
        if not left.get(most):
            raise ConfigError(
                f"status: {wanted} characters, and the agents of this entity are so many that one"
                " may say less of itself",
                hint="name fewer queues in its launch-config.yaml, or revoke the tokens of agents"
                " that nobody uses",
            )
        row = left[most].pop()
        sizes[most] -= _size(row)
        excess -= _size(row)
        yield row["name"]


def _size(row: Row) -> int:
    size: int = row["size"] + (row["pause"] or 0)
    return max(LEAST, size)


def _owner(name: str, owners: Collection[str]) -> str | None:
    """Of those with a token the one whose token a name is for: the longest beginning of it."""
    own = name
    while own and own not in owners:
        own = own.rpartition("-")[0]
    return own or None
