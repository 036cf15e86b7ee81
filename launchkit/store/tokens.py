"""Tokens: made, listed, revoked and proved. A secret is given once; only its SHA-256 is stored."""

import hashlib
import json
import secrets
import string
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import anyio

from launchkit.errors import ConfigError, Conflict, NotFound, Unreachable
from launchkit.model import Claim, Secret
from launchkit.model.people import Principal, PrincipalKind, Role, Token, TokenFault
from launchkit.shell_words import shell_word
from launchkit.store.agents import require_agent_name
from launchkit.store.database import Database, Loose, Row, Tx
from launchkit.store.people import audit, found, require_account, take_rights
from launchkit.store.queues import named
from launchkit.store.stale import lost

FIRST_ADMINISTRATOR = "admin"
USED_SECONDS = 60.0
"""How exactly the last use of a token is kept."""
MAX_SECRET = 512
MOST_OF_AN_AGENT = 100
"""Tokens of one name that count."""
MOST_AGENTS = 2000
"""Names with tokens in an entity: each of them has room for an agent that says little of itself."""
AGENT_PREFIX = "agent:"
"""How the owner of an agent's token is written; its name follows."""
_LETTERS = {
    PrincipalKind.USER: "u",
    PrincipalKind.SERVICE: "s",
    PrincipalKind.AGENT: "a",
    PrincipalKind.RUN: "r",
}
_BASE62 = string.digits + string.ascii_letters
_DIGITS = 43
"""So many digits of base 62 hold 32 bytes."""


@dataclass(frozen=True)
class NewToken:
    """A token, and its secret, which is shown once."""

    token: Token
    secret: Secret


class CreateToken(NamedTuple):
    """Make a token of a user or a service; `expires_at` is a Unix time.

    :raises NotFound: if there is no such account.
    """

    owner: str
    actor: str
    expires_at: float | None = None

    async def __call__(self, tx: Tx) -> NewToken:
        account = await require_account(tx, self.owner)
        made = draft(tx, self.owner, PrincipalKind(account["kind"]), self.actor)
        return await add(tx, replace(made, expires_at=self.expires_at))


class CreateAgentToken(NamedTuple):
    """Make a token with which an agent works for *queues* of *entity*, and for nothing else. All
    tokens of a name are good for the same: what an agent holds is told by its name alone.

    :raises NotFound: if one of the queues is not there.
    :raises ConfigError: if there are no queues, or the name is none.
    :raises Conflict: if a token of that name counts for other queues, if as many count as may be,
        or if as many names have tokens.
    """

    agent: str
    entity: str
    queues: Sequence[str]
    actor: str
    expires_at: float | None = None

    async def __call__(self, tx: Tx) -> NewToken:
        require_agent_name(self.agent)
        if not self.queues:
            raise ConfigError("the token of an agent is bound to queues, and none is named")
        queues = sorted({*self.queues})
        for queue in queues:
            await named(tx, self.entity, queue)
        made = replace(
            draft(tx, f"{AGENT_PREFIX}{self.agent}", PrincipalKind.AGENT, self.actor),
            expires_at=self.expires_at,
            entity=self.entity,
            queues=tuple(queues),
        )
        await self._require_the_same(tx, made)
        await self._require_one_of_few(tx)
        return await add(tx, made)

    async def _require_the_same(self, tx: Tx, made: Token) -> None:
        await tx.all("turn", what="tokens of agents", of=made.entity)
        rows = await tx.all("agent_tokens_that_count", entity=made.entity, owner=made.owner)
        if len(rows) >= MOST_OF_AN_AGENT:
            raise Conflict(
                f"agent {self.agent} has {len(rows)} tokens that count, and may have"
                f" {MOST_OF_AN_AGENT}",
                hint="revoke those that nobody uses: launchkit token list shows them",
            )
        for row in rows:
            bound = json.loads(row["queues"])
            if {*bound} != {*made.queues}:
                raise Conflict(
                    f"agent {self.agent} has a token for other queues, {row['id']}:"
                    f" {', '.join(bound)}",
                    hint="give the agents names of their own; or revoke that token first:"
                    f" launchkit token revoke {shell_word(row['id'])}",
                )

    async def _require_one_of_few(self, tx: Tx) -> None:
        names = {row["name"] for row in await tx.all("agents_of_tokens", entity=self.entity)}
        if self.agent not in names and len(names) >= MOST_AGENTS:
            raise Conflict(
                f"agent {self.agent}: {len(names)} others have tokens for {self.entity}, and"
                f" {MOST_AGENTS} may",
                hint="revoke those that nobody uses, also expired ones: launchkit token list shows"
                " them; agents named NAME-… work with the token of NAME",
            )


