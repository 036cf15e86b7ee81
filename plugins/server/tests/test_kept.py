"""What is the same for all who ask is written and compressed once."""

import gzip
from collections.abc import Iterator

import httpx
import pytest
import starlette.middleware.gzip
from starlette.responses import JSONResponse

from .conftest import Served
from .over_http import client_in

SAME_FOR_ALL = (
    "/api/v1/openapi.json",
    "/api/v1/entities/kept/kinds",
    "/api/v1/entities/kept/kinds/local-process",
)


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, "kept") as client:
        yield client


@pytest.mark.parametrize("path", SAME_FOR_ALL)
def test_what_is_the_same_for_all_is_written_and_compressed_once(
    client: httpx.Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = client.base_url.join(path)
    first = client.get(url, headers={"Accept-Encoding": "identity"})
    monkeypatch.delattr(starlette.middleware.gzip.zlib, "compressobj")
    monkeypatch.delattr(gzip, "compress")
    monkeypatch.delattr(JSONResponse, "render")
    packed = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert first.is_success
    assert "content-encoding" not in first.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"].lower() == "accept-encoding"
    assert packed.json() == first.json()
    assert int(packed.headers["content-length"]) < len(first.content)
