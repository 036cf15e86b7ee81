"""Whoever answers in the place of a queue service or a provider costs bounded memory."""

import gzip
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from launchkit_server.oidc.attempts import Attempt
from launchkit_server.oidc.provider import MAX_ANSWER as MAX_OF_PROVIDER
from launchkit_server.oidc.provider import Provider
from launchkit_server.oidc.settings import OidcSettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from launchkit.builtin.http.service import MAX_ANSWER, Call, connect
from launchkit.errors import Unreachable
from launchkit.wire.protocol import PROTOCOL, PROTOCOL_HEADER

from .other_site import serving

BOMB = gzip.compress(bytes(MAX_ANSWER + MAX_OF_PROVIDER))
TWICE = gzip.compress(BOMB)


@contextmanager
def answering(data: bytes, coding: str, status: int) -> Iterator[str]:
    """A server that gives the same answer to everything."""

    async def answer(_: Request) -> Response:
        headers = {PROTOCOL_HEADER: PROTOCOL, "content-encoding": coding}
        return Response(data, status, headers, media_type="application/json")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with serving(app) as url:
        yield url


BOMBS = pytest.mark.parametrize(
    ("data", "coding", "why"),
    [(BOMB, "gzip", "more than {} bytes"), (TWICE, "gzip, gzip", "packed as 'gzip, gzip'")],
)


@BOMBS
@pytest.mark.parametrize("status", [200, 500])
async def test_of_what_a_service_answers_no_more_is_unpacked_than_is_read(
    data: bytes, coding: str, why: str, status: int
) -> None:
    """Before, httpx unpacked what came at once, whatever it became."""
    with answering(data, coding, status) as url:
        async with AsyncExitStack() as stack:
            service = await connect(stack, url, "e", None, None)
            with pytest.raises(Unreachable, match=why.format(MAX_ANSWER)):
                await service.ask(dict, Call(method="GET", parts=("queues",)))


@BOMBS
async def test_of_what_a_provider_answers_no_more_is_unpacked_than_is_read(
    data: bytes, coding: str, why: str
) -> None:
    with answering(data, coding, 200) as url:
        provider = Provider(OidcSettings(issuer=url, client_id="launchkit"))
        with pytest.raises(Unreachable, match=why.format(MAX_OF_PROVIDER)):
            await provider.address(Attempt.new("/"), f"{url}/done")
