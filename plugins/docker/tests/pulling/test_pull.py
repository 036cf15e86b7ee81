"""Images come from real registries: once for all who want one, and with the right login."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.engine.client import EngineAway, EngineClient, open_client
from launchkit_docker.images.pull import Policy, Puller, PullError
from launchkit_docker.images.store import find
from launchkit_docker.runner import ContainerRunner
from waiting import until

from launchkit.abc import Registry
from launchkit.errors import Rejected
from launchkit.images.target import NOWHERE
from launchkit.testing import (
    FakeRegistry,
    RecordingOutput,
    Relay,
    make_submission,
    registry_server,
    relay,
    site_at,
    started,
)

from ..pulled import image_id, load, recorder
from .conftest import Stock

LOGIN = ("fake", "fake-password")
"""What a fake registry knows."""


@pytest.fixture
def private(tmp_path: Path) -> Iterator[str]:
    with registry_server(tmp_path / "private", login=LOGIN) as server:
        yield server.host


@dataclass(frozen=True)
class Offer:
    """An image in the registry behind the way."""

    ref: str
    id: str


@pytest.fixture
def offer(host: str, way: Relay, word: str, stock: Stock) -> Offer:
    return Offer(f"{way.host}/{word}/job:1", stock(f"{host}/{word}/job:1"))


async def test_a_pull_says_what_it_does_and_gives_the_image(
    client: EngineClient, docker_engine: Engine, offer: Offer
) -> None:
    out = RecordingOutput()
    await Puller(client, None).get(offer.ref, "missing", None, out)
    assert image_id(docker_engine, offer.ref) == offer.id
    assert out.text.startswith(f"pulling image {offer.ref}\n")
    assert "Status: Downloaded newer image" in out.text


async def test_what_is_there_is_not_pulled_unless_always(
    client: EngineClient, docker_engine: Engine, offer: Offer, host: str, word: str, stock: Stock
) -> None:
    puller, out = Puller(client, None), RecordingOutput()
    await puller.get(offer.ref, "always", None, out)
    new = stock(f"{host}/{word}/job:1")
    for policy in ("missing", "never"):
        await puller.get(offer.ref, policy, None, out)
        assert image_id(docker_engine, offer.ref) == offer.id
    await puller.get(offer.ref, "always", None, out)
    assert image_id(docker_engine, offer.ref) == new
    assert out.text.count("pulling image") == 2


@pytest.mark.parametrize("policy", ["missing", "always", "never"])
async def test_no_registry_is_asked_for_an_image_that_was_built_and_not_pushed(
    client: EngineClient, docker_engine: Engine, word: str, policy: Policy
) -> None:
    ref, puller, out = f"{NOWHERE}/{word}:1", Puller(client, None), RecordingOutput()
    with pytest.raises(PullError, match="which is in no registry"):
        await puller.get(ref, policy, None, out)
    made = load(docker_engine, ref, "amd64")
    assert (await puller.get(ref, policy, None, out))["Id"] == made
    assert out.text == ""


@pytest.mark.parametrize(
    ("image", "said", "hint"),
    [
        ("{host}/none:1", "manifest unknown|not found", "its tag there"),
        ("{host}/none@sha256:" + "0" * 64, "manifest unknown|not found", "its tag there"),
        ("{private}/none:1", "no basic auth credentials", "registry login"),
        ("no.such.host.example/none:1", "no such host|unreachable", "reach the registry"),
        ("127.0.0.1:1/none:1", "connection refused", "reach the registry"),
    ],
)
async def test_an_image_that_cannot_be_had_says_why_and_what_to_do(
    client: EngineClient, host: str, private: str, image: str, said: str, hint: str
) -> None:
    ref = image.format(host=host, private=private)
    with pytest.raises(PullError, match=said) as caught:
        await Puller(client, None).get(ref, "missing", None, RecordingOutput())
    assert ref in caught.value.message
    assert caught.value.code == "image_pull_failed"
    assert hint in (caught.value.hint or "")


@pytest.mark.reported("F7a")
async def test_what_docker_login_stored_counts_for_images_of_other_registries(
    client: EngineClient,
    private: str,
    word: str,
    stock: Stock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ref, out = f"{private}/{word}/job:1", RecordingOutput()
    stock(ref, LOGIN)
    auth = base64.b64encode(":".join(LOGIN).encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {private: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    await Puller(client, FakeRegistry(name="r.io/x")).get(ref, "missing", None, out)
    assert await find(client, ref)
    assert LOGIN[1] not in out.text


async def test_a_login_that_cannot_be_had_is_told_and_the_image_pulled_without(
    client: EngineClient,
    docker_engine: Engine,
    offer: Offer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "config.json").write_text('{"credsStore": "absent"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    out = RecordingOutput()
    await Puller(client, None).get(offer.ref, "missing", None, out)
    assert image_id(docker_engine, offer.ref) == offer.id
    assert "warning: no login for" in out.text
    assert "docker-credential-absent: cannot be run" in out.text


async def test_what_no_image_is_called_is_not_asked_for(client: EngineClient) -> None:
    out = RecordingOutput()
    with pytest.raises(Rejected, match=r"'r\.io/NONE:1' is not the name of an image") as caught:
        await Puller(client, None).get("r.io/NONE:1", "missing", None, out)
    assert "lower case" in (caught.value.hint or "")
    assert not out.text


async def test_an_image_that_may_not_be_pulled_is_missing(client: EngineClient) -> None:
    with pytest.raises(PullError, match="pull: never") as caught:
        await Puller(client, None).get(f"none-{uuid4().hex}:1", "never", None, RecordingOutput())
    assert caught.value.hint


async def test_a_login_that_the_registry_refuses_is_not_shown(
    client: EngineClient, tmp_path: Path
) -> None:
    with registry_server(tmp_path / "other", login=("alice", "other")) as server:
        host = server.host
        ref, out = f"{host}/job:1", RecordingOutput()
        with pytest.raises(PullError, match=r"(?i)unauthorized") as caught:
            await Puller(client, FakeRegistry(name=f"{host}/x")).get(ref, "missing", None, out)
    assert "registry login" in (caught.value.hint or "")
    assert LOGIN[1] not in f"{caught.value.message}{out.text}"


async def test_a_pull_logs_in_at_the_registry_of_the_agent(
    client: EngineClient, docker_engine: Engine, private: str, word: str, stock: Stock
) -> None:
    ref, out = f"{private}/{word}/job:1", RecordingOutput()
    stored = stock(ref, LOGIN)
    registry = FakeRegistry(name=f"{private}/{word}/another-repository")
    await Puller(client, registry).get(ref, "missing", None, out)
    assert image_id(docker_engine, ref) == stored
    assert LOGIN[1] not in out.text


@pytest.mark.parametrize("own", [True, False])
async def test_a_login_is_told_to_its_own_registry_alone(
    client: EngineClient, private: str, own: bool
) -> None:
    with recorder() as (host, given):
        registry: Registry = FakeRegistry(name=f"{host if own else private}/jobs")
        with pytest.raises(PullError):
            await Puller(client, registry).get(f"{host}/job:1", "missing", None, RecordingOutput())
    assert given
    assert any(given) is own


async def test_many_who_miss_an_image_pull_it_once(
    client: EngineClient, way: Relay, offer: Offer
) -> None:
    outs = await pulled_together(client, way, offer.ref, "missing")
    assert ["pulling image" in out.text for out in outs] == [True, False, False, False, False]


async def test_those_who_always_pull_share_the_pull_that_begins_next(
    client: EngineClient, way: Relay, offer: Offer
) -> None:
    outs = await pulled_together(client, way, offer.ref, "always")
    assert ["pulling image" in out.text for out in outs] == [True, True, False, False, False]


async def pulled_together(
    client: EngineClient, way: Relay, ref: str, policy: Policy
) -> Sequence[RecordingOutput]:
    """What each of five heard, of whom the first had begun to pull when the others came."""
    puller, outs = Puller(client, None), [RecordingOutput() for _ in range(5)]
    way.shut("/manifests/")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(puller.get, ref, policy, None, outs[0])
        await until(lambda: way.held)
        for out in outs[1:]:
            tasks.start_soon(puller.get, ref, policy, None, out)
        await until(lambda: all("already" in out.text for out in outs[1:]))
        way.open()
    return outs


async def test_when_the_one_who_pulls_is_stopped_another_goes_on(
    client: EngineClient, docker_engine: Engine, way: Relay, offer: Offer
) -> None:
    puller, first, second = Puller(client, None), RecordingOutput(), RecordingOutput()
    way.shut("/manifests/")
    async with anyio.create_task_group() as others:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(puller.get, offer.ref, "always", None, first)
            await until(lambda: way.held)
            others.start_soon(puller.get, offer.ref, "always", None, second)
            await until(lambda: "already" in second.text)
            tasks.cancel_scope.cancel()
        way.open()
    assert "Status: " not in first.text
    assert "Status: " in second.text
    assert image_id(docker_engine, offer.ref) == offer.id


async def test_an_image_whose_registry_is_silent_holds_up_no_other(
    client: EngineClient, docker_engine: Engine, way: Relay, host: str, word: str, stock: Stock
) -> None:
    puller, ref = Puller(client, None), f"{host}/{word}/job:1"
    stored = stock(ref)
    way.shut("/manifests/")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(puller.get, f"{way.host}/{word}/job:1", "missing", None, RecordingOutput())
        await until(lambda: way.held)
        await puller.get(ref, "missing", None, RecordingOutput())
        tasks.cancel_scope.cancel()
    assert image_id(docker_engine, ref) == stored


@pytest.mark.parametrize("policy", ["missing", "always"])
async def test_an_engine_that_is_away_is_no_fault_of_the_image(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    async with open_client() as nobody:
        with pytest.raises(EngineAway):
            await Puller(nobody, None).get("busybox:1", policy, None, RecordingOutput())


async def test_a_pull_that_the_engine_drops_is_begun_again(
    docker_engine: Engine,
    offer: Offer,
    way: Relay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = RecordingOutput()
    way.shut("/manifests/")
    async with relay(Path(SOCKET)) as engine, site_at(tmp_path) as site:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{engine.host}")
        async with started(ContainerRunner(), site) as runner, anyio.create_task_group() as tasks:
            tasks.start_soon(runner.prepare, make_submission(image=offer.ref), out)
            await until(lambda: way.held)
            engine.shut("/images/create")
            await until(lambda: engine.held)
            engine.open()
            way.open()
    assert image_id(docker_engine, offer.ref) == offer.id
    assert out.text.count("pulling image") == 2
