"""Sessions of browsers: short tokens of people, made when they sign in."""

from dataclasses import replace
from typing import NamedTuple

from launchkit.errors import Unauthenticated
from launchkit.model.people import PrincipalKind, TokenFault
from launchkit.store.database import Row, Tx
from launchkit.store.people import ACCOUNTS, audit, require_account, take_rights
from launchkit.store.tokens import NewToken, add, draft, fault_of, fingerprint

KEPT_SECONDS = 7 * 86400.0
"""How long a session is still listed that is over."""
MOST = 100
"""Sessions of one person that are kept: who begins another ends the oldest."""


class SignIn(NamedTuple):
    """Begin a session of *seconds* with a token; it counts no longer than the token does.

    :raises Unauthenticated: if it is no token of a user or a service, or does not count.
    """

    secret: str
    seconds: float

    async def __call__(self, tx: Tx) -> NewToken:
        row = await self._row(tx)
        if row is not None:
            await tx.one("principal_locked", name=row["owner"])
            row = await self._row(tx)  # it may have been revoked meanwhile
        fault = TokenFault.UNKNOWN if row is None else fault_of(row, tx.now)
        if row is None or fault is not None:
            raise Unauthenticated(f"the token {fault}", hint="an administrator makes tokens")
        if row["session"]:  # one that it began would outlive it
            raise Unauthenticated("a session begins no other", hint="sign in with a token")
        if PrincipalKind(row["kind"]) not in ACCOUNTS:
            raise Unauthenticated(
                f"the token of {row['owner']} is not one of a person",
                hint="agents and runs do not sign in: use your own token",
            )
        return await _begin(tx, row["owner"], _until(tx, self.seconds, row), row["id"])

    async def _row(self, tx: Tx) -> Row | None:
        return await tx.one("token_of_digest", digest=fingerprint(self.secret))


class Admit(NamedTuple):
    """Begin a session of *seconds* for an account that somebody else has proved.

    :raises NotFound: if there is no such account.
    """

    name: str
    seconds: float

    async def __call__(self, tx: Tx) -> NewToken:
        await require_account(tx, self.name)
        return await _begin(tx, self.name, tx.now + self.seconds, None)


class SignOut(NamedTuple):
    """Let a session count no more; anything else stays as it is."""

    secret: str

    async def __call__(self, tx: Tx) -> None:
        row = await tx.one("token_of_digest", digest=fingerprint(self.secret))
        if row is not None and row["session"] and row["revoked_at"] is None:
            await take_rights(tx, row["owner"])
            await tx.all("revoke_token", id=row["id"])
            await audit(tx, row["owner"], f"ended session {row['id']}")


async def _begin(tx: Tx, owner: str, until: float, parent: str | None) -> NewToken:
    await tx.all("drop_ended_sessions", before=tx.now - KEPT_SECONDS)
    await tx.all("drop_oldest_sessions", owner=owner, kept=MOST - 1)
    account = await require_account(tx, owner)
    made = draft(tx, owner, PrincipalKind(account["kind"]), owner)
    return await add(tx, replace(made, expires_at=until, session=True), parent=parent)


def _until(tx: Tx, seconds: float, parent: Row) -> float:
    ends = parent["expires_at"]
    return tx.now + seconds if ends is None else min(tx.now + seconds, float(ends))
