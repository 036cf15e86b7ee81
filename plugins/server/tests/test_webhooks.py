"""Messages of webhooks, from a real service to a real receiver."""

import os
import shutil
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from itertools import repeat
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from sqlite3 import connect
from typing import Any

import anyio
import httpx
import pytest
from launchkit_server.config import load_config
from launchkit_server.door import Door
from launchkit_server.key_file import KeyFile
from launchkit_server.postman import Postman, signature
from launchkit_server.telling import tell_webhooks
from saying import saying
from services import skip_without
from waiting import PATIENCE, until

from launchkit.errors import ConfigError
from launchkit.model import QueueSpec, Secret
from launchkit.model.webhooks import Delivery, DeliveryState, Happens
from launchkit.store import deliveries, queues, webhooks
from launchkit.store.database import Database
from launchkit.store.deliveries import Letter
from launchkit.store.opening import database_of

from .browsing import Browser
from .conftest import key_in, served_with
from .over_http import client_in
from .places import NO_TLS, Place
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


@pytest.fixture
def key(tmp_path: Path) -> KeyFile:
    return key_in(tmp_path)


@asynccontextmanager
async def telling(key: KeyFile, *databases: Database) -> AsyncIterator[None]:
    """As many services of one key tell webhooks as there are databases."""
    async with anyio.create_task_group() as tasks:
        for one in databases:
            tasks.start_soon(tell_webhooks, one, key, Postman())
        yield
        tasks.cancel_scope.cancel()


async def made(database: Database, key: KeyFile, url: str, name: str = "chat") -> Secret:
    body = webhooks.Create(
        entity="e", name=name, url=url, events=[*Happens], actor="ann", key=await key.made()
    )
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


def asked(place: Place, method: str, path: str, **body: object) -> Any:
    """What the service of a place answers about webhooks of `e`."""
    head = {"authorization": f"Bearer {place.token_file.read_text().strip()}"}
    url = f"{place.url}/api/v1/entities/e/webhooks{path}"
    answer = httpx.request(method, url, json=body, headers=head, timeout=PATIENCE, verify=NO_TLS)
    assert answer.is_success, answer.text
    return answer.json()