class NearestAgent(NamedTuple):
    """The agent with a token to which an agent's name belongs: that of the name itself, or of the
    longest beginning of it that ends before a dash; None if there is none. A token that has expired
    keeps its name, one that was revoked does not.
    """

    entity: str
    agent: str

    async def __call__(self, tx: Tx) -> str | None:
        text = f"{self.agent}-"
        ends = [at for at, letter in enumerate(text) if letter == "-"]
        owners = [f"{AGENT_PREFIX}{text[:end]}" for end in ends]
        rows = await tx.all("agents_with_tokens", entity=self.entity, owners=json.dumps(owners))
        names = (str(row["owner"]).removeprefix(AGENT_PREFIX) for row in rows)
        return max(names, key=len, default=None)


class CreateRunToken(NamedTuple):
    """Make the token of a claimed item's attempt. It counts as long as that attempt is under way,
    also through a take-over; tokens of others that have ended are removed.

    :raises LeaseLost: if the claim does not hold any more.
    """

    claim: Claim

    async def __call__(self, tx: Tx) -> NewToken:
        await tx.all("drop_ended_tokens")
        item = self.claim.item
        row = await tx.one("held_item", id=item.id, token=self.claim.token)
        if row is None or row["lease_until"] is None:
            raise lost(self.claim, await tx.one("item_locked", id=item.id))
        made = replace(
            draft(tx, f"run:{item.run_id}", PrincipalKind.RUN, row["agent"]),
            entity=row["entity"],
            item=row["id"],
            attempt=row["attempt"],
        )
        return await add(tx, made)


class FirstAdministrator(NamedTuple):
    """The token of the first administrator, who is made once in the life of a database; None if
    there is an administrator, or has been one.
    """

    name: str = FIRST_ADMINISTRATOR

    async def __call__(self, tx: Tx) -> NewToken | None:
        if not await found(tx, self.name):
            return None
        return await CreateToken(self.name, self.name)(tx)


class ListTokens(NamedTuple):
    """All tokens but those of runs, oldest first, also those that count no more."""

    async def __call__(self, tx: Tx) -> list[Token]:
        return [_token_of(row) for row in await tx.all("tokens")]


class RevokeToken(NamedTuple):
    """Make a token count no more, at once; it may be said again.

    :raises NotFound: if there is none of that id.
    """

    id: str
    actor: str

    async def __call__(self, tx: Tx) -> Token:
        row = await tx.one("token", id=self.id)
        if row is None:
            raise NotFound(f"there is no token {self.id}", hint="launchkit token list shows them")
        if row["revoked_at"] is None:
            await take_rights(tx, row["owner"])
            await tx.one("principal_locked", name=row["owner"])  # sessions that it begins are in it
            await tx.all("revoke_token", id=self.id)
            await audit(tx, self.actor, f"revoked token {self.id} of {row['owner']}")
        return _token_of(await tx.row("token", id=self.id))


async def held_by(tx: Tx, secret: str) -> Principal | TokenFault:
    """Whose token *secret* is, or why it proves nothing: whoever takes something of that away waits
    for this transaction, if it lasts.
    """
    digest = fingerprint(secret)
    if tx.lasts:
        await tx.all("right_held", digest=digest)
    found = (await _Prove(frozenset([digest]))(tx)).get(digest, TokenFault.UNKNOWN)
    return found if isinstance(found, TokenFault) else found.principal


