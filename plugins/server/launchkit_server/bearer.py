"""The token of a request; only the header counts, never the URL, which is logged."""

from starlette.datastructures import Headers

MAX_TOKEN = 512


def bearer(headers: Headers) -> str | None:
    """The token that the headers give, however they spell it."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token[:MAX_TOKEN] if scheme.lower() == "bearer" and token else None
