"""Users, service accounts and their roles. Each change is kept with its actor in the audit."""

import re
from typing import NamedTuple

from launchkit.errors import ConfigError, Conflict, NotFound
from launchkit.model.people import (
    EVERYWHERE,
    Account,
    Entity,
    Grant,
    Principal,
    PrincipalKind,
    Role,
)
from launchkit.resolving.queue_checks import check_length
from launchkit.shell_words import shell_argument
from launchkit.store.database import Row, Tx

MAX_NAME = 128
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{MAX_NAME - 1}}}")
ACCOUNTS = (PrincipalKind.USER, PrincipalKind.SERVICE)


class AddAccount(NamedTuple):
    """Add a user or a service.

    :raises Conflict: if there is one of that name.
    :raises ConfigError: if the name or the kind is none.
    """

    name: str
    kind: PrincipalKind
    actor: str

    async def __call__(self, tx: Tx) -> Account:
        require_name(self.name)
        if self.kind not in ACCOUNTS:
            raise ConfigError(f"an account is a user or a service, not an {self.kind}")
        row = await tx.one("add_principal", name=self.name, kind=self.kind, actor=self.actor)
        if row is None:
            raise Conflict(f"there is an account {self.name} already")
        await audit(tx, self.actor, f"added {self.kind} {self.name}")
        return _account_of(row)


class ListAccounts(NamedTuple):
    """All users and services, by name."""

    async def __call__(self, tx: Tx) -> list[Account]:
        return [_account_of(row) for row in await tx.all("principals")]


class RemoveAccount(NamedTuple):
    """Remove a user or a service with its roles, and revoke its tokens.

    :raises NotFound: if there is none of that name.
    """

    name: str
    actor: str

    async def __call__(self, tx: Tx) -> None:
        await take_rights(tx, self.name)
        await require_account(tx, self.name)
        await tx.all("drop_grants_of", name=self.name)
        await tx.all("drop_identities_of", name=self.name)
        await tx.all("revoke_tokens_of", name=self.name)
        await tx.all("drop_principal", name=self.name)
        await audit(tx, self.actor, f"removed {self.name}, and revoked all its tokens")


class GrantRole(NamedTuple):
    """Give an account its one role in an entity, or in all (`*`), in the place of what it had.

    :raises NotFound: if there is no such account.
    :raises ConfigError: if no entity's name is so long.
    """

    name: str
    entity: str
    role: Role
    actor: str

    async def __call__(self, tx: Tx) -> Grant:
        await take_rights(tx, self.name)
        await require_account(tx, self.name)
        check_length("entity", self.entity)
        await tx.all("grant_role", name=self.name, entity=self.entity, role=self.role)
        await audit(tx, self.actor, f"granted {self.name} the role {self.role} in {self.entity}")
        return Grant(name=self.name, entity=self.entity, role=self.role)


class RevokeRole(NamedTuple):
    """Take an account's role in an entity away; what it has in all entities stays.

    :raises NotFound: if it has none there.
    """

    name: str
    entity: str
    actor: str

    async def __call__(self, tx: Tx) -> None:
        await take_rights(tx, self.name)
        row = await tx.one("revoke_role", name=self.name, entity=self.entity)
        if row is None:
            raise NotFound(
                f"{self.name} has no role in {self.entity}",
                hint="launchkit role list shows who has which",
            )
        await audit(tx, self.actor, f"revoked {self.name}'s role {row['role']} in {self.entity}")


class ListGrants(NamedTuple):
    """All roles, by account and entity."""

    async def __call__(self, tx: Tx) -> list[Grant]:
        return [
            Grant(name=row["name"], entity=row["entity"], role=Role(row["role"]))
            for row in await tx.all("grants")
        ]


class ListEntities(NamedTuple):
    """The entities that have queues or people, and in which *principal* has a role, by name."""

    principal: Principal

    async def __call__(self, tx: Tx) -> list[Entity]:
        names = [row["entity"] for row in await tx.all("entities", everywhere=EVERYWHERE)]
        roles = [(name, self.principal.role_in(name)) for name in names]
        return [Entity(name=name, role=role) for name, role in roles if role is not None]


async def found(tx: Tx, name: str) -> bool:
    """Make the administrator of all entities, once in the life of a database; whether it was made.

    Of servers that start at once one does it, for the others wait for its row.
    """
    if await tx.one("found") is None or await tx.one("administrators") is not None:
        return False
    await tx.all("add_principal", name=name, kind=PrincipalKind.USER, actor=name)
    await tx.all("grant_role", name=name, entity=EVERYWHERE, role=Role.ADMIN)
    await audit(tx, name, f"made {name} the first administrator")
    return True


async def take_rights(tx: Tx, name: str) -> None:
    """Wait for all that is being written for the account or agent of that name, before something
    that it may is taken away: what comes later waits for this transaction.
    """
    await tx.all("turn", what="rights", of=name)


async def audit(tx: Tx, actor: str, what: str) -> None:
    """Keep who changed what about people and tokens."""
    await tx.all("add_audit", actor=actor, what=what)


async def require_account(tx: Tx, name: str) -> Row:
    """The row of an account, which stays as it is until the end of the transaction.

    :raises NotFound: if there is none of that name.
    """
    row = await tx.one("principal_locked", name=name)
    if row is None:
        raise NotFound(
            f"there is no user or service {name}",
            hint=f"add it: launchkit user add {shell_argument(name)}",
        )
    return row


def require_name(name: str) -> None:
    """:raises ConfigError: if *name* is no name of an account or an agent."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:140]!r} is no name: up to {MAX_NAME} letters, digits and any of . _ @ + -,"
            " beginning with a letter or a digit"
        )


def _account_of(row: Row) -> Account:
    return Account(
        name=row["name"],
        kind=PrincipalKind(row["kind"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
    )
