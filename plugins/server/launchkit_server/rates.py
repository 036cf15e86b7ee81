"""How often one may ask: each token, and without one each address, has a rate of its own."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Scope

BURST_SECONDS = 10.0
"""One who was silent may ask at once what is for so many seconds."""
MANY = 10_000
"""Who are remembered before those are forgotten whose rate is whole again."""


@dataclass(kw_only=True)
class Rates:
    """The generic cell rate algorithm (ITU-T I.371): for each one who asks the time until which
    what was asked fills the rate.
    """

    per_second: float
    clock: Callable[[], float] = time.monotonic
    _full_until: dict[bytes, float] = field(init=False, repr=False, default_factory=dict)

    def early(self, who: bytes) -> float:
        """By how many seconds a request comes too early; 0.0 counts it."""
        now = self.clock()
        full_until = max(now, self._full_until.get(who, now))
        early = full_until - now - BURST_SECONDS
        if early > 0:
            return early
        if len(self._full_until) >= MANY:
            self._full_until = {k: until for k, until in self._full_until.items() if until > now}
        self._full_until[who] = full_until + 1 / self.per_second
        return 0.0


def who_asks(scope: Scope) -> bytes:
    """The digest of the request's token, or the address that it comes from."""
    if token := Headers(scope=scope).get("authorization"):
        return hashlib.sha256(token.encode("latin-1", "replace")).digest()
    host, _ = scope.get("client") or ("", 0)
    return str(host).encode()
