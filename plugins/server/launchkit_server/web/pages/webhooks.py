"""Webhooks: which places are told of what, and what became of the last messages."""

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.codec import decode
from launchkit.errors import ConfigError, LaunchkitError
from launchkit.model.webhooks import Happens
from launchkit.store import webhooks
from launchkit.store.webhook_key import WebhookKey
from launchkit_server.web import once
from launchkit_server.web.visits import Administering, Visit

router = APIRouter(prefix="/settings")


@router.get("/webhooks")
async def show(visit: Administering) -> Response:
    """The webhooks of all entities, and the form that makes one; the secret of one that was just
    made is shown once.
    """
    secret = once.brought(visit.request)
    page = await _page(visit, secret=secret)
    if secret is not None:
        once.take_away(page, visit.root("settings", "webhooks"))
    return page


@router.post("/webhooks")
async def change(visit: Administering) -> Response:
    """Make a webhook, whose secret the page that follows shows, or change, test or remove one."""
    page = visit.root("settings", "webhooks")
    try:
        if visit.form.text("act") != "create":
            await _act(visit)
            return visit.go(page)
        key = await visit.service.webhook_key.made()
        made = await visit.database.write(_wanted(visit, key))
    except LaunchkitError as exc:
        return await _page(visit, fault=exc, status=422)
    one = made.webhook
    answer = visit.go(visit.root("settings", "webhooks", made=one.name, of=one.entity))
    once.hand_over(visit.request, answer, made.secret, page)
    return answer


async def _act(visit: Visit) -> None:
    database, actor = visit.database, visit.name
    entity, name = visit.form.text("entity"), visit.form.text("name")
    act = visit.form.text("act")
    if act == "remove":
        await database.write(webhooks.Remove(entity, name, actor))
    elif act == "test":
        await database.write(webhooks.SendTest(entity, name, actor))
    elif act in {"pause", "resume"}:
        await database.write(webhooks.SetPaused(entity, name, act == "pause", actor))
    else:
        raise ConfigError(f"act: {act[:20]!r} is nothing that can be done to a webhook")


def _wanted(visit: Visit, key: WebhookKey) -> webhooks.Create:
    form = visit.form
    if not form.text("entity"):
        raise ConfigError("entity: name the one whose events are told")
    return webhooks.Create(
        entity=form.text("entity"),
        name=form.text("name"),
        url=form.text("url"),
        events=[decode(Happens, one, lambda _: "events") for one in form.all("events")],
        actor=visit.name,
        key=key,
    )


async def _page(
    visit: Visit,
    *,
    secret: str | None = None,
    fault: LaunchkitError | None = None,
    status: int = 200,
) -> Response:
    chosen = visit.form.all("events") if fault else [Happens.LAUNCH_FAILED]
    views = await visit.database.read(webhooks.List())
    key = await visit.service.webhook_key.read()
    query = visit.request.query_params
    new = (query.get("made"), query.get("of"))
    return await visit.page(
        "settings-webhooks.html",
        status=status,
        here="settings",
        tab="webhooks",
        views=views,
        signer=key.fingerprint if key else None,
        words=[*Happens],
        chosen=chosen,
        given={one: visit.form.text(one) if fault else "" for one in ("entity", "name", "url")},
        secret=secret,
        made=next((v.webhook for v in views if (v.webhook.name, v.webhook.entity) == new), None),
        fault=fault,
    )
