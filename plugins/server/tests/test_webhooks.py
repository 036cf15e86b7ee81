"""Messages of webhooks, from a real service to a real receiver."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from launchkit_server.postman import Postman, signature
from launchkit_server.telling import tell_webhooks
from waiting import PATIENCE, until

from launchkit.model import QueueSpec, Secret
from launchkit.model.webhooks import Delivery, DeliveryState, Happens
from launchkit.store import deliveries, queues, webhooks
from launchkit.store.backend import database_of
from launchkit.store.database import Database
from launchkit.store.deliveries import Letter

from .places import Place
from .receiver import Receiver, receiving

KEY = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    one = database_of(database_url)
    async with one.opened():
        yield one


@asynccontextmanager
async def telling(*databases: Database) -> AsyncIterator[None]:
    """As many services tell webhooks as there are databases."""
    async with anyio.create_task_group() as tasks:
        for one in databases:
            tasks.start_soon(tell_webhooks, one)
        yield
        tasks.cancel_scope.cancel()


async def made(database: Database, url: str, name: str = "chat") -> Secret:
    body = webhooks.Create(entity="e", name=name, url=url, events=[*Happens], actor="ann")
    return (await database.write(body)).secret


async def queue(database: Database, name: str = "q") -> None:
    await database.write(queues.Create("e", QueueSpec(name=name, resource="local-process"), "ann"))


async def sent(database: Database, name: str = "chat") -> list[Delivery]:
    views = {one.webhook.name: one for one in await database.read(webhooks.List("e"))}
    return [*views[name].deliveries]


async def holds(condition: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process may make it so
            await anyio.sleep(0.05)


def letter(receiver: Receiver, path: str) -> Letter:
    return Letter("msg_1", receiver.url + path, KEY, '{"type": "webhook.test"}')


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    found = signature(KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_happens_comes_once_and_signed(database: Database, receiver: Receiver) -> None:
    receiver.secret = str.__str__(await made(database, f"{receiver.url}/ok"))
    async with telling(database):
        await queue(database)
        await until(lambda: len(receiver.came) == 1)
        await database.write(webhooks.SendTest("e", "chat", "ann"))
        await until(lambda: len(receiver.came) == 2)
        await holds(lambda: _all_delivered(database))
    assert [one["type"] for one in receiver.came] == ["queue.created", "webhook.test"]


async def _all_delivered(database: Database) -> bool:
    return all(one.state is DeliveryState.DELIVERED for one in await sent(database))


async def test_a_receiver_that_hangs_or_fails_keeps_no_other_waiting(
    database: Database, receiver: Receiver
) -> None:
    for path in ("hang", "fail", "ok"):
        await made(database, f"{receiver.url}/{path}", path)
    await made(database, "http://127.0.0.1:1/", "nobody")
    receiver.status, receiver.text = 500, "no \x1b[31mroom\x00\n"
    async with telling(database):
        for number in range(3):
            await queue(database, f"q{number}")
            await until(lambda: len(receiver.of("/ok")) == number + 1)  # noqa: B023 - at once
        await holds(lambda: _answered(database, "nobody"))
        await holds(lambda: _answered(database, "fail"))
    failed = (await sent(database, "fail"))[-1]
    assert failed.answer == "500: no room"
    assert failed.state is DeliveryState.WAITING
    assert "ConnectError" in str((await sent(database, "nobody"))[-1].answer)


async def _answered(database: Database, name: str) -> bool:
    return any(one.answer for one in await sent(database, name))


async def test_what_was_not_taken_comes_again_under_the_same_id(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", 0.01)
    await made(database, f"{receiver.url}/x")
    receiver.status = 503
    async with telling(database):
        await queue(database)
        await until(lambda: len(receiver.came) == 2)
        receiver.status = 200
        await holds(lambda: _all_delivered(database))
    assert len({one["id"] for one in receiver.came}) == 1


async def test_of_two_services_one_sends(database_url: str, receiver: Receiver) -> None:
    first, second = database_of(database_url), database_of(database_url)
    async with first.opened(), second.opened():
        receiver.secret = str.__str__(await made(first, f"{receiver.url}/ok"))
        async with telling(first, second):
            for number in range(10):
                await queue(first, f"q{number}")
            await holds(lambda: _took(first, 10))
    assert len(receiver.came) == 10


async def _took(database: Database, many: int) -> bool:
    (duty,) = await database.read(deliveries.Duties())
    return len(await sent(database)) == many and duty.due_in is None


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    answer = await Postman().send(letter(receiver, "/elsewhere"))
    assert (answer.taken, answer.text) == (False, "307")
    assert receiver.of("/ok") == []


async def test_an_answer_without_end_is_cut_and_is_text(receiver: Receiver) -> None:
    answer = await Postman().send(letter(receiver, "/drip"))
    assert answer.taken
    assert len(answer.text) < 400
    assert "\x1b" not in answer.text
    assert "\x00" not in answer.text


async def test_one_who_does_not_answer_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_server.postman.SEND_SECONDS", 0.2)
    answer = await Postman().send(letter(receiver, "/hang"))
    assert (answer.taken, answer.text) == (False, "no answer within 0.2 s")


async def test_a_service_that_is_killed_in_the_middle_sends_it_when_it_is_back(
    tmp_path: Path, receiver: Receiver
) -> None:
    place = Place(tmp_path)
    (tmp_path / "data").mkdir()
    one = database_of(f"sqlite:///{tmp_path}/data/launchkit.db")
    async with one.opened():
        await made(one, f"{receiver.url}/hang")
        await anyio.to_thread.run_sync(_killed_in_the_middle, place, receiver)
        assert [found.tries for found in await sent(one)] == [0]
        await anyio.to_thread.run_sync(_sends_again, place, receiver)
    assert len({came["id"] for came in receiver.came}) == 1


def _killed_in_the_middle(place: Place, receiver: Receiver) -> None:
    with place.server() as process:
        place.run("queue", "create", "q", "--resource", "local-process", "--entity", "e")
        place.wait(lambda: len(receiver.came) == 1)
        process.kill()
        process.wait()


def _sends_again(place: Place, receiver: Receiver) -> None:
    began = time.monotonic()
    with place.server():
        place.wait(lambda: len(receiver.came) > 1 or time.monotonic() - began > PATIENCE)
    assert len(receiver.came) > 1
