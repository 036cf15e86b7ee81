"""What a form sends: names and texts, bounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

from fastapi import Request

from launchkit.errors import ConfigError
from launchkit.model.people import Principal
from launchkit_server.bodies import LONG, is_long
from launchkit_server.rates import asker
from launchkit_server.service import Service

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 2000
LONGEST_KEY = 200
"""Of an idempotency key."""


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

    def short(self, name: str, most: int) -> str:
        """The same as `text`, of few letters.

        :raises ConfigError: if it has more than *most*: a part of it would say something else.
        """
        text = self.text(name)
        if len(text) > most:
            raise ConfigError(f"{name}: has {len(text)} characters, and may have {most}")
        return text

    def all(self, name: str) -> list[str]:
        """All texts of a field."""
        return self.fields.get(name, [])

    def checked(self, name: str) -> bool:
        """Whether a box is checked."""
        return bool(self.text(name))


async def form_of(request: Request, principal: Principal) -> Form:
    """What somebody who is known has sent with a request; nothing if it has no form.

    :raises ConfigError: if it is no form that can be read.
    :raises Unreachable: if the same one sends too many long ones at once.
    """
    if not _is_form(request):
        return Form({})
    if not is_long(request.headers):
        return _parsed(await request.body())
    service: Service = request.app.state.service
    with service.bodies.of(asker(principal)):
        body = await request.body()
        work = partial(_parsed, body)
        return await service.parsing.run(asker(principal), work, is_long=True)


async def short_form_of(request: Request) -> Form:
    """The same of anybody, of whom nothing long is read.

    :raises ConfigError: if it is longer, too.
    """
    if not _is_form(request):
        return Form({})
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONG:
            raise ConfigError(f"the form is longer than {LONG} bytes")
    return _parsed(body)


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == FORM_TYPE


def _parsed(body: bytes) -> Form:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise ConfigError(f"the form cannot be read: {exc}") from exc
    return Form(fields)
