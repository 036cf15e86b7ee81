"""How a registry wants to be asked: its challenges, and the tokens that answer them.

See https://distribution.github.io/distribution/spec/auth/token/ and .../auth/oauth/.
"""

import base64
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from launchkit.errors import LaunchError
from launchkit.model import Credentials, Secret

TOKEN_SECONDS = 60.0
"""How long a token lives if its issuer does not say."""
MARGIN_SECONDS = 15.0

LONGEST = 16_000
"""Characters of a header that are looked at."""
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=\s+[A-Za-z_]+\s*=|\s*$|\s*,)")
_TOKEN = re.compile(r"[!-~]{1,64000}", re.ASCII)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)')
"""Also one that does not end: it would be looked for anew behind each quote in it."""
_PARAMETER = re.compile(r'(?<![A-Za-z_])([A-Za-z_]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """A way to log in that a registry offers; `scheme` is in lower case."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Token:
    """A bearer token and the Unix time until which it can be used."""

    text: Secret
    until: float


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a `WWW-Authenticate` header (RFC 9110, 11.6.1), in their order."""
    header = header[:LONGEST]
    blank = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), header)
    starts = list(_SCHEME.finditer(blank))
    ends = [*(start.start() for start in starts[1:]), len(header)]
    return [
        Challenge(start[1].lower(), _parameters(header[start.end() : end]))
        for start, end in zip(starts, ends, strict=False)
    ]


def basic(login: Credentials) -> str:
    """The value of an `Authorization` header."""
    pair = f"{login.username}:{str.__str__(login.password)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def token_request(challenge: Challenge, scope: str, login: Credentials | None) -> httpx.Request:
    """The request that gets a token for *scope*; an identity token goes into a form."""
    realm = challenge.parameters["realm"]
    service = challenge.parameters.get("service", "")
    asked = {name: text for name, text in (("service", service), ("scope", scope)) if text}
    if login and login.is_identity:
        secret = {"grant_type": "refresh_token", "refresh_token": str.__str__(login.password)}
        return httpx.Request("POST", realm, data={**secret, **asked, "client_id": "launchkit"})
    headers = {"Authorization": basic(login)} if login else {}
    return httpx.Request("GET", httpx.URL(realm).copy_merge_params(asked), headers=headers)


WRONG = (ValueError, LookupError, TypeError, AttributeError)
"""What data of another shape raises."""


def read_token(response: httpx.Response, subject: str) -> Token:
    """The token of an issuer's answer. :raises LaunchError: if there is none in it."""
    try:
        data = response.json()
        text = _written(data.get("token") or data["access_token"])
        seconds = float(data.get("expires_in") or TOKEN_SECONDS)
    except (*WRONG, OverflowError, RecursionError) as exc:
        raise LaunchError(
            f"{subject}: its token service gave an answer without a token",
            hint="a proxy may have answered in its place; look at HTTPS_PROXY and NO_PROXY",
        ) from exc
    return Token(Secret(text), time.time() + seconds - MARGIN_SECONDS)


def _written(text: str) -> str:
    """A token as a header can have it. :raises ValueError: if it cannot."""
    if not _TOKEN.fullmatch(text):
        raise ValueError("it is no token")
    return text


def _parameters(text: str) -> dict[str, str]:
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[3] is None else match[3]
        for match in _PARAMETER.finditer(text)
    }
