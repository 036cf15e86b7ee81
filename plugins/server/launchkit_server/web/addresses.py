"""Addresses of pages, which hold under the path prefix of a proxy, too."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

SIGNING = ("sign-in", "sign-out")
"""Paths that lead on: to a provider of identities, or out of a session."""
DECODED = 4
"""How often somebody on the way may decode a path."""


def clean_prefix(text: str) -> str:
    """A path prefix as it is put before a path: `/launchkit`, or nothing."""
    inner = text.strip().strip("/")
    return f"/{inner}" if inner else ""


def address(prefix: str, *parts: str, **query: object) -> str:
    """The path to what stands under *parts*; a value of None is left out of the query, a list gives
    its name several times.
    """
    path = prefix + "/" + "/".join(quote(part, safe="") for part in parts)
    wanted = [(name, value) for name, given in query.items() for value in _each(given)]
    return f"{path}?{urlencode(wanted)}" if wanted else path


def _each(value: object) -> Iterable[object]:
    if value is None or value == "":
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def parted(url: str) -> SplitResult:
    """The parts of an address that a browser names; none of one that makes no sense."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def own_path(text: str | None, prefix: str) -> str:
    """Where somebody wants to go after signing in, if that is a page of this site; else its first
    page.
    """
    home = f"{prefix}/"
    if text is None or len(text) > 2000 or not text.isprintable() or not text.startswith(home):
        return home
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    signs_in = unquote(path).removeprefix(home).startswith(SIGNING)
    return text if _stays(path) and not signs_in else home


def _stays(path: str) -> bool:
    """Whether a path leads to where its beginning does, whatever a browser or a proxy makes
    of it: one takes `%2e` for a dot and a backslash for a slash, the other `%2f`, `//` or `..;`.
    """
    for _ in range(DECODED):
        if (decoded := unquote(path)) == path:
            break
        path = decoded
    else:
        return False
    inner = path.replace("\\", "/").removeprefix("/").removesuffix("/").split("/")
    names = [part.partition(";")[0].strip(" ") for part in inner]
    return path.isprintable() and not {".", ".."} & {*names} and (inner == [""] or "" not in names)


class Prefixed:
    """Takes the prefix off the paths that come with it: a proxy passes it on, or has taken it off
    already.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        path: str = scope.get("path", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            scope = {**scope, "path": path[len(self._prefix) :] or "/"}
        await self._app(scope, receive, send)
