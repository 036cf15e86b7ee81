"""The database goes and comes, the disk is full, the service ends: told, and nothing is lost."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from launchkit_server.archives import Archives
from launchkit_server.blobs import FolderBlobs
from launchkit_server.door import Door
from launchkit_server.first_start import first_token
from launchkit_server.key_file import KeyFile
from mounts import Mount, SmallDisk
from postgres import Postgres, served
from surroundings import mounted, small_disk
from waiting import PATIENCE, until

from launchkit.errors import Unreachable
from launchkit.store.connecting import migrate
from launchkit.store.opening import database_of
from launchkit.testing import VirtualClock
from launchkit.testing.contracts.service import packed, pieces_of

from .conftest import served_over, served_with
from .over_http import RECIPE, client_in, launched

__all__ = ["mounted", "small_disk"]


@pytest.fixture
async def own_postgres() -> Any:
    """A server that may be stopped."""
    with served() as server:
        await migrate(server.url)
        yield server


def is_unavailable(answer: httpx.Response) -> bool:
    if answer.status_code != 503:
        return False
    assert answer.json()["code"] == "unreachable"
    assert int(answer.headers["retry-after"]) >= 1
    return True


async def test_readiness_tells_of_a_database_that_is_away(own_postgres: Postgres) -> None:
    with served_over(own_postgres.url, patience=0.2) as own, client_in(own, "e") as client:
        assert client.get(f"{own.url}/readyz").is_success
        own_postgres.stop()
        assert is_unavailable(client.get(f"{own.url}/readyz"))
        assert client.get(f"{own.url}/livez").is_success
        assert is_unavailable(client.get("/queues"))
        own_postgres.start()
        await until(lambda: client.get(f"{own.url}/readyz").is_success)


class Load:
    """Some who launch, each launch with a key, again and again until it is made."""

    def __init__(self, client: httpx.Client) -> None:
        self.statuses: Counter[int] = Counter()
        self.enough = threading.Event()
        self._client = client

    def work(self, who: int) -> list[str]:
        made = []
        while not self.enough.is_set():
            body = {"spec": {"recipe": RECIPE}, "idempotency_key": f"{who}-{len(made)}"}
            answer = self._client.post("/queues/q/launches", json=body)
            self.statuses[answer.status_code] += 1
            assert answer.status_code == 201 or is_unavailable(answer), answer.text
            if answer.is_success:
                made.append(answer.json()["id"])
        return made


async def test_a_database_that_is_killed_under_load_loses_and_doubles_nothing(
    own_postgres: Postgres,
) -> None:
    with (
        served_over(own_postgres.url, patience=0.1) as own,
        client_in(own, "e") as client,
        ThreadPoolExecutor(4) as pool,
        ExitStack() as stack,
    ):
        load = Load(client)
        stack.callback(load.enough.set)
        made = [pool.submit(load.work, who) for who in range(4)]
        await until(lambda: load.statuses[201] > 20)
        own_postgres.stop()
        await until(lambda: load.statuses[503] > 4)
        own_postgres.start()
        before = load.statuses[201]
        await until(lambda: load.statuses[201] > before + 20)
        load.enough.set()
        told = [item_id for one in made for item_id in one.result(PATIENCE)]
        listed = client.get("/items", params={"limit": 1000}).json()
        assert {*load.statuses} == {201, 503}
        assert sorted(told) == sorted(view["item"]["id"] for view in listed)


@pytest.fixture
def disk(tmp_path: Path, mounted: Mount) -> SmallDisk:
    """A file system with room for a database."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", path)
    return SmallDisk(path)


def test_a_full_disk_is_told_and_passes(disk: SmallDisk) -> None:
    with served_with(Door(), disk.path) as own, client_in(own, "e") as client:
        launched(client)
        disk.fill(free=1)
        answers = [
            client.post("/queues/q/launches", json={"spec": {"recipe": RECIPE}}) for _ in range(40)
        ]
        assert is_unavailable(answers[-1])
        assert "disk space" in answers[-1].json()["hint"]
        disk.fill(free=100)
        launched(client)
        made = sum(answer.is_success for answer in answers)
        assert len(client.get("/items").json()) == made + 2


ANN = "ann"


async def test_a_full_disk_below_the_blobs_is_told_and_passes(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    database = database_of(f"sqlite:///{tmp_path}/x.db", VirtualClock())
    digest, code = packed(b"code" * 100)
    async with database.opened():
        stored = Archives(database, FolderBlobs(small_disk.path / "blobs"))
        small_disk.fill()
        with pytest.raises(Unreachable) as caught:
            await stored.put(digest, ANN, 0, pieces_of([code]))
        assert "disk space" in str(caught.value.hint)
        small_disk.fill(free=100)
        await stored.put(digest, ANN, 0, pieces_of([code]))
        assert (await stored.known(digest, ANN)).known


def test_a_full_disk_below_the_key_of_webhooks_is_told_and_passes(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    asked = {"name": "chat", "url": "https://chat.example/x", "events": ["queue.paused"]}
    with served_with(Door(), tmp_path) as own, client_in(own, "e") as client:
        own.service.webhook_key = KeyFile(small_disk.path / "webhooks.key")
        small_disk.fill()
        answer = client.post("/webhooks", json=asked)
        assert is_unavailable(answer)
        assert "disk space" in answer.json()["hint"]
        small_disk.fill(free=100)
        assert client.post("/webhooks", json=asked).is_success


async def test_a_full_disk_below_the_first_token_is_no_mistake_of_the_settings(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    database = database_of(f"sqlite:///{tmp_path}/x.db", VirtualClock())
    async with database.opened():
        small_disk.fill()
        with pytest.raises(Unreachable, match="No space left on device"):
            await first_token(database, small_disk.path / "token")
        small_disk.fill(free=100)
        await first_token(database, small_disk.path / "token")
    assert [one.name for one in small_disk.path.glob("*token*")] == ["token"]


@contextmanager
def waiting(call: Callable[[], httpx.Response]) -> Iterator[list[httpx.Response]]:
    """What a call gives that waits, once the context is over."""
    given: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: given.append(call()))
    thread.start()
    yield given
    thread.join(PATIENCE)


async def test_a_service_that_ends_answers_those_who_wait(tmp_path: Path) -> None:
    with served_with(Door(), tmp_path) as own, client_in(own, "e") as client:
        item = launched(client)
        last = client.get("/events", params={"item": item["id"]}).json()[-1]["id"]
        wanted = {"item": item["id"], "since": last, "wait": 60}
        assert own.portal is not None
        with waiting(lambda: client.get("/events", params=wanted)) as given:
            topics = own.service.database.topics
            await until(lambda: bool(topics))
            own.portal.call(own.service.hand_back)
        assert given[0].json() == []
        assert is_unavailable(client.get(f"{own.url}/readyz"))
