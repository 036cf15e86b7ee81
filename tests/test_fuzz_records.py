"""Whatever stands in files, rows and messages that launchkit alone should write, or in what git
prints, it is a value, or an error of launchkit's own.
"""

import json
import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.trial import LIGHT, Parse, tried
from waiting import PATIENCE, until

from launchkit.builtin import git
from launchkit.builtin.git_command import Git
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.verdicts import ended
from launchkit.codec import encode_json
from launchkit.errors import QueueError
from launchkit.model import GitSource, Pause, QueueSpec, Verdict, VerdictCode
from launchkit.store import rows
from launchkit.store.access import Access
from launchkit.store.notifier import DatagramNotifier
from launchkit.supervision.spec import parse_spec
from launchkit.testing import hub, make_capacity, make_spec, make_status

SPEC = make_spec()
QUEUE = {
    "id": 1,
    "entity": "e",
    "version": 1,
    "created_at": 1.0,
    "updated_at": 1.0,
    "spec": encode_json(QueueSpec(name="q", resource="noop", config={"a": "{{x}}"})),
    "pause": encode_json(Pause(reason="r", by="ann", at=1.0)),
}
ITEM = {
    "id": "i",
    "run_id": "r",
    "entity": "e",
    "priority": 2,
    "state": "running",
    "attempt": 1,
    "created_at": 1.0,
    "updated_at": 1.0,
    "started_at": 1.0,
    "ended_at": None,
    "author": "a",
    "message": "m",
    "exit_code": 0,
    "ref": "x",
    "stop_by": None,
    "stop_reason": None,
    "stop_now": 0,
    "agent": "a",
    "resolved": '{"config": {"a": 1}}',
    "spec": encode_json(SPEC),
    "verdict": encode_json(Verdict(code=VerdictCode.RUN_LOST, summary="s")),
}
EVENT = {
    "id": 1,
    "item_id": "i",
    "at": 1.0,
    "kind": "state",
    "actor": "a",
    "attempt": 1,
    "state": "queued",
    "cause": None,
}
JOB = {
    "entity": "e",
    "name": "j",
    "version": 0,
    "digest": "d",
    "created_at": 1.0,
    "author": "a",
    "recipe": encode_json(SPEC.recipe),
}
AGENT = {
    "status": encode_json(make_status()),
    "seen_at": 1.0,
    "held": 0,
    "drain": 0,
    "pause": None,
}
READERS: Sequence[tuple[Mapping[str, Any], Callable[[Any], object]]] = (
    (QUEUE, rows.queue_of),
    (ITEM, lambda row: rows.item_of(row, "q")),
    (ITEM, lambda row: rows.item_of(row, "q")),
    (EVENT, rows.event_of),
    (JOB, lambda row: rows.job_of(row, ())),
    (AGENT, lambda row: rows.agent_of(row, 0.0)),
)


def of_the_database(text: str) -> None:
    """A row in which a column that holds JSON, or one word of few, is another."""
    chance = chance_of(text)
    sound, reader = chance.choice(READERS)
    row = dict(sound)
    column = chance.choice([key for key, value in row.items() if isinstance(value, str)])
    if str(row[column]).startswith("{") and len(text) % 5:
        row[column] = json.dumps(altered(json.loads(row[column]), text))
    else:
        row[column] = text
    reader(row)


def of_git(text: str) -> None:
    """What `git ls-remote` prints, and what git says of a failure."""
    said = text
    if len(text) % 50 == 0:
        said += "".join(f"\nc\trefs/heads/{text[:20]}{number}" for number in range(20_000))
    Git(subject="s").failure(text)
    for ref in chance_of(text).choice(((None,), ("main",), (text[:100],))):
        git._commit_of(said, GitSource(remote="https://h/r", ref=ref))


PARSERS: dict[str, tuple[Parse, Sequence[str], float]] = {
    "rows of the database": (of_the_database, (), 1),
    "output of git": (
        of_git,
        (
            f"{40 * 'a'}\tHEAD\n{40 * 'b'}\trefs/heads/main\n{40 * 'c'}\trefs/tags/v1^{{}}\n",
            "remote: no\nfatal: could not read Username for 'https://h'\nerror: x\n",
        ),
        LIGHT,
    ),
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_is_read_back_is_a_value_or_an_error(name: str) -> None:
    tried(name, *PARSERS[name])


RECORDS = (
    "stage ran\ncode 3\ncpu 1.5\noom 1\n",
    "stage ran\nsignal 9\ncancelled 1\n",
    "stage exec\nerrno 2\n",
    "stage setup-exec\nerrno 13\n",
    "123 456",
    "arg=sh\0try=/bin/sh\0limit=RLIMIT_CPU 1 2\0",
    "/sys/fs/cgroup/x/launchkit-0123",
)


def test_fuzz_the_files_of_a_run_are_read_whatever_is_in_them(tmp_path: Path) -> None:
    """The name of what somebody may have written there is one of those that are read."""
    place = RunDir(tmp_path / "run")
    place.path.mkdir()

    def read(text: str) -> None:
        for path in place.path.iterdir():
            path.unlink()
        data = text.encode(errors="surrogatepass")
        name = chance_of(text).choice(("exit", "exit", "child", "cgroup", "lock", "tag"))
        (place.path / name).write_bytes(data)
        seen = place.look()
        place.leader()
        place.cgroup()
        if seen.record is not None:
            status = ended(seen.record, parse_spec(data), data)
            assert 0 <= (status.exit_code or 0) <= 255
            encode_json(status)

    tried("files of a run", read, RECORDS, 0.2)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"a\0b", b"x" * 60_000])
async def test_whatever_comes_to_a_wake_socket_wakes_somebody_or_nobody(
    tmp_path: Path, data: bytes
) -> None:
    heard: list[str] = []
    more = anyio.Event()

    def notify(topics: Any) -> None:
        heard.extend(topics)
        more.set()

    notifier = DatagramNotifier(tmp_path / "wake", Access())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notifier.receive, notify)
        await until(lambda: any((tmp_path / "wake").glob("*")))
        [path] = (tmp_path / "wake").iterdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, str(path))
            sender.sendto(b"last", str(path))
        with anyio.fail_after(PATIENCE):
            while "last" not in heard:
                await more.wait()
                more = anyio.Event()
        tasks.cancel_scope.cancel()
    notifier.close()


async def test_an_agent_is_told_of_a_launch_that_somebody_has_changed_by_hand(
    tmp_path: Path,
) -> None:
    async with hub(folder=tmp_path) as own:
        await own.client.create_queue("q", "noop")
        launch = await own.client.launch("q", image="img")
        with sqlite3.connect(tmp_path / "launchkit.db") as database:
            database.execute("update item set spec = '{\"recipe\": 5}'")
        with pytest.raises(QueueError, match=f"launch {launch.id}, which is not understood"):
            await own.backend.claim("q", make_capacity(resource="noop"))


@pytest.mark.parametrize(
    "record",
    [b"", b"\xff", b"stage ran\ncode x\n", b"stage ran\ncode 99999999999\n", b"stage exec\n"],
)
def test_a_run_that_has_overwritten_the_record_of_its_end_is_lost(
    tmp_path: Path, record: bytes
) -> None:
    place = RunDir(tmp_path)
    place.write("exit", record)
    found = place.look().record
    assert found is not None
    verdict = ended(found, {}, b"its last words\n").verdict
    assert verdict is not None
    assert (verdict.code, verdict.evidence[-1]) == ("run_lost", "its last words")
