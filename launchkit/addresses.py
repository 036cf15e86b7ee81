"""Addresses as they may be shown: without what proves who somebody is."""

import re

HIDDEN = "…"
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]++)://\S+")
_SOUND = re.compile(
    r"passw|pwd|secret|token|credential|signature|^sig$|(^|[_-])key|apikey", re.IGNORECASE
)
_PARAMETER = re.compile(r"([?&;#])([^=&;#?\s]*)=([^&;#\s]*)")
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
    scheme = found[1]
    whole = found[0].removeprefix(f"{scheme}://")
    if scheme in _DATABASES:
        login, at, rest = whole.rpartition("@")
        shown = f"{login.partition(':')[0]}{at}"
    else:
        host, slash, path = whole.partition("/")
        login, at, host = host.rpartition("@")
        user = login.partition(":")[0] if scheme in _NAME_USERS else HIDDEN
        shown, rest = f"{user}{at}" if at else "", f"{host}{slash}{path}"
    return f"{scheme}://{shown}{_PARAMETER.sub(_parameter, rest)}"


def _parameter(found: re.Match[str]) -> str:
    value = HIDDEN if _SOUND.search(found[2]) and found[3] else found[3]
    return f"{found[1]}{found[2]}={value}"
