"""People, services, agents and runs: who they are, and what they may do. The rules are pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

EVERYWHERE = "*"
"""Stands for all entities in a grant."""


class PrincipalKind(StrEnum):
    """What kind of thing acts."""

    USER = "user"
    SERVICE = "service"
    AGENT = "agent"
    RUN = "run"


class Role(StrEnum):
    """What a person or a service is in an entity; each role may do what those before it may."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order of roles; more is mightier."""
        return tuple(Role).index(self)


class Permission(StrEnum):
    """What one call does."""

    ENTER = "enter"
    """See in which entities one has a role: each person and service may."""
    READ = "read"
    """See queues, launches, events and logs; no secrets."""
    SUBMIT = "submit"
    """Make jobs and launches."""
    OPERATE = "operate"
    """Change queues, also the secrets in their configs, agents, and the launches of others."""
    ADMINISTER = "administer"
    """Change who may do what."""
    AGENT = "agent"
    """The agent's side: claims, reports, beats, logs, locks."""
    RUN = "run"
    """What a run does for itself: its own log, config and outputs."""


_NEEDS: Mapping[Permission, Role] = {
    Permission.READ: Role.VIEWER,
    Permission.SUBMIT: Role.SUBMITTER,
    Permission.OPERATE: Role.OPERATOR,
    Permission.ADMINISTER: Role.ADMIN,
    Permission.AGENT: Role.ADMIN,
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who acts, as a token proved it; `name` is the actor of what is recorded."""

    name: str
    kind: PrincipalKind
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Entity, or `*` for all of them, → role; of users and services."""
    entity: str | None = None
    """Where an agent or a run belongs."""
    queues: frozenset[str] = frozenset()
    """The queues that an agent is bound to."""
    item: str | None = None
    """The id of the launch that a run is bound to."""
    attempt: int | None = None

    def role_in(self, entity: str) -> Role | None:
        """The mightiest role in *entity*."""
        found = [self.roles[name] for name in (entity, EVERYWHERE) if name in self.roles]
        return max(found, key=lambda role: role.rank, default=None)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user or a service, as it is listed."""

    name: str
    kind: PrincipalKind
    created_at: float
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One role of one account in an entity, or in all of them (`*`)."""

    name: str
    entity: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A team or a person whose queues stand together, and the role that one has there."""

    name: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class Token:
    """What may be known of a token; its secret is nowhere. Times are Unix times."""

    id: str
    owner: str
    kind: PrincipalKind
    created_at: float
    created_by: str
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float | None = None
    """To the minute."""
    entity: str | None = None
    queues: tuple[str, ...] = ()
    item: str | None = None
    attempt: int | None = None
    session: bool = False
    """Whether a browser keeps it for one who has signed in to the web app."""


class TokenFault(StrEnum):
    """Why a token proves nothing; the text ends a sentence that begins with "the token"."""

    UNKNOWN = "is not known here"
    EXPIRED = "has expired"
    REVOKED = "was revoked"
    ENDED = "belongs to a run that has ended"


def may(
    principal: Principal,
    permission: Permission,
    entity: str,
    queue: str | None = None,
    item: str | None = None,
) -> bool:
    """Whether *principal* may do this in *entity*, to *queue* or *item* where the call has one."""
    return refusal(principal, permission, entity, queue, item) is None


def refusal(
    principal: Principal,
    permission: Permission,
    entity: str,
    queue: str | None = None,
    item: str | None = None,
) -> str | None:
    """Why *principal* may not do this, for people; None if it may."""
    if principal.kind is PrincipalKind.AGENT:
        return _agent_refusal(principal, permission, entity, queue)
    if principal.kind is PrincipalKind.RUN:
        return _run_refusal(principal, permission, entity, item)
    if permission is Permission.ENTER:
        return None
    needed = _NEEDS.get(permission)
    if needed is None:
        return "only the token of a run may do this"
    role = principal.role_in(entity)
    if role is not None and role.rank >= needed.rank:
        return None
    has = f"has the role {role}" if role else "has no role"
    where = "all entities" if entity == EVERYWHERE else entity
    return f"{principal.name} {has} in {where}, and this needs {needed}"


def _agent_refusal(
    agent: Principal, permission: Permission, entity: str, queue: str | None
) -> str | None:
    if permission is not Permission.AGENT:
        return "the token of an agent is good for an agent's work only"
    if entity != agent.entity:
        return f"{agent.name} belongs to the entity {agent.entity}, not to {entity}"
    if queue is not None and queue not in agent.queues:
        return f"{agent.name} is not bound to queue {queue}"
    return None


def _run_refusal(
    run: Principal, permission: Permission, entity: str, item: str | None
) -> str | None:
    if permission is not Permission.RUN:
        return "the token of a run is good for its own log, config and outputs only"
    if entity != run.entity or item is None or item != run.item:
        return f"{run.name} may not touch what belongs to others"
    return None
