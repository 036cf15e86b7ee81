"""Names of servers that nobody vouches for are looked up beside all others: a name server that does
not answer keeps a thread for as long as the system asks it again.
"""

import socket
from collections.abc import Sequence
from functools import partial

import anyio

from launchkit.daemon_thread import in_daemon_thread

AT_ONCE = 2


class LookUps:
    """Those of one who names servers, of which a few go on at once."""

    def __init__(self) -> None:
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Where a host is, the best first. :raises OSError: if nobody knows."""
        turn = object()
        await self._turns.acquire_on_behalf_of(turn)
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await in_daemon_thread(ask, partial(self._turns.release_on_behalf_of, turn))
        return list(dict.fromkeys(str(address[0]) for *_, address in found))
