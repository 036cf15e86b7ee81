"""What a token says of itself. Pure: nothing is proved, and nothing depends on it."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from launchkit.model import Secret
from launchkit.plain_text import shortened

LONGEST = 64_000


@dataclass(frozen=True)
class Token:
    """A token of Entra ID; `expires_at` is Unix time."""

    text: Secret
    expires_at: float
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, text: str, expires_at: float) -> Self:
        """A token that was got."""
        return cls(Secret(text), expires_at, claims_of(text))

    @property
    def tenant(self) -> str | None:
        """The tenant that gave it."""
        return _text(self.claims, "tid")

    @property
    def principal(self) -> str | None:
        """The id of whom roles are given to."""
        return _text(self.claims, "oid")

    @property
    def shown(self) -> str:
        """Whose it is, for people."""
        names = ("upn", "unique_name", "app_displayname", "appid", "oid")
        name = next(filter(None, (_text(self.claims, name) for name in names)), "somebody")
        return f"{name} of tenant {self.tenant}" if self.tenant else name


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JSON Web Token; none if it is no such."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        return {}
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        found = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    found = claims.get(name)
    if not isinstance(found, str) or not found:
        return None
    return shortened(found, 200).encode(errors="replace").decode()  # what JSON has need not be text
