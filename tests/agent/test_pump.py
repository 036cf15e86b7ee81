"""What a run prints is stored in few writes, soon, whole and in order."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE, until

import launchkit.agent.pump
from launchkit import connect
from launchkit.abc import LaunchRequest, QueueBackend, Run
from launchkit.agent.pump import BATCH_BYTES, Rest, pump
from launchkit.errors import LeaseLost
from launchkit.model import Claim, LogChunk, RunState, RunStatus
from launchkit.observe import journal
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started
from launchkit.testing.makers import make_capacity, make_spec

LOG = journal(logging.getLogger("test"), "a")


class Prints(Run):
    """Prints these pieces, and ends when it may."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.ref = "run"
        self.may_end = anyio.Event()
        self._pieces = pieces
        if ends:
            self.may_end.set()

    async def status(self) -> RunStatus:
        return RunStatus(state=RunState.RUNNING)

    async def cancel(self, grace: float) -> None:
        pass

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        at = 0
        for piece in self._pieces:
            if at >= offset:
                yield LogChunk(offset=at, data=piece)
            at += len(piece)
        await self.may_end.wait()


@dataclass(kw_only=True)
class Recorder(StoreBackend):
    """A queue in SQLite that remembers each write of output."""

    writes: list[bytes] = field(init=False, default_factory=list)

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        assert offset == sum(map(len, self.writes))
        await super().append_log(claim, offset, data)
        self.writes.append(data)


@dataclass(frozen=True)
class Place:
    backend: Recorder
    claim: Claim


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    url = f"sqlite:///{tmp_path}/launchkit.db"
    async with connect(url, entity="test") as client, site_at(tmp_path) as site:
        await client.create_queue("q", "local-process")
        await client.hub.launches().launch("q", LaunchRequest(spec=make_spec(), actor="ann"))
        async with started(Recorder(url=url, entity="test"), site) as backend:
            claim = await backend.claim("q", make_capacity())
            assert claim
            yield Place(backend, claim)


async def pumped(place: Place, run: Run, rest: Rest | None = None) -> list[bytes]:
    backend: QueueBackend = place.backend
    with anyio.fail_after(PATIENCE):
        await pump(run, backend, place.claim, LOG, 0, rest)
    return place.backend.writes


@pytest.mark.reported("F11")
async def test_lines_that_come_one_by_one_are_stored_many_at_once(place: Place) -> None:
    lines = [b"line %d\n" % number for number in range(2000)]
    writes = await pumped(place, Prints(*lines))
    assert b"".join(writes) == b"".join(lines)
    assert len(writes) < len(lines) / 10


async def test_much_output_is_written_in_pieces_of_bounded_size(place: Place) -> None:
    pieces = [bytes([number]) * (BATCH_BYTES // 3) for number in range(20)]
    writes = await pumped(place, Prints(*pieces))
    assert b"".join(writes) == b"".join(pieces)
    assert max(map(len, writes)) < 2 * BATCH_BYTES


async def test_what_was_printed_is_stored_while_the_run_goes_on(place: Place) -> None:
    run = Prints(b"one\n", b"two\n", ends=False)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pumped, place, run)
        await until(lambda: b"".join(place.backend.writes) == b"one\ntwo\n")
        run.may_end.set()


async def test_the_last_words_do_not_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchkit.agent.pump, "PAUSE_SECONDS", 10 * PATIENCE)
    assert await pumped(place, Prints(b"one\n", b"two\n")) == [b"one\ntwo\n"]


async def test_a_run_that_prints_nothing_writes_nothing(place: Place) -> None:
    assert await pumped(place, Prints()) == []


class Skips(Prints):
    """Leaves some bytes out, as no runner should."""

    def __init__(self, *chunks: tuple[int, bytes]) -> None:
        super().__init__()
        self._chunks = chunks

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        for at, data in self._chunks:
            if at >= offset:
                yield LogChunk(offset=at, data=data)


async def test_what_a_runner_skips_is_told_once_and_leaves_a_note_in_the_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    run = Skips((0, b"one\n"), (104, b"two\n"), (110, b"three\n"))
    stored = b"".join(await pumped(place, run))
    assert stored[:4] == b"one\n"
    assert stored[4:104].strip(b".") == b"\nlaunchkit: the runner skipped 100 bytes here\n"
    assert stored[104:] == b"two\n..three\n"
    (told,) = [line for line in caplog.records if line.levelno == logging.WARNING]
    assert told.getMessage() == "run: its runner skipped 100 bytes of output"


async def test_a_lease_that_is_lost_is_told_as_itself(place: Place) -> None:
    stale = replace(place.claim, token=place.claim.token + 1)
    with pytest.raises(LeaseLost):
        await pumped(Place(place.backend, stale), Prints(b"one\n", ends=False))


async def test_of_a_run_that_is_over_only_so_much_is_stored_with_a_note(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit.agent.pump, "REST_BYTES", 10)
    rest = Rest(anyio.Event())
    rest.begun.set()
    run = Prints(b"12345\n", b"1\n", b"too much\n", b"more\n", ends=False)
    stored = b"".join(await pumped(place, run, rest))
    assert stored.startswith(
        b"12345\n1\n\nlaunchkit: the run was ended, and its output from byte 8 "
    )
    assert stored.count(b"\n") == 4


@pytest.mark.parametrize("limit", ["REST_SECONDS", "HURRIED_SECONDS"])
async def test_the_output_of_a_run_that_is_over_is_waited_for_only_so_long(
    place: Place, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(launchkit.agent.pump, limit, 0.0)
    hurry = anyio.Event()
    if limit == "HURRIED_SECONDS":
        hurry.set()
    rest = Rest(hurry)
    run = Prints(b"one\n", ends=False)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pumped, place, run, rest)
        await until(lambda: place.backend.writes == [b"one\n"])
        rest.begun.set()
    assert b"its output from byte 4 on was not stored" in place.backend.writes[-1]


async def test_what_a_run_that_is_over_printed_in_time_is_stored_without_a_note(
    place: Place,
) -> None:
    rest = Rest(anyio.Event())
    rest.begun.set()
    assert b"".join(await pumped(place, Prints(b"one\n", b"two\n"), rest)) == b"one\ntwo\n"


async def test_the_time_in_which_a_queue_takes_nothing_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launchkit.agent.pump, "REST_SECONDS", 0.01)
    monkeypatch.setattr(launchkit.agent.pump, "TICK_SECONDS", 0.01)
    rest = Rest(anyio.Event())
    rest.begun.set()
    looks = iter([True] * 20 + [False])
    await rest.passes(lambda: next(looks))
    assert not [*looks]
