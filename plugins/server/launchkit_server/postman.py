"""Sends messages of webhooks, signed as Standard Webhooks has it, and reads bounded answers."""

import hashlib
import hmac
import ssl
import time
from base64 import b64decode, b64encode
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version

import anyio
import httpx

from launchkit.addresses import masked
from launchkit.aio.http import http_client, machine_trust
from launchkit.errors import LaunchkitError
from launchkit.model import Secret
from launchkit.plain_text import tail_lines
from launchkit.store.deliveries import Letter
from launchkit_server.look_ups import ByLookUps, LookUps

SEND_SECONDS = 15.0
"""How long a receiver may take to answer: less than a turn lasts."""
QUIET_SECONDS = 10.0
MOST_BYTES = 16 * 1024
"""Of all that a receiver sends, once it is decrypted."""
ANSWER_BYTES = 2000
ANSWER_CHARACTERS = 300
FAULTS = (
    *(httpx.HTTPError, httpx.InvalidURL, LaunchkitError, OSError, ValueError),
    *(ImportError, RuntimeError),  # for a proxy nothing is installed; no thread can be started
)
AGENT = f"launchkit/{version('launchkit-server')}"


@dataclass(frozen=True)
class Answer:
    """How a receiver answered, or why it did not."""

    taken: bool
    text: str


@dataclass(frozen=True)
class Postman:
    """Sends messages; each over a connection of its own, so that no receiver's cookies or slowness
    are of any weight to another.
    """

    trust: ssl.SSLContext = field(default_factory=machine_trust)
    _look_ups: dict[str, LookUps] = field(
        init=False, default_factory=lambda: defaultdict(LookUps), compare=False
    )
    """Those of each entity."""

    async def send(self, letter: Letter, entity: str) -> Answer:
        """Send a message of an *entity*; a redirect is an answer as any other, not followed."""
        try:
            with anyio.fail_after(SEND_SECONDS):
                return await self._send(letter, self._look_ups[entity])
        except TimeoutError:
            return Answer(False, f"no answer within {SEND_SECONDS:g} s")
        except FAULTS as exc:
            return Answer(False, _plain(f"{type(exc).__name__}: {exc}".encode()))

    async def _send(self, letter: Letter, look_ups: LookUps) -> Answer:
        body = letter.body.encode()
        async with (
            http_client(
                self.trust,
                most=MOST_BYTES,
                network=ByLookUps(look_ups),
                follow_redirects=False,
                timeout=QUIET_SECONDS,
            ) as client,
            client.stream(
                "POST", letter.url, content=body, headers=headers_of(letter, int(time.time()))
            ) as response,
        ):
            said = b""
            async for piece in response.aiter_raw():
                said += piece[:ANSWER_BYTES]
                if len(said) >= ANSWER_BYTES:
                    break
            text = _plain(said[:ANSWER_BYTES])
            status = str(response.status_code)
            return Answer(response.is_success, f"{status}: {text}" if text else status)


def headers_of(letter: Letter, at: int) -> dict[str, str]:
    """The headers of a message that is sent at a Unix time."""
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": AGENT,
        "webhook-id": letter.id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(letter.secret, letter.id, at, letter.body),
    }


def signature(secret: Secret, message: str, at: int, body: str) -> str:
    """HMAC-SHA256 over the id, the time and the body, as `v1`."""
    key = b64decode(str.__str__(secret).removeprefix("whsec_"))
    signed = hmac.digest(key, f"{message}.{at}.{body}".encode(), hashlib.sha256)
    return f"v1,{b64encode(signed).decode()}"


def _plain(said: bytes) -> str:
    last = b"".join(said.split()[-1:])
    if len(said) >= ANSWER_BYTES and b"://" in last:  # it may be cut in a login
        said = said.removesuffix(last)
    return masked(" ".join(tail_lines(said)))[:ANSWER_CHARACTERS]
