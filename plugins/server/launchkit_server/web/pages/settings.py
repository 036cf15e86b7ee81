"""Accounts, roles and tokens: who may do what, and with which secrets."""

from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.codec import decode
from launchkit.errors import ConfigError, LaunchkitError
from launchkit.model.people import EVERYWHERE, Permission, PrincipalKind, Role, Token, refusal
from launchkit.store import people, tokens
from launchkit_server.web import once
from launchkit_server.web.visits import Administering, Entering, Visit

router = APIRouter(prefix="/settings")

KINDS = (PrincipalKind.USER, PrincipalKind.SERVICE)
DAYS = (7, 30, 90, 365)
"""How long a token may be chosen to count."""


@router.get("")
async def show(visit: Entering) -> Response:
    """What one is here; administrators go on to the accounts."""
    if refusal(visit.principal, Permission.ADMINISTER, EVERYWHERE) is None:
        return visit.go(visit.root("settings", "users"))
    known = await visit.database.read(people.ListEntities(visit.principal))
    return await visit.page("settings-own.html", here="settings", known=known)


@router.get("/users")
async def show_users(visit: Administering) -> Response:
    """Accounts, and the form that adds one."""
    return await _users(visit)


@router.post("/users")
async def change_users(visit: Administering) -> Response:
    """Add an account, or remove one."""
    name = visit.form.text("name")
    try:
        if visit.form.text("act") == "remove":
            await visit.database.write(people.RemoveAccount(name, visit.name))
        else:
            kind = decode(PrincipalKind, visit.form.text("kind"), lambda _: "kind")
            await visit.database.write(people.AddAccount(name, kind, visit.name))
    except LaunchkitError as exc:
        return await _users(visit, exc, 422)
    return visit.go(visit.root("settings", "users"))


@router.get("/roles")
async def show_roles(visit: Administering) -> Response:
    """Who has which role where."""
    return await _roles(visit)


@router.post("/roles")
async def change_roles(visit: Administering) -> Response:
    """Grant a role, or take one away."""
    name, entity = visit.form.text("name"), visit.form.text("entity")
    try:
        if not entity:
            raise ConfigError("entity: name one, or * for all of them")
        if visit.form.text("act") == "revoke":
            await visit.database.write(people.RevokeRole(name, entity, visit.name))
        else:
            role = decode(Role, visit.form.text("role"), lambda _: "role")
            await visit.database.write(people.GrantRole(name, entity, role, visit.name))
    except LaunchkitError as exc:
        return await _roles(visit, exc, 422)
    return visit.go(visit.root("settings", "roles"))


@router.get("/tokens")
async def show_tokens(visit: Administering) -> Response:
    """Tokens that count, and with `all` those that do not any more; the secret of one that was
    just made is shown once.
    """
    secret = once.brought(visit.request)
    page = await _tokens(visit, secret=secret)
    if secret is not None:
        once.take_away(page, visit.root("settings", "tokens"))
    return page


@router.post("/tokens")
async def change_tokens(visit: Administering) -> Response:
    """Make a token, whose secret the page that follows shows, or revoke one."""
    database, page = visit.database, visit.root("settings", "tokens")
    try:
        if visit.form.text("act") == "revoke":
            await database.write(tokens.RevokeToken(visit.form.text("id"), visit.name))
            return visit.go(page)
        made = await database.write(_wanted(visit))
    except LaunchkitError as exc:
        return await _tokens(visit, exc, status=422)
    answer = visit.go(visit.root("settings", "tokens", made=made.token.id))
    once.hand_over(visit.request, answer, made.secret, page)
    return answer


def _wanted(visit: Visit) -> tokens.CreateToken | tokens.CreateAgentToken:
    """The token that the form asks for."""
    form = visit.form
    days = form.text("days")
    if days and days not in {str(one) for one in DAYS}:
        raise ConfigError(f"days: {days[:20]!r} is none of those that can be chosen")
    expires = datetime.now(UTC).timestamp() + int(days) * 86400 if days else None
    if form.text("for") == "agent":
        queues = [one.strip() for one in form.text("queues").split(",") if one.strip()]
        agent, entity = form.text("agent"), form.text("entity")
        return tokens.CreateAgentToken(agent, entity, queues, visit.name, expires)
    return tokens.CreateToken(form.text("owner"), visit.name, expires)


async def _users(visit: Visit, fault: LaunchkitError | None = None, status: int = 200) -> Response:
    accounts = await visit.database.read(people.ListAccounts())
    grants = await visit.database.read(people.ListGrants())
    roles = {one.name: [g for g in grants if g.name == one.name] for one in accounts}
    return await visit.page(
        "settings-users.html",
        status=status,
        here="settings",
        tab="users",
        accounts=accounts,
        roles=roles,
        kinds=KINDS,
        fault=fault,
    )


async def _roles(visit: Visit, fault: LaunchkitError | None = None, status: int = 200) -> Response:
    return await visit.page(
        "settings-roles.html",
        status=status,
        here="settings",
        tab="roles",
        grants=await visit.database.read(people.ListGrants()),
        accounts=await visit.database.read(people.ListAccounts()),
        levels=[*Role],
        fault=fault,
    )


async def _tokens(
    visit: Visit,
    fault: LaunchkitError | None = None,
    *,
    secret: str | None = None,
    status: int = 200,
) -> Response:
    listed = await visit.database.read(tokens.ListTokens())
    query = visit.request.query_params
    everything = "all" in query
    now = datetime.now(UTC).timestamp()
    return await visit.page(
        "settings-tokens.html",
        status=status,
        here="settings",
        tab="tokens",
        listed=[one for one in reversed(listed) if everything or _counts(one, now)],
        ended=sum(not _counts(one, now) for one in listed),
        everything=everything,
        accounts=await visit.database.read(people.ListAccounts()),
        secret=secret,
        made=next((one for one in listed if one.id == query.get("made")), None),
        days=DAYS,
        fault=fault,
    )


def _counts(token: Token, now: float) -> bool:
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
