"""How often one may ask: whoever proves a token has a rate, for all tokens and sessions of theirs,
and so has each address, of what comes from there without such a token.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

from launchkit.model.people import Principal
from launchkit_server.bearer import bearer

PROVED = "proved"
"""Where the state of a request has the `asker` whose token was proved."""
BURST_SECONDS = 10.0
"""One who was silent may ask at once what is for so many seconds."""
MANY = 10_000
"""Who are remembered before those are forgotten whose rate is whole again."""
TOKENS_OF_ONE = 100
"""So many tokens and sessions of one are known, so that nobody pushes others' out."""
_API = "/api/"
_NO_ADDRESS = b"no address"
"""Where all come from of whom there is none."""
_HEALTH = frozenset({"/livez", "/readyz"})
"""Who has asked for much else is told of these all the same."""


@dataclass(kw_only=True)
class Rates:
    """The generic cell rate algorithm (ITU-T I.371): for each one who asks the time until which
    what was asked fills the rate.
    """

    per_second: float
    clock: Callable[[], float] = time.monotonic
    _full_until: dict[bytes, float] = field(init=False, repr=False, default_factory=dict)
    _enough: int = field(init=False, repr=False, default=MANY)
    """Of how many those are forgotten whose rate is whole."""

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
        if len(self._full_until) >= self._enough:
            self._full_until = {k: until for k, until in self._full_until.items() if until > now}
            self._enough = max(MANY, 2 * len(self._full_until))  # not all of them at each request
        self._full_until[who] = full_until + 1 / self.per_second


@dataclass(kw_only=True)
class Askers:
    """Those who ask, and their rates. What a token is good for shows in the answer, so that a
    request with one that is not known is counted then: for its owner if it was proved, else for
    the address, which whoever guesses cannot choose anew.
    """

    rates: Rates
    _proved: OrderedDict[bytes, bytes] = field(init=False, repr=False, default_factory=OrderedDict)
    """Whose token was proved, by its digest; that used longest ago is forgotten first."""
    _tokens: dict[bytes, OrderedDict[bytes, None]] = field(
        init=False, repr=False, default_factory=dict
    )
    """The same tokens, by whose they are."""

    def early(self, scope: Scope) -> float:
        """By how many seconds a request comes too early; 0.0 counts it, now or when `answered`."""
        token, place = _token_of(scope), _place_of(scope)
        if token is None:
            return self.rates.early(place)
        who = self._proved.get(token)
        if who is None:
            return self.rates.wait(place)
        self._proved.move_to_end(token)
        self._tokens[who].move_to_end(token)
        return self.rates.early(who)

    def stranger(self, scope: Scope) -> bytes | None:
        """The address whose requests one stands among that has proved nothing yet; None if its
        token is known.
        """
        return None if _token_of(scope) in self._proved else _place_of(scope)

    def answered(self, scope: Scope, status: int) -> None:
        """Learn from an answer whether the token of its request is one."""
        token = _token_of(scope)
        if token is None:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            self._forget(token)
            self.rates.count(place_of_sender(scope))
        elif token not in self._proved:
            who = scope["state"].get(PROVED)
            self.rates.count(who or place_of_sender(scope))
            if who:
                self._remember(token, who)

    def _remember(self, token: bytes, who: bytes) -> None:
        theirs = self._tokens.get(who, ())
        if len(theirs) >= TOKENS_OF_ONE:
            self._forget(next(iter(theirs)))
        elif len(self._proved) >= MANY:
            self._forget(next(iter(self._proved)))
        self._proved[token] = who
        self._tokens.setdefault(who, OrderedDict())[token] = None

    def _forget(self, token: bytes) -> None:
        who = self._proved.pop(token, None)
        if who is not None:
            del self._tokens[who][token]
            if not self._tokens[who]:
                del self._tokens[who]


def asker(principal: Principal) -> bytes:
    """One who asks, whatever token that is done with."""
    parts = (principal.kind, principal.entity, principal.name, principal.item)
    return hashlib.sha256(repr(parts).encode()).digest()


def _token_of(scope: Scope) -> bytes | None:
    """The digest of the token of a request to the API: pages go by their cookie alone."""
    token = bearer(Headers(scope=scope)) if scope["path"].startswith(_API) else None
    return hashlib.sha256(token.encode("latin-1", "replace")).digest() if token else None


def _place_of(scope: Scope) -> bytes:
    """Where a request comes from; the pages of health have that to themselves."""
    place = place_of_sender(scope)
    return b"health of " + place if scope["path"] in _HEALTH else place


def place_of(host: str) -> bytes:
    """The address that somebody comes from; of IPv6 the network, for whoever has one address there
    has 2^64 of them (RFC 6177).
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # a socket of this machine, or what a proxy takes for an address
        return _NO_ADDRESS
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return mapped.packed if mapped else address.packed[:8]
    return address.packed


def place_of_sender(scope: Scope) -> bytes:
    """The same of who sends a request."""
    host, _ = scope.get("client") or ("", 0)
    return place_of(str(host))
