"""How often one may ask: each token that was proved has a rate of its own, and so has each address,
of what comes from there without such a token.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Scope

PROVED = "proved"
"""Where the state of a request says that its token was proved."""
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
        early = self.wait(who)
        if not early:
            self.count(who)
        return early

    def wait(self, who: bytes) -> float:
        """By how many seconds a request would come too early."""
        now = self.clock()
        return max(0.0, self._full_until.get(who, now) - now - BURST_SECONDS)

    def count(self, who: bytes) -> None:
        """Count a request, also one that comes too early."""
        now = self.clock()
        full_until = max(now, self._full_until.get(who, now))
        if len(self._full_until) >= MANY:
            self._full_until = {k: until for k, until in self._full_until.items() if until > now}
        self._full_until[who] = full_until + 1 / self.per_second


@dataclass(kw_only=True)
class Askers:
    """Those who ask, and their rates. What a token is good for shows in the answer, so that a
    request with one that is not known is counted then: for the token if it was proved, else for
    the address, which whoever guesses cannot choose anew.
    """

    rates: Rates
    _proved: dict[bytes, None] = field(init=False, repr=False, default_factory=dict)
    """Digests of tokens that were proved; the first one is forgotten first."""

    def early(self, scope: Scope) -> float:
        """By how many seconds a request comes too early; 0.0 counts it, now or when `answered`."""
        token, place = _token_of(scope), _place_of(scope)
        if token is None:
            return self.rates.early(place)
        return self.rates.early(token) if token in self._proved else self.rates.wait(place)

    def answered(self, scope: Scope, status: int) -> None:
        """Learn from an answer whether the token of its request is one."""
        token = _token_of(scope)
        if token is None:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            self._proved.pop(token, None)
            self.rates.count(_place_of(scope))
        elif token not in self._proved:
            proved = PROVED in scope["state"]
            self.rates.count(token if proved else _place_of(scope))
            if proved:
                self._remember(token)

    def _remember(self, token: bytes) -> None:
        if len(self._proved) >= MANY:
            self._proved.pop(next(iter(self._proved)))
        self._proved[token] = None


def _token_of(scope: Scope) -> bytes | None:
    """The digest of the request's token."""
    token = Headers(scope=scope).get("authorization")
    return hashlib.sha256(token.encode("latin-1", "replace")).digest() if token else None


def _place_of(scope: Scope) -> bytes:
    """The address that a request comes from."""
    host, _ = scope.get("client") or ("", 0)
    return str(host).encode()
