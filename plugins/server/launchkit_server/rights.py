"""The right of one who asks, which may be lost while something is waited for: it is looked at again
in each transaction in which something is read or written for them.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from launchkit.errors import Forbidden, Unauthenticated
from launchkit.model.people import Permission, Principal, TokenFault, refusal
from launchkit.store.database import After, Body, Database, Tx
from launchkit.store.tokens import held_by
from launchkit_server.service import Service
from launchkit_server.shares import Places

T = TypeVar("T")

LOGIN_HINT = "give a token: launchkit login, LAUNCHKIT_TOKEN or LAUNCHKIT_TOKEN_FILE"
ROLE_HINT = "an administrator grants roles: launchkit role grant"
AGENT_HINT = "an agent has a token of its own: launchkit token create --agent NAME --queue QUEUE"
HINTS: Mapping[Permission, str] = {Permission.AGENT: AGENT_HINT}


@dataclass(frozen=True, kw_only=True)
class Right:
    """What one who asks may do, as a token proved it; also a body that raises an error if they may
    not any more.
    """

    token: str = field(repr=False)
    principal: Principal
    permission: Permission
    entity: str
    item: str | None = None
    """The launch that the token of a run must belong to."""
    proof: str = "token"
    """What the token is to people."""
    hint: str = LOGIN_HINT
    """How to get another one."""

    def require(self) -> None:
        """:raises Forbidden: if they may not."""
        objection = refusal(self.principal, self.permission, self.entity, item=self.item)
        if objection is not None:
            raise Forbidden(objection, hint=HINTS.get(self.permission, ROLE_HINT))

    def again(self, found: Principal | TokenFault) -> "Right":
        """The same by what the token proves now.

        :raises Unauthenticated: if it counts no more.
        :raises Forbidden: if its owner may not any more, or has a lesser role than what was looked
            at with the one before.
        """
        if isinstance(found, TokenFault):
            raise Unauthenticated(f"the {self.proof} {found}", hint=self.hint)
        now = replace(self, principal=found)
        now.require()
        had, has = (one.role_in(self.entity) for one in (self.principal, found))
        if had is not None and (has is None or has.rank < had.rank):
            text = f"{found.name} had the role {had} in {self.entity}, and has {has or 'none'} now"
            raise Forbidden(text, hint="ask again")
        return now

    async def __call__(self, tx: Tx) -> None:
        self.again(await held_by(tx, self.token))


class OwnDatabase(Database):
    """A database that is read and written only as long as one who asks has the right to it: whoever
    takes that away is answered when nothing more is written, and what is read is of before.
    """

    def __init__(self, database: Database, right: Right) -> None:
        self.topics = database.topics
        self._database = database
        self._right = right

    @property
    def skew(self) -> float:
        """That of the database."""
        return self._database.skew

    async def write(self, body: Body[T]) -> T:
        """Run *body* if the right is still held then.

        :raises Unauthenticated: if the token counts no more.
        :raises Forbidden: if its owner may not any more.
        """
        return await self._database.write(After(self._right, body))

    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        """Run *body* on a snapshot in which the right is held.

        :raises Unauthenticated: if the token counts no more.
        :raises Forbidden: if its owner may not any more.
        """
        return await self._database.read(After(self._right, body), prompt=prompt)

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Open the database."""
        return self._database.opened()


@dataclass(frozen=True, kw_only=True)
class Entitled:
    """Who asks a service for something, with the right to it."""

    right: Right
    service: Service = field(repr=False, compare=False)
    places: Places = field(repr=False, compare=False)

    @property
    def principal(self) -> Principal:
        """Whose token it is."""
        return self.right.principal

    @property
    def name(self) -> str:
        """The actor of what is recorded."""
        return self.principal.name

    @property
    def entity(self) -> str:
        """Where something is asked for: `*` for the whole service."""
        return self.right.entity

    @property
    def database(self) -> OwnDatabase:
        """Where all is written that is written for who asks."""
        return OwnDatabase(self.service.database, self.right)
