"""The key that the secrets of webhooks are made of. It is kept outside the database, which has a
salt for each webhook, and the key's fingerprint.
"""

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field

from launchkit.model import Secret

KEY_BYTES = 32
FINGERPRINT = 16
"""So many letters of the key's SHA-256 tell it from others."""


@dataclass(frozen=True)
class WebhookKey:
    """A key of so many random bytes."""

    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells this key from others, and nothing of it."""
        return hashlib.sha256(self.key).hexdigest()[:FINGERPRINT]

    def secret_of(self, webhook: str, salt: str) -> Secret:
        """The secret of a webhook, as Standard Webhooks writes it; always the same."""
        made = hmac.digest(self.key, f"webhook:{webhook}{salt}".encode(), hashlib.sha256)
        return Secret("whsec_" + b64encode(made).decode())
