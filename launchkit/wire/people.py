"""What administrators send, and what they get."""

from dataclasses import dataclass

from launchkit.model.people import PrincipalKind, Role, Token
from launchkit.model.queue import Moment
from launchkit.wire.names import Name


@dataclass(frozen=True, kw_only=True)
class AccountRequest:
    """A new user or service."""

    name: Name
    kind: PrincipalKind = PrincipalKind.USER


@dataclass(frozen=True, kw_only=True)
class RoleRequest:
    """The one role of an account in an entity."""

    role: Role


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """A token of a user or a service; `expires_at` is a Unix time."""

    owner: Name
    expires_at: Moment | None = None


@dataclass(frozen=True, kw_only=True)
class AgentTokenRequest:
    """A token of an agent, which is bound to queues of the entity."""

    agent: Name
    queues: tuple[Name, ...]
    expires_at: Moment | None = None


@dataclass(frozen=True, kw_only=True)
class TokenAnswer:
    """A new token, and its secret, which is told here alone."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"TokenAnswer(token={self.token}, secret=…)"
