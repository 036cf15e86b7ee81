"""Addresses as they may be shown: without what proves who somebody is."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "…"
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]++)(://?)(\S+)")
"""Also with a slash too few."""
_WITH_PASSWORD = re.compile(r"[^\[/@:]*+:(?![0-9]{1,5}(?:[/?#]|$))")
"""What is no host with its port: all up to the last `@` is a login, whatever its password has."""
_SOUND = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|signature|authorization|bearer"
    r"|(?:^|[_.-])(?:auth|cookie|jwt|key|otp|pass|pat|pw|sig)(?![a-z])"
    r"|(?:api|access|account|private|shared|signing)key",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"([?&;#])([^=&;#?\s]*)=([^&;#\s]*)")
_SPACE = "\N{SYMBOL FOR SPACE}"
_BEFORE_AT = re.compile(r"^.*@", re.DOTALL)
_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
_DATABASES = ("postgresql", "postgres")
_NAME_USERS = ("ssh", "git+ssh")
"""Where a user is no secret, and the path may have an `@` of its own."""


def masked(text: str) -> str:
    """A text in which no URL has a password, or a parameter that sounds like one. The URL of a
    database or for SSH keeps its user; in others that may be the secret itself.
    """
    return _URL.sub(_masked, text)


def masked_url(url: str) -> str:
    """One URL without the same, whatever spaces it has."""
    return masked(url.replace(" ", _SPACE)).replace(_SPACE, " ")


def masked_path(path: str) -> str:
    """A path without the same, if it may be meant as an address."""
    before, _, _ = path.rpartition("@")
    return masked_address(path) if ":" in before else path


def masked_value(value: object) -> Any:
    """Settings, each text of which may be an address or hold one, without the same."""
    if isinstance(value, Mapping):
        return {masked_value(key): masked_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked_value(inner) for inner in value]
    if not isinstance(value, str):
        return value
    is_login = "@" in value and "@sha256:" not in value and _WITH_PASSWORD.match(value)
    return masked_address(value) if is_login and not _URL.match(value) else masked_url(value)


def without_login(url: str) -> str:
    """A URL without who asks there: for names that are made of it."""
    return _LOGIN.sub("", url, count=1)


def masked_address(text: str) -> str:
    """A text that is meant as one address and may be none, without the same."""
    return _BEFORE_AT.sub(f"{HIDDEN}@", _PARAMETER.sub(_parameter, masked(text)))


def holds_secret(url: str) -> bool:
    """Whether a URL has a parameter that sounds like a password."""
    return any(_SOUND.search(found[2]) and found[3] for found in _PARAMETER.finditer(url))


def _masked(found: re.Match[str]) -> str:
    scheme, slashes, whole = found.groups()
    host, slash, path = whole.partition("/")
    is_usual = scheme in _NAME_USERS and "@" in host
    if scheme in _DATABASES or (_WITH_PASSWORD.match(whole) and not is_usual):
        login, at, rest = whole.rpartition("@" if "@" in whole else "%40")
    else:
        login, at, host = host.rpartition("@")
        rest = f"{host}{slash}{path}"
    user = login.partition(":")[0] if scheme in (*_DATABASES, *_NAME_USERS) else HIDDEN
    shown = f"{user}{at}" if at else ""
    return f"{scheme}{slashes}{shown}{_PARAMETER.sub(_parameter, rest)}"


def _parameter(found: re.Match[str]) -> str:
    value = HIDDEN if _SOUND.search(found[2]) and found[3] else found[3]
    return f"{found[1]}{found[2]}={value}"
