"""The target of a request, its path and query: how long it is, and what must not stand in it."""

from urllib.parse import parse_qsl

from starlette.types import Scope

from launchkit.model.names import LONGEST_NAME, length_problem
from launchkit_server.problems import TOKEN, Refusal
from launchkit_server.routes import is_page

LONGEST_PATH = 4096
"""Letters: some of the longest names."""
LONGEST_QUERY = 8 * 2**10
"""Bytes, as it is sent."""
MOST_FIELDS = 100
"""Of a query: each takes as long to read as some dozen letters."""
TOO_LONG = f"a query has at most {LONGEST_QUERY} bytes, and {MOST_FIELDS} fields"
ASK_FOR_LESS = "ask for less: patterns may have a * for what is between"
_TOKEN_WORDS = frozenset({"token", "access_token", "auth_token", "authorization"})


def objection(scope: Scope) -> Refusal | None:
    """Why a request is not looked at, by its target. Of one that is too long nothing is read."""
    path: str = scope["path"]
    query: bytes = scope["query_string"]
    if len(path) > LONGEST_PATH:
        return Refusal(414, f"a path has at most {LONGEST_PATH} letters")
    if is_too_long(query):
        return Refusal(414, TOO_LONG, hint=ASK_FOR_LESS)
    fields = parse_qsl(query.decode("latin-1"))
    if _has_token(path, fields):
        return Refusal(
            400,
            "a token stands in the URL, which is logged on its way",
            hint="send it as a header, Authorization: Bearer TOKEN, and revoke this one",
        )
    if problem := _long_name(path, fields):
        return Refusal(
            422,
            problem,
            code="config_invalid",
            hint="name less: patterns may have a * for what is between",
        )
    return None


def is_too_long(query: bytes) -> bool:
    """Whether a query is longer than is read."""
    return len(query) > LONGEST_QUERY or query.count(b"&") >= MOST_FIELDS


def _has_token(path: str, fields: list[tuple[str, str]]) -> bool:
    """A token of ours, or what is called one; numbers are those of claims."""
    return TOKEN.search(path) is not None or any(
        TOKEN.search(value) or (name.lower() in _TOKEN_WORDS and not value.isdecimal())
        for name, value in fields
    )


def _long_name(path: str, fields: list[tuple[str, str]]) -> str | None:
    """What is wrong with one in the path, or in a query of the API: one of a page may say where to
    go on.
    """
    named = [("a name in the address", max(path.split("/"), key=len))]
    if not is_page(path):
        named += [
            (name[:LONGEST_NAME], value)
            for name, value in fields
            if name != "after" or len(value) > 2 * LONGEST_NAME
        ]
    return next((problem for one in named if (problem := length_problem(*one))), None)