class Proofs:
    """Proves tokens. Those that come while others are looked up share the next statement, which
    makes the most of a server: of 64 at a time, 1.7 times as many are proved in a second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = anyio.Lock()
        self._next = _LookUp()

    async def prove(self, secret: str) -> Principal | TokenFault:
        """Whose token *secret* is, or why it proves nothing. Its use is noted once a minute.

        :raises Unreachable: if the database cannot be asked now.
        """
        proved = await self._look_up(fingerprint(secret))
        if isinstance(proved, TokenFault):
            return proved
        if proved.unnoted:
            with suppress(Unreachable):  # a full disk is not in the way of those who read
                await self._database.write(_NoteUse(proved.id))
        return proved.principal

    async def _look_up(self, digest: str) -> "_Proved | TokenFault":
        mine = self._next
        mine.digests.add(digest)
        async with self._turn:
            if mine.found is None:
                if mine is self._next:
                    self._next = _LookUp()  # who comes from now on has come after this look
                try:
                    look = _Prove(frozenset(mine.digests))
                    mine.found = await self._database.read(look, prompt=True)
                except Unreachable as exc:
                    mine.found = exc
            if isinstance(mine.found, Unreachable):
                raise Unreachable(mine.found.message, hint=mine.found.hint) from mine.found
            return mine.found.get(digest, TokenFault.UNKNOWN)


def fingerprint(secret: str) -> str:
    """What is kept of a secret: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret[:MAX_SECRET].encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class _Proved:
    id: str
    principal: Principal
    unnoted: bool


@dataclass
class _LookUp:
    """Digests that are looked up together, and what came of it."""

    digests: set[str] = field(default_factory=set)
    found: "Mapping[str, _Proved | TokenFault] | Unreachable | None" = None


@dataclass(frozen=True)
class _Prove(Loose):
    """One statement whatever the tokens are, so that time tells nothing of them."""

    digests: Set[str]

    async def __call__(self, tx: Tx) -> Mapping[str, _Proved | TokenFault]:
        rows = await tx.all("tokens_of_digests", digests=json.dumps([*self.digests]))
        return {row["digest"]: _proved(row) for row in rows}


def _proved(row: Row) -> _Proved | TokenFault:
    now = row["proved_at"]
    fault = fault_of(row, now)
    if fault is not None:
        return fault
    token = _token_of(row)
    principal = Principal(
        name=token.owner,
        kind=token.kind,
        roles={entity: Role(role) for entity, role in json.loads(row["roles"] or "{}").items()},
        entity=token.entity,
        queues=frozenset(token.queues),
        item=token.item,
        attempt=token.attempt,
    )
    used = token.used_at
    unnoted = used is None or not used <= now < used + USED_SECONDS
    return _Proved(token.id, principal, unnoted)


class _NoteUse(NamedTuple):
    id: str

    async def __call__(self, tx: Tx) -> None:
        await tx.all("use_token", id=self.id, before=tx.now - USED_SECONDS)


def fault_of(row: Row, now: float) -> TokenFault | None:
    """Why a token proves nothing at that time."""
    if row["revoked_at"] is not None:
        return TokenFault.REVOKED
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return TokenFault.EXPIRED
    if row["item"] is not None and row["under_way"] is None:
        return TokenFault.ENDED
    return None


def draft(tx: Tx, owner: str, kind: PrincipalKind, actor: str) -> Token:
    """A token that is about to be made."""
    return Token(
        id=secrets.token_hex(6), owner=owner, kind=kind, created_at=tx.now, created_by=actor
    )


async def add(tx: Tx, token: Token, *, parent: str | None = None) -> NewToken:
    """Make a token; one with a *parent* ends with that."""
    secret = Secret(f"lk_{_LETTERS[token.kind]}{_base62(secrets.token_bytes(32))}")
    await tx.all(
        "add_token",
        id=token.id,
        digest=fingerprint(secret),
        owner=token.owner,
        kind=token.kind,
        actor=token.created_by,
        expires=token.expires_at,
        entity=token.entity,
        queues=json.dumps(token.queues),
        item=token.item,
        attempt=token.attempt,
        session=int(token.session),
        parent=parent,
    )
    what = "session" if token.session else "token"
    await audit(tx, token.created_by, f"made {what} {token.id} of {token.owner}")
    return NewToken(token, secret)


def _base62(data: bytes) -> str:
    number = int.from_bytes(data)
    digits = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def _token_of(row: Row) -> Token:
    return Token(
        id=row["id"],
        owner=row["owner"],
        kind=PrincipalKind(row["kind"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
        entity=row["entity"],
        queues=tuple(json.loads(row["queues"])),
        item=row["item"],
        attempt=row["attempt"],
        session=bool(row["session"]),
    )
