"""Who asks, and what may they do: each route declares its one permission here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from launchkit.errors import Forbidden, Unauthenticated
from launchkit.model import AgentStatus
from launchkit.model.names import is_agent_name
from launchkit.model.people import (
    EVERYWHERE,
    Permission,
    Principal,
    PrincipalKind,
    TokenFault,
    refusal,
)
from launchkit.store.agents import require_agent_name
from launchkit.store.tokens import AGENT_PREFIX, NearestAgent
from launchkit_server.bearer import bearer
from launchkit_server.rates import asker
from launchkit_server.rights import AGENT_HINT, LOGIN_HINT, Entitled, Right
from launchkit_server.service import Service, TheService
from launchkit_server.shares import Places
from launchkit_server.strangers import proved

Ask = Callable[[NearestAgent], Awaitable[str | None]]


@dataclass(frozen=True, kw_only=True)
class Caller(Entitled):
    """Who asks, and may do what the route does in the entity of its path."""

    async def still(self) -> "Caller":
        """The same after a wait, in which tokens are revoked and roles taken away.

        :raises Unauthenticated: if the token does not count any more.
        :raises Forbidden: if its owner may not any more.
        """
        found = await self.service.proofs.prove(self.right.token)
        return replace(self, right=self.right.again(found))

    @property
    def operates(self) -> bool:
        """Whether the caller may read the secrets in the configs of the entity's queues."""
        return refusal(self.principal, Permission.OPERATE, self.entity) is None

    @property
    def queues(self) -> frozenset[str] | None:
        """The queues that the token is bound to; None if it is not."""
        return self.principal.queues if self.principal.kind is PrincipalKind.AGENT else None

    def require_queue(self, queue: str) -> None:
        """:raises Forbidden: if the token is bound to queues, and *queue* is none of them."""
        objection = refusal(self.principal, Permission.AGENT, self.entity, queue)
        if objection is not None:
            raise Forbidden(objection, hint=AGENT_HINT)

    def told_by(self, status: AgentStatus) -> AgentStatus:
        """What an agent says of itself, without what its token has no say in: queues to which it is
        not bound would be explained by it.
        """
        queues = status.queues
        if self.queues is not None:
            queues = tuple(name for name in queues if name in self.queues)
        return replace(status, entity=self.entity, queues=queues)

    def require_author(self, author: str | None) -> None:
        """:raises Forbidden: if a launch is to be *author*'s, who is somebody else, and the caller
        is no operator.
        """
        if author in {None, self.name} or self.operates:
            return
        raise Forbidden(
            f"author: {self.name} cannot launch as {author}",
            hint="leave the author out; operators alone may launch for others",
        )

    async def require_agent(self, agent: str, service: Service) -> None:
        """:raises Forbidden: if it is the token of an agent of another name, or a token of its own
        has been made for that name.
        :raises ConfigError: if no agent may be called so.
        """
        require_agent_name(agent)
        await self.require_named(agent, partial(service.database.read, prompt=True))

    async def require_named(self, agent: str, ask: Ask) -> None:
        """The same, where the database is asked by *ask*, such as within a transaction."""
        if self.principal.kind is not PrincipalKind.AGENT:
            return
        own = self.principal.name.removeprefix(AGENT_PREFIX)
        if agent == own:
            return
        if not agent.startswith(f"{own}-") or not is_agent_name(agent):
            raise Forbidden(
                f"the token of {self.principal.name} is not for an agent named {agent}",
                hint=f"name the agent {own} in its launch-config.yaml, or {own}-SOMETHING",
            )
        nearest = await ask(NearestAgent(self.entity, agent))
        if nearest is not None and len(nearest) > len(own):
            raise Forbidden(
                f"the token of {self.principal.name} is not for an agent named {agent}:"
                f" agent {nearest} has a token of its own",
                hint=f"give the agent that token, or name it {own} in its launch-config.yaml",
            )


async def prove(headers: Headers, service: Service) -> Principal:
    """Whose token the headers of a request have.

    :raises Unauthenticated: if it is missing, unknown, over or revoked.
    """
    return await _proved(_token_in(headers), service)


def _token_in(headers: Headers) -> str:
    token = bearer(headers)
    if token is None:
        raise Unauthenticated("this needs a token, and there is none", hint=LOGIN_HINT)
    return token


async def _proved(token: str, service: Service) -> Principal:
    principal = await service.proofs.prove(token)
    if isinstance(principal, TokenFault):
        raise Unauthenticated(f"the token {principal}", hint=LOGIN_HINT)
    return principal


@dataclass(frozen=True)
class Needs:
    """A dependency that admits those who have a permission on the entity in the path."""

    permission: Permission
    in_turn: bool = True
    """Whether a request has a place among the large answers from its beginning on. Those that last
    have none, or take one where they answer.
    """

    async def __call__(self, request: Request) -> AsyncIterator[Caller]:
        """The one who asks.

        :raises Unauthenticated: if the token is missing, unknown, over or revoked.
        :raises Forbidden: if its owner may not.
        :raises Unreachable: if large answers of theirs are not taken in time.
        """
        service: Service = request.app.state.service
        right = await self._proved(request)
        async with Places.of(asker(right.principal)) as places:
            if self.in_turn and await places.take(service.answers):
                right = await self._proved(request)
            yield Caller(right=right, service=service, places=places)

    async def _proved(self, request: Request) -> Right:
        token = _token_in(request.headers)
        principal = await _proved(token, request.app.state.service)
        await proved(request.scope, asker(principal))
        right = Right(
            token=token,
            principal=principal,
            permission=self.permission,
            entity=request.path_params.get("entity", EVERYWHERE),
            item=request.path_params.get("item_id"),
        )
        right.require()
        return right


Person = Annotated[Caller, Depends(Needs(Permission.ENTER))]
Reader = Annotated[Caller, Depends(Needs(Permission.READ))]
Follower = Annotated[Caller, Depends(Needs(Permission.READ, in_turn=False))]
Submitter = Annotated[Caller, Depends(Needs(Permission.SUBMIT))]
Sender = Annotated[Caller, Depends(Needs(Permission.SUBMIT, in_turn=False))]
Operator = Annotated[Caller, Depends(Needs(Permission.OPERATE))]
AgentSide = Annotated[Caller, Depends(Needs(Permission.AGENT, in_turn=False))]
Administrator = Annotated[Caller, Depends(Needs(Permission.ADMINISTER))]
RunItself = Annotated[Caller, Depends(Needs(Permission.RUN))]
FollowingRun = Annotated[Caller, Depends(Needs(Permission.RUN, in_turn=False))]


async def one_more_stream(who: Follower, service: TheService) -> AsyncIterator[None]:
    """A dependency that counts a stream of one who reads, for as long as it lasts.

    :raises Unreachable: if there are as many of theirs as may be.
    """
    with service.streams.of(asker(who.principal)):
        yield
