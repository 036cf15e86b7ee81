"""Names of servers that nobody vouches for are looked up beside all others: a name server that does
not answer keeps a thread for as long as the system asks it again.
"""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import httpcore

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


@dataclass(frozen=True)
class ByLookUps(httpcore.AsyncNetworkBackend):
    """A network in which servers are looked for so."""

    look_ups: LookUps
    _network: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self, host: str, port: int, *more: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of its addresses that takes it."""
        try:
            addresses = await self.look_ups.addresses(host, port)
        except OSError as exc:
            raise httpcore.ConnectError(str(exc)) from exc
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError):
                return await self._network.connect_tcp(address, port, *more, **options)
        return await self._network.connect_tcp(addresses[-1], port, *more, **options)
