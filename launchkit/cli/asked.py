"""What a queue service is asked in the place of a transaction of its database."""

from dataclasses import dataclass
from typing import Any

from launchkit.builtin.http.service import Call, Service
from launchkit.errors import ConfigError
from launchkit.model import Secret
from launchkit.model.people import Account, Grant, Token
from launchkit.model.webhooks import Delivery, Webhook, WebhookView
from launchkit.store import people, tokens, webhooks
from launchkit.store.database import Tx
from launchkit.store.happened import Audit, Audited, Happened, HappenedPage
from launchkit.wire.people import (
    AccountRequest,
    AgentTokenRequest,
    RoleRequest,
    TokenAnswer,
    TokenRequest,
)
from launchkit.wire.webhooks import WebhookAnswer, WebhookChange, WebhookRequest


@dataclass(frozen=True)
class MakeWebhook:
    """Make a webhook. Only a service can: the key that secrets are made of is no part of its
    database.
    """

    request: WebhookRequest

    async def __call__(self, _tx: Tx) -> webhooks.NewWebhook:
        raise ConfigError(
            "a webhook is made by the queue service that will send its messages: it has the key"
            " that secrets are made of",
            hint="name it: --backend https://…",
        )


async def answer_to(body: object, service: Service) -> object:
    """Have a service do what *body* does in a transaction."""
    asked = _asked(body)
    if asked.of is None:
        await service.tell(asked.call)
        return None
    answer: object = await service.ask(asked.of, asked.call)
    if isinstance(answer, TokenAnswer):
        return tokens.NewToken(answer.token, Secret(answer.secret))
    if isinstance(answer, WebhookAnswer):
        return webhooks.NewWebhook(answer.webhook, Secret(answer.secret))
    return answer


@dataclass(frozen=True)
class _Asked:
    """What a service is asked, and the type of its answer, if there is one."""

    call: Call
    of: type[Any] | None = None


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
    return _asked_of_webhook(body)


def _asked_of_webhook(body: object) -> _Asked:
    match body:
        case webhooks.List():
            return _Asked(Call(method="GET", parts=("webhooks",), again=True), list[WebhookView])
        case MakeWebhook(request=request):
            call = Call(method="POST", parts=("webhooks",), body=request)
            return _Asked(call, WebhookAnswer)
        case webhooks.SetPaused(name=name, paused=paused):
            change = WebhookChange(paused=paused)
            call = Call(method="PUT", parts=("webhooks", name), body=change, again=True)
            return _Asked(call, Webhook)
        case webhooks.SendTest(name=name):
            return _Asked(Call(method="POST", parts=("webhooks", name, "test")), Delivery)
        case webhooks.Remove(name=name):
            return _Asked(Call(method="DELETE", parts=("webhooks", name)))
    return _asked_of_record(body)


def _asked_of_record(body: object) -> _Asked:
    match body:
        case Happened():
            params = {
                "kind": body.kind,
                "actor": body.actor,
                "queue": body.queue,
                "before": body.before,
                "limit": body.limit,
            }
            call = Call(method="GET", parts=("history",), params=params, again=True)
            return _Asked(call, HappenedPage)
        case Audit(before=before, limit=limit):
            params = {"before": before, "limit": limit}
            call = Call(method="GET", parts=("audit",), entity="", params=params, again=True)
            return _Asked(call, list[Audited])
    raise TypeError(type(body))


def _of_all(method: str, *parts: str, body: object = None) -> Call:
    """A request about the service as a whole."""
    return Call(method=method, parts=parts, entity="", body=body, again=method == "GET")
