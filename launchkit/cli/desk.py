"""Where people are managed: the database itself, or the queue service that has it."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from launchkit.addresses import masked
from launchkit.builtin.http.hub import HttpHub
from launchkit.builtin.http.service import Call, connect
from launchkit.cli.absent import Absent, queue_url
from launchkit.cli.options import chosen
from launchkit.cli.session import run
from launchkit.client.actor import current_user
from launchkit.errors import ConfigError
from launchkit.model import Secret
from launchkit.model.people import Account, Grant, Token
from launchkit.settings import AgentSettings, load_settings
from launchkit.store import people, tokens
from launchkit.store.backend import database_of
from launchkit.store.database import Tx
from launchkit.wire.people import (
    AccountRequest,
    AgentTokenRequest,
    RoleRequest,
    TokenAnswer,
    TokenRequest,
)

T = TypeVar("T")
DATABASES = ("sqlite:", "postgresql:", "postgres:")
SERVICES = ("http:", "https:")


@dataclass(frozen=True)
class Desk:
    """Where people are managed, and who does it; a service knows that by the token."""

    settings: AgentSettings
    actor: str

    @property
    def entity(self) -> str:
        """The chosen entity."""
        return self.settings.entity

    def do(self, body: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *body* in a transaction of the database, or have the service do it."""

        async def main(url: str) -> T:
            async with AsyncExitStack() as stack:
                if url.startswith(DATABASES):
                    database = database_of(url)
                    await stack.enter_async_context(database.opened())
                    return await database.write(body)
                hub = HttpHub.configured(
                    {**self.settings.queue().options(), "url": url, "entity": self.entity}
                )
                service = await connect(stack, url, self.entity, hub.token, hub.token_file)
                asked = _asked(body)
                if asked.of is None:
                    await service.tell(asked.call)
                    return cast("T", None)
                answer: Any = await service.ask(asked.of, asked.call)
                if isinstance(answer, TokenAnswer):
                    answer = tokens.NewToken(answer.token, Secret(answer.secret))
                return cast("T", answer)

        with queue_url(_absent(body)) as instead:
            return run(partial(main, instead or self.settings.backend_url()))


def desk() -> Desk:
    """The chosen database or service.

    :raises ConfigError: if the backend is none.
    """
    named = (("backend", chosen("backend")), ("entity", chosen("entity")))
    flags = {name: value for name, value in named if value}
    settings = load_settings(chosen("config"), flags=flags, for_agent=False).settings
    url = settings.backend_url()
    if not url.startswith((*DATABASES, *SERVICES)):
        raise ConfigError(
            f"{masked(url)}: people are managed in a queue service or its database",
            hint="name it: --backend https://…, sqlite:///PATH or postgresql://…",
        )
    return Desk(settings, current_user())


@dataclass(frozen=True)
class _Asked:
    """What a service is asked, and the type of its answer, if there is one."""

    call: Call
    of: type[Any] | None = None


def _absent(body: object) -> Absent:
    """What is done where the database is a file that is not there."""
    if isinstance(body, people.ListAccounts | people.ListGrants | tokens.ListTokens):
        return Absent.EMPTY
    if isinstance(body, people.RemoveAccount | people.RevokeRole | tokens.RevokeToken):
        return Absent.REFUSED
    return Absent.MADE


def _asked(body: object) -> _Asked:
    match body:
        case people.AddAccount(name=name, kind=kind):
            request = AccountRequest(name=name, kind=kind)
            return _Asked(_of_all("POST", "users", body=request), Account)
        case people.ListAccounts():
            return _Asked(_of_all("GET", "users"), list[Account])
        case people.RemoveAccount(name=name):
            return _Asked(_of_all("DELETE", "users", name))
        case people.ListGrants():
            return _Asked(_of_all("GET", "roles"), list[Grant])
        case people.GrantRole() | people.RevokeRole():
            return _asked_of_role(body)
    return _asked_of_token(body)


def _asked_of_role(body: people.GrantRole | people.RevokeRole) -> _Asked:
    parts = ("roles", body.name)
    if isinstance(body, people.RevokeRole):
        return _Asked(Call(method="DELETE", parts=parts, entity=body.entity))
    request = RoleRequest(role=body.role)
    call = Call(method="PUT", parts=parts, entity=body.entity, body=request, again=True)
    return _Asked(call, Grant)


def _asked_of_token(body: object) -> _Asked:
    match body:
        case tokens.CreateToken(owner=owner, expires_at=until):
            wanted = TokenRequest(owner=owner, expires_at=until)
            return _Asked(_of_all("POST", "tokens", body=wanted), TokenAnswer)
        case tokens.CreateAgentToken(agent=agent, queues=queues, expires_at=until):
            bound = AgentTokenRequest(agent=agent, queues=tuple(queues), expires_at=until)
            call = Call(method="POST", parts=("agent-tokens",), body=bound)
            return _Asked(call, TokenAnswer)
        case tokens.ListTokens():
            return _Asked(_of_all("GET", "tokens"), list[Token])
        case tokens.RevokeToken(id=token_id):
            return _Asked(_of_all("DELETE", "tokens", token_id), Token)
    raise TypeError(type(body))


def _of_all(method: str, *parts: str, body: object = None) -> Call:
    """A request about the service as a whole."""
    return Call(method=method, parts=parts, entity="", body=body, again=method == "GET")
