"""Addresses as they may be shown: without what proves who somebody is."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

HIDDEN = "…"
MOST_PARAMETERS = 10_000
"""Parameters of one text that are looked at; nothing is shown of its addresses behind these."""
_ADDRESSES = re.compile(r"(?:(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++:/|://)\S+")
"""From the first address to the next white space, also with a slash too few or too many, or with
something that is to be filled in for a scheme."""
_BEGIN = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]*+):(/++)")
_HOST = re.compile(r"[^/]*+")
_NO_PORT = r":(?![0-9]{1,5}(?:[/?#]|$))"
_IPV6 = r"\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]*+(?:%[\w.~%-]*+)?\]"
_USER = rf"(?>{_IPV6}|[^/@:]*+)"
_AND_HOST = rf"@(?>{_IPV6}|[^/:]*+)(?=:(?!//))"
_WITH_PASSWORD = re.compile(rf"{_USER}(?:{_AND_HOST})?{_NO_PORT}")
"""What is no host with its port: all up to the last `@` is a login, whatever its password has, and
its user, such as one of an address of e-mail."""
_LONGEST_USER = 500
_NO_USER = r":?#\"',;\s"
_PATH = "".join(
    rf"(?<!{scheme}:{slashes})" for scheme in ("file", "sqlite") for slashes in ("///", "////")
)
_TIME = r"(?<=[0-9]{2}:)[0-9]{2}:[0-9]{2}"
_DIGEST = rf"sha[0-9]{{3}}{_NO_PORT}"
"""The beginning of one, which an image may be pinned by; a host of that name has a port."""
_WHOLE_DIGEST = re.compile(rf"{_DIGEST}[0-9A-Fa-f]++")
_TAG = rf"[\w.-]{{1,128}}+(?:@|%40){_DIGEST}"
_SLASH_USER = re.compile(rf"{_PATH}[^/{_NO_USER}]*+/[^{_NO_USER}]*+{_NO_PORT}(?!//|{_TIME}|{_TAG})")
"""A user such as `robot/ci` and the colon behind it: no path, address, time or tag of an image."""
_BARE = re.compile(rf"{_USER}{_NO_PORT}(?!{_TAG})")
"""The same without a scheme, where `git@host:path` is something else."""
_PARAMETER = re.compile(
    r"(?:[?&;#]|%3[fFbB]|%2[36])((?:[^=&;#?\s%]|%(?!3[fFbBdD]|2[36]))*+)(?:=|%3[dD])"
)
"""Also one whose signs are escaped, as they are in an address that is a parameter's value."""
_VALUE = re.compile(r"[^&#\s]*+")
"""A semicolon may begin a parameter, and be a part of a password."""
_SPACE = "\N{SYMBOL FOR SPACE}"
_BEFORE_AT = re.compile(r"^.*@", re.DOTALL)
_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
_DATABASES = ("postgresql", "postgres")
_NAME_USERS = ("ssh", "git+ssh")
"""Where a user is no secret, and the path may have an `@` of its own."""


def masked(text: str) -> str:
    """A text in which no URL has a password, or a parameter that sounds like one, wherever it
    begins: also in or beside another one. The URL of a database or for SSH keeps its user; in
    others that may be the secret itself.
    """
    return _ADDRESSES.sub(partial(_masked, _Parameters()), text)


class _Parameters:
    """How many parameters of a text were looked at: a long one may have a hundred thousand."""

    def __init__(self) -> None:
        self.seen = 0


def _masked(parameters: _Parameters, found: re.Match[str]) -> str:
    if parameters.seen > MOST_PARAMETERS:
        return HIDDEN
    addresses = found[0]
    if "@" in addresses or "%40" in addresses:
        addresses = _without_logins(addresses)
    if "=" in addresses or "%3" in addresses:
        addresses = _without_parameters(addresses, parameters)
    return addresses


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
    return masked_address(value) if bare_login(value) else masked_url(value)


def bare_login(text: str) -> str | None:
    """The user and the password before the host of a text that is an address without a scheme."""
    login, at, _ = without_digest(text)[0].rpartition("@")
    if not at or _ADDRESSES.match(text):
        return None
    return login if _BARE.match(text) or has_slash_user(text, 0, len(login)) else None


def without_digest(image: str) -> tuple[str, str]:
    """The name of an image, and the digest behind it with its `@`; empty: it has none."""
    name, at, digest = image.rpartition("@")
    return (name, f"@{digest}") if at and _WHOLE_DIGEST.fullmatch(digest) else (image, "")


def has_slash_user(text: str, start: int, last: int) -> bool:
    """Whether a login begins there whose user has a slash, and has a password before the last
    `@`: what stands before the slash is then taken for the host by who reads it as an address.
    """
    colon = text.find(":", start, min(start + _LONGEST_USER, last))
    return colon >= 0 and bool(_SLASH_USER.match(text, start))


def without_login(url: str) -> str:
    """A URL without who asks there: for names that are made of it."""
    return _LOGIN.sub("", url, count=1)


def masked_address(text: str) -> str:
    """A text that is meant as one address and may be none, without the same."""
    name, digest = without_digest(_without_parameters(masked(text), _Parameters()))
    return _BEFORE_AT.sub(f"{HIDDEN}@", name) + digest


def holds_secret(url: str) -> bool:
    """Whether a URL has a parameter that sounds like a password."""
    return any(True for _ in _secret_values(url, _Parameters()))


def _without_logins(addresses: str) -> str:
    shown: list[str] = []
    last = addresses.rfind("@" if "@" in addresses else "%40")
    done = 0
    for begin in _BEGIN.finditer(addresses) if last >= 0 else ():
        scheme, slashes = begin.groups()
        at = begin.end()
        if at > last:
            break
        if begin.start() < done or (begin.start() and len(slashes) == 1):
            continue
        host = _HOST.match(addresses, at)
        host_end = host.end() if host else at
        end = addresses.rfind("@", at, host_end)
        is_usual = scheme in _NAME_USERS and end >= 0 and ":" not in addresses[at:end]
        is_odd = _WITH_PASSWORD.match(addresses, at) or has_slash_user(addresses, at, last)
        if scheme in _DATABASES or (is_odd and not is_usual):
            end = last
        if end >= 0:
            names = scheme in (*_DATABASES, *_NAME_USERS)
            user = addresses[at:end].partition(":")[0] if names else HIDDEN
            shown += (addresses[done:at], user)
            done = end
    return "".join((*shown, addresses[done:]))


def _without_parameters(text: str, parameters: _Parameters) -> str:
    shown: list[str] = []
    done = 0
    for start, end in _secret_values(text, parameters):
        shown += (text[done:start], HIDDEN)
        done = end
    return "".join((*shown, text[done:]))


def _secret_values(text: str, parameters: _Parameters) -> Iterator[tuple[int, int]]:
    """Where the values of parameters are that sound like passwords. One that does not may hold an
    address with parameters of its own.
    """
    done = 0
    for found in _PARAMETER.finditer(text):
        parameters.seen += 1
        if parameters.seen > MOST_PARAMETERS:
            yield max(found.start(), done), len(text)
            return
        if found.start() >= done and _tells(found[1]):
            value = _VALUE.match(text, found.end())
            done = value.end() if value else found.end()
            if done > found.end():
                yield found.end(), done


def _tells(name: str) -> bool:
    """Whether a parameter of that name is a secret, however the name is escaped."""
    from launchkit.secret_names import is_secret_parameter  # few commands need it

    return is_secret_parameter(unquote(name))
