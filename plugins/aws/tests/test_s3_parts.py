"""Large files: their parts are signed with what holds now, and given back when it fails."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from launchkit_aws.s3 import PART

from launchkit.errors import LaunchError

from .conftest import REGION, Environments
from .fake_aws import serving

EXPIRED = "<Error><Code>ExpiredToken</Code><Message>it is over</Message></Error>"
BROKEN = "<Error><Code>InvalidRequest</Code><Message>no such part</Message></Error>"


class Parts:
    """A bucket that takes parts, until the key of those who send them has ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.size = 0
        self.expired = ""
        self.refused = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application(client_max_size=2 * PART)
        app.router.add_route("*", "/{rest:.*}", self.handle)
        async with serving(app) as url:
            yield url

    async def handle(self, request: web.Request) -> web.Response:
        signed = re.search(r"Credential=([^/]+)/", request.headers["Authorization"])
        key = signed[1] if signed else ""
        body = await request.read()
        what = f"{request.method} {request.query.get('partNumber', '')}".strip()
        self.asked.append((what, key))
        if key == self.expired:
            return web.Response(status=400, text=EXPIRED, content_type="application/xml")
        if what == self.refused:
            return web.Response(status=400, text=BROKEN, content_type="application/xml")
        if request.method == "HEAD":
            return web.Response(headers={"x-amz-bucket-region": REGION})
        if "partNumber" in request.query:
            self.size += len(body)
            return web.Response(headers={"ETag": f'"{what}"'})
        told = "<UploadId>u</UploadId>" if "uploads" in request.query else "<ETag>e</ETag>"
        text = f"<Result><Bucket>b-b</Bucket><Key>k</Key>{told}</Result>"
        return web.Response(text=text, content_type="application/xml")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 3 * PART + 1)
    return path


async def test_an_upload_outlives_its_session(
    environments: Environments, large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(key: str) -> None:
        text = f"[default]\naws_access_key_id={key}\naws_secret_access_key=s\naws_session_token=t\n"
        (tmp_path / "credentials").write_text(text)

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    write("first")
    parts = Parts()
    async with parts.serving() as url, environments({"s3": url}) as aws:
        await aws.upload(large, "s3://b-b/before")
        parts.size, parts.expired = 0, "first"
        parts.asked.clear()
        write("second")
        await aws.upload(large, "s3://b-b/after")
    assert parts.size == large.stat().st_size
    assert ("POST", "first") in parts.asked
    assert [key for what, key in parts.asked if what != "POST"] == ["second"] * 4


async def test_parts_of_an_upload_that_fails_are_given_back(
    environments: Environments, large: Path
) -> None:
    parts = Parts()
    parts.refused = "PUT 3"
    async with parts.serving() as url, environments({"s3": url}) as aws:
        with pytest.raises(
            LaunchError, match=r"cannot upload .*large to s3://b-b/k: .*no such part"
        ):
            await aws.upload(large, "s3://b-b/k")
    assert parts.asked[-1][0] == "DELETE"
