"""What administrators send about webhooks, and what they get."""

from dataclasses import dataclass

from launchkit.model.webhooks import Happens, Webhook
from launchkit.wire.names import Name


@dataclass(frozen=True, kw_only=True)
class WebhookRequest:
    """A new webhook."""

    name: Name
    url: str
    events: tuple[Happens, ...]


@dataclass(frozen=True, kw_only=True)
class WebhookChange:
    """Whether a webhook sends nothing."""

    paused: bool


@dataclass(frozen=True, kw_only=True)
class WebhookAnswer:
    """A new webhook, and its secret, which is told here alone."""

    webhook: Webhook
    secret: str

    def __repr__(self) -> str:
        return f"WebhookAnswer(webhook={self.webhook}, secret=…)"
