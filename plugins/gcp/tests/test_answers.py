"""Answers that are none of Google's: what is read of them has an end."""

import gzip

import pytest
from aiohttp import web
from launchkit_gcp.api import LONGEST_ANSWER
from launchkit_gcp.errors import GcpAway

from .conftest import Environments
from .fake_google import serving

BOMB = gzip.compress(bytes(LONGEST_ANSWER + 1))


@pytest.mark.parametrize(
    ("body", "coding", "message"),
    [
        (BOMB, "gzip", "its answer does not end"),
        (gzip.compress(BOMB), "gzip, gzip", "packed as 'gzip, gzip'"),
        (b"no gzip", "gzip", "cannot be reached"),
        (b"[" * 200_000, "identity", "its answer is none of Google's"),
        (b'["a"]', "identity", "its answer is none of Google's"),
    ],
    ids=range(5),
)
async def test_an_answer_that_is_none_of_googles_is_told(
    environments: Environments, body: bytes, coding: str, message: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": coding})

    app = web.Application()
    app.router.add_get("/", answer)
    async with serving(app) as url, environments() as environment:
        api = await environment.api()
        with pytest.raises(GcpAway, match=message):
            await api.found("Artifact Registry", url, login=False)
