"""Whatever Google's services answer over HTTP, it is a value, or an error of launchkit's own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, Said, answering
from fuzzing.trial import HEAVY, tried
from launchkit_gcp import api as apis
from launchkit_gcp.api import open_api
from launchkit_gcp.credentials import GcpCredentials
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, NoLogin
from launchkit_gcp.gar_names import GarImage
from launchkit_gcp.gar_service import GarService, open_service
from launchkit_gcp.places import GcpPlace
from launchkit_gcp.rights import rights_findings, store_needs
from launchkit_gcp.storage import PART, GcsAddress, find_bucket, remove, upload

from launchkit.abc import Site
from launchkit.images.registries import client as registries

from .conftest import SERVICES
from .fake_google import PROJECT, REGION, key_file

T = TypeVar("T")
ADDRESS = GcsAddress.parse("gs://bucket/folder/name")
IMAGE = GarImage.parse(f"{REGION}-docker.pkg.dev/{PROJECT}/launch/train")
TOKEN = {"access_token": "abc", "expires_in": 3600, "token_type": "Bearer", "id_token": "a.b.c"}
ERROR = {
    "error": {
        "code": 403,
        "message": "no",
        "status": "PERMISSION_DENIED",
        "errors": [{"reason": "forbidden"}],
        "details": [{"@type": "x"}],
    }
}
OAUTH = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
BUCKET = {"location": REGION.upper(), "locationType": "region"}
REPOSITORY = {"name": "r", "format": "DOCKER", "dockerConfig": {"immutableTags": True}}
RIGHTS = {"permissions": ["storage.objects.get", "storage.objects.create"]}
HEADERS = ("Location", "Range", "Retry-After", "Content-Type", "Docker-Content-Digest")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """It is asked once for each thing."""

    async def once(call: Callable[[], Awaitable[T]], **_: object) -> T:
        return await call()

    monkeypatch.setattr(apis, "retry", once)
    monkeypatch.setattr(registries, "retry", once)
    monkeypatch.setattr(registries, "PAUSES", ())
    with answering() as server:
        server.beside = {"/token": Said(200, {}, json.dumps(TOKEN).encode())}
        yield server


@pytest.fixture
def place(server: Answering, private_key: str, tmp_path: Path) -> GcpPlace:
    return GcpPlace(
        project=PROJECT,
        region=REGION,
        service_account_file=str(key_file(tmp_path / "key.json", server.url, private_key)),
        endpoint_urls=dict.fromkeys(SERVICES, server.url),
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A small one, and one that goes in two parts."""
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(PART + 1)
    return small, large


async def service_of(stack: AsyncExitStack, place: GcpPlace) -> GarService:
    environment = GcpEnvironment(
        region=place.region,
        project=place.project,
        service_account_file=place.service_account_file,
        endpoint_urls=place.endpoint_urls,
    )
    await environment.start(stack, Site.__new__(Site))  # it does not look where it stands
    return await open_service(stack, environment, IMAGE, IMAGE.host, pushes=True)


def told(server: Answering, chance: Random, sound: Any, text: str) -> None:
    """What the services answer from now on."""
    body = json.dumps(altered(sound, text)).encode()
    server.answer(text, body if len(text) % 7 else text.encode(errors="replace"), HEADERS)
    if chance.random() < 0.5:
        server.status = chance.choice((200, 200, 308))
    if "Location" in server.headers or chance.random() < 0.5:
        where = chance.choice((f"{server.url}/session", f"{server.url}/session", "http://[", "x"))
        server.headers = {**server.headers, "Location": where}


def test_fuzz_what_google_answers_is_a_value_or_an_error(
    server: Answering, place: GcpPlace, files: tuple[Path, Path]
) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        api = runner.run(open_api(stack, place))
        service = runner.run(service_of(stack, place))
        small, large = files
        ways: Sequence[tuple[Any, Callable[[], Awaitable[Any]]]] = (
            *[(BUCKET, lambda: find_bucket(api, "bucket"))] * 4,
            *[({}, lambda: upload(api, small, ADDRESS))] * 4,
            *[({}, lambda: remove(api, ADDRESS))] * 2,
            *[(RIGHTS, lambda: rights_findings(api, store_needs(ADDRESS), "s"))] * 4,
            *[(REPOSITORY, service.findings)] * 4,
            *[({}, lambda: service.find(f"{IMAGE.uri}:t"))] * 4,
            ({}, lambda: upload(api, large, ADDRESS)),
        )

        def read(text: str) -> None:
            chance = chance_of(text)
            sound, call = chance.choice(ways)
            told(server, chance, chance.choice((sound, sound, ERROR, OAUTH)), text)
            runner.run(asked(call))

        try:
            tried("answers of Google", read, share=HEAVY)
        finally:
            runner.run(stack.aclose())


async def asked(call: Callable[[], Awaitable[Any]]) -> None:
    await call()


def test_fuzz_what_google_gives_for_a_token_is_one_or_told(
    server: Answering, place: GcpPlace
) -> None:
    server.beside = {}

    async def token() -> None:
        found = await GcpCredentials(place).token()
        "".join(found.headers.values()).encode("ascii")

    def read(text: str) -> None:
        chance = chance_of(text)
        told(server, chance, chance.choice((TOKEN, TOKEN, OAUTH, ERROR)), text)
        server.status = chance.choice((200, 200, 200, 400, 401))  # after others it asks again
        runner.run(token())

    with asyncio.Runner() as runner:
        tried("tokens of Google", read, share=HEAVY / 5)


@pytest.mark.parametrize("said", ["caf\u00e9", "a\nb", ["x"], ""])
async def test_what_cannot_stand_in_a_header_is_no_token(
    server: Answering, place: GcpPlace, said: Any
) -> None:
    body = json.dumps({**TOKEN, "access_token": said}).encode()
    server.beside = {"/token": Said(200, {}, body)}
    with pytest.raises(NoLogin):
        await GcpCredentials(place).token()


async def test_an_upload_of_which_nothing_is_taken_is_given_up(
    server: Answering, place: GcpPlace, files: tuple[Path, Path]
) -> None:
    server.status, server.headers = 200, {"Location": f"{server.url}/session"}
    server.beside = {**server.beside, "/session": Said(308, {}, b"")}
    async with AsyncExitStack() as stack:
        with pytest.raises(GcpAway, match="takes no more"):
            await upload(await open_api(stack, place), files[1], ADDRESS)
