"""Webhooks of one entity."""

from collections.abc import Sequence

from fastapi import APIRouter

from launchkit.model.webhooks import Delivery, Webhook, WebhookView
from launchkit.store import webhooks
from launchkit.wire.webhooks import WebhookAnswer, WebhookChange, WebhookRequest
from launchkit_server.access import Administrator
from launchkit_server.service import TheService

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


@router.get("")
async def list_all(entity: str, who: Administrator) -> Sequence[WebhookView]:
    """All webhooks, by name, each with its last messages; never a secret."""
    return await who.database.read(webhooks.List(entity))


@router.post("", status_code=201)
async def create(
    entity: str, wanted: WebhookRequest, service: TheService, who: Administrator
) -> WebhookAnswer:
    """Make a webhook, which is told of what happens from now on."""
    body = webhooks.Create(
        entity=entity,
        name=wanted.name,
        url=wanted.url,
        events=wanted.events,
        actor=who.name,
        key=await service.webhook_key.made(),
    )
    made = await who.database.write(body)
    return WebhookAnswer(webhook=made.webhook, secret=str.__str__(made.secret))


@router.put("/{name}")
async def change(entity: str, name: str, wanted: WebhookChange, who: Administrator) -> Webhook:
    """Pause a webhook, or let it send again what happens from now on."""
    return await who.database.write(webhooks.SetPaused(entity, name, wanted.paused, who.name))


@router.delete("/{name}", status_code=204)
async def remove(entity: str, name: str, who: Administrator) -> None:
    """Remove a webhook with its messages, also those that wait."""
    await who.database.write(webhooks.Remove(entity, name, who.name))


@router.post("/{name}/test", status_code=202)
async def send_test(entity: str, name: str, who: Administrator) -> Delivery:
    """Send a message that tells of nothing, to see whether it comes."""
    return await who.database.write(webhooks.SendTest(entity, name, who.name))