def letter(receiver: Receiver, path: str) -> Letter:
    return Letter("msg_1", receiver.url + path, KEY, '{"type": "webhook.test"}')


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    found = signature(KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_happens_comes_once_and_signed(
    database: Database, key: KeyFile, receiver: Receiver
) -> None:
    receiver.secret = str.__str__(await made(database, key, f"{receiver.url}/ok"))
    async with telling(key, database):
        await queue(database)
        await until(lambda: len(receiver.came) == 1)
        await database.write(webhooks.SendTest("e", "chat", "ann"))
        await until(lambda: len(receiver.came) == 2)
        await holds(lambda: _all_delivered(database))
    assert [one["type"] for one in receiver.came] == ["queue.created", "webhook.test"]


async def test_what_happens_in_a_restored_database_is_told_though_its_numbers_come_again(
    tmp_path: Path, key: KeyFile, receiver: Receiver
) -> None:
    file = tmp_path / "launchkit.db"
    database = database_of(f"sqlite:///{file}")
    async with database.opened():
        receiver.secret = str.__str__(await made(database, key, f"{receiver.url}/ok"))
        with closing(connect(file)) as live, closing(connect(":memory:")) as backup:
            live.backup(backup)
            async with telling(key, database):
                for name in ("first", "second"):
                    await queue(database, name)
                await until(lambda: len(receiver.came) == 2)
                await holds(lambda: _all_delivered(database))
                backup.backup(live)
                await queue(database, "third")
                await until(lambda: len(receiver.came) == 3)
    assert "third" in str(receiver.came[-1])


async def _all_delivered(database: Database) -> bool:
    return all(one.state is DeliveryState.DELIVERED for one in await sent(database))


async def test_a_receiver_that_hangs_or_fails_keeps_no_other_waiting(
    database: Database, key: KeyFile, receiver: Receiver
) -> None:
    for path in ("hang", "fail", "ok"):
        await made(database, key, f"{receiver.url}/{path}", path)
    await made(database, key, "http://127.0.0.1:1/", "nobody")
    receiver.status, receiver.text = 500, "no \x1b[31mroom\x00\n"
    async with telling(key, database):
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
    database: Database, key: KeyFile, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", 0.01)
    await made(database, key, f"{receiver.url}/x")
    receiver.status = 503
    async with telling(key, database):
        await queue(database)
        await until(lambda: len(receiver.came) > 1)
        receiver.status = 200
        await holds(lambda: _all_delivered(database))
    assert len({one["id"] for one in receiver.came}) == 1


async def test_of_two_services_one_sends(
    database_url: str, key: KeyFile, receiver: Receiver
) -> None:
    first, second = database_of(database_url), database_of(database_url)
    async with first.opened(), second.opened():
        receiver.secret = str.__str__(await made(first, key, f"{receiver.url}/ok"))
        async with telling(key, first, second):
            for number in range(10):
                await queue(first, f"q{number}")
            await holds(lambda: _took(first, 10))
    assert len(receiver.came) == 10


async def _took(database: Database, many: int) -> bool:
    (duty,) = await database.read(deliveries.Duties())
    return len(await sent(database)) == many and duty.due_in is None


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    answer = await Postman().send(letter(receiver, "/elsewhere"), "e")
    assert (answer.taken, answer.text) == (False, "307")
    assert receiver.of("/ok") == []


async def test_an_answer_without_end_is_cut_and_is_text(receiver: Receiver) -> None:
    answer = await Postman().send(letter(receiver, "/drip"), "e")
    assert answer.taken
    assert len(answer.text) < 400
    assert "\x1b" not in answer.text
    assert "\x00" not in answer.text


async def test_of_one_who_goes_on_about_an_answer_to_come_little_is_read() -> None:
    async with saying(repeat(b"HTTP/1.1 100 \r\n\r\n" * 1000)) as place:
        answer = await Postman().send(Letter("msg_1", f"http://{place}/", KEY, "{}"), "e")
    assert (answer.taken, answer.text) == (
        False,
        "ReadError: more than 16384 bytes came before the body of an answer",
    )


def test_names_that_nobody_answers_for_keep_no_other_entity_waiting(
    tmp_path: Path, receiver: Receiver
) -> None:
    if os.geteuid() or not shutil.which("unshare"):
        skip_without("root, who may hide the machine's name servers")
    with closing(socket(AF_INET, SOCK_DGRAM)) as silent:
        silent.bind(("127.5.3.53", 53))
        own = tmp_path / "resolv.conf"
        own.write_text("nameserver 127.5.3.53\n")
        hide = f"mount --bind {own} /etc/resolv.conf && exec $0 $1 $2"
        program = Path(__file__).with_name("silent_names.py")
        url = receiver.url.replace("127.0.0.1", "localhost") + "/x"
        command = ["unshare", "--mount", "sh", "-c", hide, sys.executable, str(program), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("204 0", "")


async def test_a_message_for_which_no_thread_can_be_started_is_sent_another_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("launchkit.daemon_thread._threads.give", refuse)
    answer = await Postman().send(letter(receiver, "/x"), "e")
    assert (answer.taken, answer.text) == (False, "RuntimeError: can't start new thread")


async def test_an_answer_is_kept_without_the_secrets_in_its_addresses(receiver: Receiver) -> None:
    receiver.status = 404
    receiver.text = f"nothing is at {receiver.url}/x?token=hush&x=1"
    answer = await Postman().send(letter(receiver, "/x?token=hush&x=1"), "e")
    assert answer.text == f"404: nothing is at {receiver.url}/x?token=…&x=1"
    receiver.text = "\n" * 1970 + "see https://u:" + "hush" * 20 + "@h/x"
    answer = await Postman().send(letter(receiver, "/x"), "e")
    assert answer.text == "404: see"


def test_a_secret_in_the_address_of_a_webhook_is_used_and_not_shown(
    tmp_path: Path, receiver: Receiver
) -> None:
    place = Place(tmp_path)
    address = f"{receiver.url}/ok?token=hush&x=1"
    with place.server():
        own = ("--entity", "e", "-o", "json")
        said = [place.run("webhook", "create", "chat", address, *own)]
        said += [place.run("webhook", verb, "chat", *own) for verb in ("pause", "resume", "test")]
        place.wait(lambda: asked(place, "GET", "")[0]["deliveries"][0]["state"] == "delivered")
        said.append(place.run("webhook", "list", *own))
    assert [one["query"] for one in receiver.came] == ["token=hush&x=1"]
    assert f"{receiver.url}/ok?token=…&x=1" in said[-1]
    assert "hush" not in "".join([*said, place.logs()])


async def test_one_who_does_not_answer_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_server.postman.SEND_SECONDS", 0.2)
    answer = await Postman().send(letter(receiver, "/hang"), "e")
    assert (answer.taken, answer.text) == (False, "no answer within 0.2 s")


async def test_a_service_that_is_killed_in_the_middle_sends_it_when_it_is_back(
    tmp_path: Path, receiver: Receiver
) -> None:
    place = Place(tmp_path)
    (tmp_path / "data").mkdir()
    one = database_of(f"sqlite:///{tmp_path}/data/launchkit.db")
    async with one.opened():
        await made(one, key_in(tmp_path / "data"), f"{receiver.url}/hang")
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


async def test_a_service_of_another_key_leaves_a_webhook_to_others_and_says_so_once(
    database: Database,
    key: KeyFile,
    receiver: Receiver,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "other").mkdir()
    other = key_in(tmp_path / "other")
    await made(database, key, f"{receiver.url}/left")
    await made(database, other, f"{receiver.url}/ok", "own")
    async with telling(other, database):
        for number in range(2):
            await queue(database, f"q{number}")
            await until(lambda: len(receiver.of("/ok")) == number + 1)  # noqa: B023 - at once
        assert receiver.of("/left") == []
        async with telling(key, database):
            await until(lambda: len(receiver.of("/left")) == 2)
    said = [one.getMessage() for one in caplog.records if one.name == "launchkit.server"]
    assert [one.split(" is signed with another key")[0] for one in said] == [
        "webhook chat of e",
        "webhook own of e",
    ]


def test_the_key_is_among_the_data_unless_a_file_is_named(tmp_path: Path) -> None:
    flags = {"data": str(tmp_path)}
    assert load_config(flags, None, {}).webhook_key == tmp_path / "webhooks.key"
    named = {"LAUNCHKIT_SERVER_WEBHOOK_KEY_FILE": "/run/secrets/key"}
    assert load_config(flags, None, named).webhook_key == Path("/run/secrets/key")


async def test_of_many_who_make_the_key_at_once_all_have_the_same(key: KeyFile) -> None:
    found = set()

    async def make() -> None:
        found.add((await key.made()).fingerprint)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(make)
    assert len(found) == 1
    assert [one.name for one in key.path.parent.iterdir()] == [key.path.name]
    assert key.path.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_holds_no_key_is_told_and_left_as_it_is(key: KeyFile) -> None:
    key.path.write_bytes(b"x" * 31)
    with pytest.raises(ConfigError, match=r"webhooks\.key: is no key of 32 bytes"):
        await key.made()
    assert key.path.read_bytes() == b"x" * 31


def test_neither_the_secret_of_a_webhook_nor_its_key_is_in_the_database(
    tmp_path: Path, receiver: Receiver
) -> None:
    place = Place(tmp_path)
    with place.server() as process:
        receiver.secret = asked(place, "POST", "", name="chat", url=f"{receiver.url}/ok",
                                events=["launch.failed"])["secret"]  # fmt: skip
        asked(place, "POST", "/chat/test")
        place.wait(lambda: len(receiver.came) == 1)
        process.kill()
        process.wait()
    key = (tmp_path / "data" / "webhooks.key").read_bytes()
    secret = receiver.secret.removeprefix("whsec_")
    files = [one for one in tmp_path.rglob("*") if one.is_file() and one.name != "webhooks.key"]
    kept = b"".join(one.read_bytes() for one in files)
    assert b"webhook.test" in kept
    for one in (key, b64decode(secret)):
        for form in (one, b64encode(one), one.hex().encode()):
            assert form not in kept


def test_a_webhook_whose_key_is_lost_is_to_be_made_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    with served_with(Door(), tmp_path) as served, Browser(served) as browser:
        browser.sign_in()
        with client_in(served, "e"):
            pass  # a queue, so that there is an entity
        form = {"entity": "e", "name": "chat", "url": receiver.url, "events": "launch.failed"}
        lost = "Signed with another key than the one of this service"
        browser.post("/settings/webhooks", {**form, "act": "create"})
        page = browser.get("/settings/webhooks").text
        assert "chat of e" in page
        assert lost not in page
        served.service.webhook_key.path.unlink()
        assert lost in browser.get("/settings/webhooks").text
        browser.post("/settings/webhooks", {**form, "act": "remove"})
        browser.post("/settings/webhooks", {**form, "act": "create"})
        page = browser.get("/settings/webhooks").text
        assert "chat of e" in page
        assert lost not in page
