"""The clock of a machine is set while its queue is in use: leases last as long as they were to."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from store.conftest import LEASE, Clock, Store

from launchkit.model import ItemState
from launchkit.store import clock_steps
from launchkit.store.sqlite import SqliteDatabase

HOUR = 3600.0


@dataclass
class Machine:
    """Time that passes here, and what its clock is set to."""

    passed: float = 0.0
    set_to: float = 0.0

    def clock(self) -> float:
        return 1_700_000_000.0 + self.passed + self.set_to

    def ticks(self) -> float:
        return 1000.0 + self.passed


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(time, "time", made.clock)
    monkeypatch.setattr(clock_steps, "ticks", made.ticks)
    return made


@pytest.mark.parametrize("step", [3 * HOUR, -3 * HOUR, 20 * 365 * 24 * HOUR, 5.0, 0.5])
async def test_a_step_neither_takes_a_launch_away_nor_keeps_it_for_ever(
    tmp_path: Path, machine: Machine, step: float
) -> None:
    holder, other = (SqliteDatabase(tmp_path / "x.db") for _ in range(2))
    async with holder.opened(), other.opened():
        first, second = Store(holder, Clock()), Store(other, Clock())
        await first.queue()
        await first.launch()
        claim = await first.claimed("a")
        machine.passed += LEASE / 2
        machine.set_to += step
        assert await second.claim("b") is None
        await first.report(claim, ItemState.RUNNING)
        machine.passed += LEASE
        taken = await second.claimed("b")
        assert taken.token > claim.token


async def test_steps_while_nobody_was_there_are_found_by_who_comes_next(
    tmp_path: Path, machine: Machine
) -> None:
    for step in (0, HOUR, -HOUR):
        machine.set_to += step
        async with (database := SqliteDatabase(tmp_path / "x.db")).opened():
            store = Store(database, Clock())
            if not step:
                await store.queue()
                await store.launch()
                await store.claimed("a")
            assert await store.claim("b") is None


async def test_how_long_a_run_has_run_is_no_more_after_a_step(
    tmp_path: Path, machine: Machine
) -> None:
    async with (database := SqliteDatabase(tmp_path / "x.db")).opened():
        store = Store(database, Clock())
        await store.queue()
        await store.launch()
        claim = await store.claimed("a")
        await store.report(claim, ItemState.RUNNING, resolved={"submitted_at": time.time()})
        machine.set_to += HOUR
        machine.passed += LEASE + 1
        taken = await store.claimed("b")
        assert time.time() - (taken.item.started_at or 0) == pytest.approx(LEASE + 1)
        submitted = (taken.item.resolved or {})["submitted_at"]
        assert time.time() - float(str(submitted)) == pytest.approx(LEASE + 1)


async def test_after_a_restart_of_the_machine_its_clock_is_believed(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for boot in ("first", "second"):
        monkeypatch.setattr(clock_steps, "_boot", lambda: boot)  # noqa: B023 - used at once
        async with (database := SqliteDatabase(tmp_path / "x.db")).opened():
            store = Store(database, Clock())
            if boot == "first":
                await store.queue()
                await store.launch()
                await store.claimed("a")
                monkeypatch.setattr(clock_steps, "ticks", lambda: machine.ticks() - 1000)
                machine.set_to += LEASE + 1
            else:
                await store.claimed("b")


async def test_a_step_whose_change_was_not_kept_is_found_again(
    tmp_path: Path, machine: Machine
) -> None:
    async with (database := SqliteDatabase(tmp_path / "x.db")).opened():
        store = Store(database, Clock())
        await store.queue()
        steps = clock_steps.ClockSteps()
        with sqlite3.connect(tmp_path / "x.db", isolation_level=None) as connection:
            connection.row_factory = sqlite3.Row
            steps.keep(steps.look(connection))
            machine.set_to += HOUR
            connection.execute("begin immediate")
            steps.look(connection)
            connection.execute("rollback")
            steps.look(connection)
            [row] = connection.execute("select ahead from clock").fetchall()
        assert row["ahead"] == machine.clock() - machine.ticks()


async def test_a_clock_that_is_set_within_a_transaction_takes_nothing_away(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    async with database.opened():
        store = Store(database, Clock())
        await store.queue()
        await store.launch()
        await store.claimed("a")

        def ticks() -> float:
            machine.set_to = 3 * HOUR  # the clock has just been read
            return machine.ticks()

        monkeypatch.setattr(clock_steps, "ticks", ticks)
        assert await store.claim("b") is None
        assert await store.claim("b") is None
