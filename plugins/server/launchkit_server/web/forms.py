"""What a form sends: names and texts, bounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

from launchkit.errors import ConfigError

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 2000


@dataclass(frozen=True)
class Form:
    """The fields of a form; those that are empty are kept."""

    fields: Mapping[str, list[str]]

    def text(self, name: str, default: str = "") -> str:
        """The last text of a field, without the space around it."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """The last text of a field as it was written, its lines ended by newlines alone."""
        return self.fields.get(name, [default])[-1].replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """All texts of a field."""
        return self.fields.get(name, [])

    def checked(self, name: str) -> bool:
        """Whether a box is checked."""
        return bool(self.text(name))


async def form_of(request: Request) -> Form:
    """What was sent with a request; nothing if it has no form.

    :raises ConfigError: if it is no form that can be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        return Form({})
    try:
        text = (await request.body()).decode()
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise ConfigError(f"the form cannot be read: {exc}") from exc
    return Form(fields)
