"""How many agents are known: all of them are read with each list of what waits."""

from collections.abc import Collection, Mapping

from launchkit.store.database import Tx

ROOM = 4 * 2**20
"""Characters that the agents of one token say of themselves, together."""
LEAST = 2 * 2**10
"""So many count for each, however little it says: it stands in a list, too."""


async def make_room(tx: Tx, entity: str, name: str, status: str) -> None:
    """Forget those that were seen longest ago, if there is no room for what an agent says of
    itself beside those that the same token is for, or beside those that no agent's token is for. A
    paused one stays.
    """
    known = await tx.one("size_of_agent", entity=entity, name=name)
    if known is not None and _size(known) >= max(LEAST, len(status)):
        return
    owners = {row["name"] for row in await tx.all("agents_of_tokens", entity=entity)}
    own = _owner(name, owners)
    room = ROOM - max(LEAST, len(status))
    for row in await tx.all("agents_by_time", entity=entity, name=name):
        if _owner(row["name"], owners) != own:
            continue
        room -= _size(row)
        if room < 0:
            await tx.all("forget_agent", entity=entity, name=row["name"])


def _size(row: Mapping[str, int]) -> int:
    return max(LEAST, row["size"])


def _owner(name: str, owners: Collection[str]) -> str | None:
    """Of those with a token the one whose token a name is for: the longest beginning of it."""
    parts = name.split("-")
    beginnings = ("-".join(parts[:many]) for many in range(len(parts), 0, -1))
    return next((one for one in beginnings if one in owners), None)
