"""Who is what in one entity, and the tokens of its agents; the entity `*` stands for all."""

from collections.abc import Sequence

from fastapi import APIRouter

from launchkit.model.people import Grant
from launchkit.store import people, tokens
from launchkit.wire.people import AgentTokenRequest, RoleRequest, TokenAnswer
from launchkit_server.access import Administrator

router = APIRouter(tags=["people"])


@router.get("/roles")
async def list_all(entity: str, who: Administrator) -> Sequence[Grant]:
    """The roles in this entity, by account."""
    grants = await who.database.read(people.ListGrants())
    return [grant for grant in grants if grant.entity == entity]


@router.put("/roles/{name}")
async def grant(entity: str, name: str, wanted: RoleRequest, who: Administrator) -> Grant:
    """Give an account its one role here, in the place of the one that it had."""
    return await who.database.write(people.GrantRole(name, entity, wanted.role, who.name))


@router.delete("/roles/{name}", status_code=204)
async def revoke(entity: str, name: str, who: Administrator) -> None:
    """Take away the role that an account has here."""
    await who.database.write(people.RevokeRole(name, entity, who.name))


@router.post("/agent-tokens", status_code=201)
async def create_agent_token(
    entity: str, wanted: AgentTokenRequest, who: Administrator
) -> TokenAnswer:
    """Make a token with which an agent works for queues of this entity, and for nothing else."""
    made = await who.database.write(
        tokens.CreateAgentToken(wanted.agent, entity, wanted.queues, who.name, wanted.expires_at)
    )
    return TokenAnswer(token=made.token, secret=str.__str__(made.secret))
