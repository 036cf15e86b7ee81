"""Devices are given to one run at a time; the queue's store is a real one."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE, until

from launchkit.errors import Rejected, Unreachable
from launchkit.runners.slots import Slots, Wish
from launchkit.testing import FakeBackend, LostAnswer, RecordingOutput, Throttle, site_at, started

DEVICES = ("a", "b", "c")


class Machine:
    """The agents of one machine with devices a, b and c, and the runs that live on it."""

    def __init__(self, backend: FakeBackend) -> None:
        self.backend = backend
        self.live: dict[str, tuple[str, ...]] = {}

    async def in_use(self) -> dict[str, tuple[str, ...]]:
        return self.live

    async def lock_name(self, device: str) -> str:
        return f"gpu:here/{device}"

    def agent(self, look: float = 0.01, name: str = "box") -> Slots:
        return Slots(
            what="GPU",
            agent=name,
            backend=self.backend,
            lock_name=self.lock_name,
            in_use=self.in_use,
            look=look,
        )


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    backend = FakeBackend(url=f"sqlite:///{tmp_path}/launchkit.db", entity="test")
    async with site_at(tmp_path) as site, started(backend, site) as queue:
        yield Machine(queue)


@pytest.fixture
def slots(machine: Machine) -> Slots:
    return machine.agent()


def wish(count: int, *devices: str) -> Wish:
    return Wish(devices=devices or DEVICES, count=count, text=f"{count} of 3 GPUs")


def waiting(heard: RecordingOutput) -> Callable[[], bool]:
    return lambda: "waits for" in heard.text


async def test_runs_get_devices_of_their_own_and_give_them_back(slots: Slots) -> None:
    assert await slots.take("one", wish(2)) == ("a", "b")
    assert await slots.take("two", wish(1)) == ("c",)
    await slots.release("one")
    assert slots.given("one") is None
    assert await slots.take("three", wish(1, "b")) == ("b",)


async def test_a_run_waits_until_enough_are_free_and_says_so_once(slots: Slots) -> None:
    out = RecordingOutput()
    await slots.take("one", wish(3))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slots.take, "two", wish(2), out)
        await until(waiting(out))
        slots.news.notify()
        await anyio.wait_all_tasks_blocked()
        assert slots.given("two") is None
        await slots.release("one")
    assert slots.given("two") == ("a", "b")
    assert out.marks == ["waits for 2 of 3 GPUs", "has GPU a, b"]


async def test_who_asks_first_is_served_first_and_all_who_wait_are_told(slots: Slots) -> None:
    first, second, order = RecordingOutput(), RecordingOutput(), list[str]()
    await slots.take("one", wish(2))

    async def take(holder: str, count: int, out: RecordingOutput) -> None:
        await slots.take(holder, wish(count), out)
        order.append(holder)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take, "two", 2, first)
        await until(waiting(first))
        tasks.start_soon(take, "three", 1, second)
        await until(waiting(second))
        await slots.release("one")
    assert order == ["two", "three"]
    assert second.marks == ["waits for 1 of 3 GPUs", "has GPU c"]


async def test_two_agents_never_give_one_device_twice(machine: Machine) -> None:
    first, second, out = machine.agent(), machine.agent(), RecordingOutput()
    await first.take("one", wish(2))
    assert await second.take("two", wish(1)) == ("c",)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second.take, "three", wish(1), out)
        await until(waiting(out))
        assert second.given("three") is None
        await first.release("one")
    assert second.given("three") == ("a",)


async def test_a_device_that_another_agent_gives_back_wakes_those_who_wait_for_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.runners.slots.PAUSE_SECONDS", 0.01)
    agents = [machine.agent(look=3600) for _ in range(3)]
    outs = [RecordingOutput() for _ in agents]
    await agents[0].take("one", wish(3))
    async with anyio.create_task_group() as tasks:
        for number in (1, 2):
            tasks.start_soon(agents[number].take, f"run {number}", wish(3), outs[number])
            await until(waiting(outs[number]))
        await agents[0].release("one")
        await until(lambda: any(agent.given("run 1") or agent.given("run 2") for agent in agents))
        first = 1 if agents[1].given("run 1") else 2
        assert agents[3 - first].given(f"run {3 - first}") is None
        await agents[first].release(f"run {first}")
    assert agents[3 - first].given(f"run {3 - first}") == DEVICES


async def test_what_a_live_run_has_is_not_given_whoever_started_it(
    machine: Machine, slots: Slots
) -> None:
    machine.live = {"foreign": ("a",), "one": ("b",)}
    assert await slots.take("one", wish(2)) == ("b", "c")


async def test_devices_of_a_run_of_an_earlier_agent_stay_taken(slots: Slots) -> None:
    slots.adopt("old", ("a", "b"))
    slots.adopt("without", ())
    assert await slots.take("new", wish(1)) == ("c",)
    assert await slots.take("old", wish(1)) == ("a", "b")
    assert slots.given("without") is None


async def test_what_can_never_be_given_is_not_waited_for(slots: Slots) -> None:
    with pytest.raises(Rejected, match="GPU: 2 wanted, and there are 1 that will do"):
        await slots.take("one", wish(2, "a"))


async def test_devices_that_another_agent_got_meanwhile_are_given_up(machine: Machine) -> None:
    slept, awake = machine.agent(), machine.agent()
    await slept.take("one", wish(2))
    awake.adopt("one", ("a",))
    await awake.release("one")
    await awake.take("two", wish(1))
    assert await slept.confirm("one", wish(2)) == ("b", "c")
    assert await awake.confirm("two", wish(1)) == ("a",)


async def test_what_is_given_up_is_free_for_others(machine: Machine) -> None:
    slept, awake = machine.agent(), machine.agent()
    await slept.take("one", wish(2))
    machine.live["foreign"] = ("a",)
    assert await slept.confirm("one", wish(1, "c")) == ("c",)
    with anyio.fail_after(PATIENCE):
        assert await awake.take("two", wish(1, "b")) == ("b",)


async def test_one_who_is_cancelled_leaves_no_device_taken(machine: Machine) -> None:
    slots, other, out = machine.agent(), machine.agent(), RecordingOutput()
    await other.take("one", wish(1, "c"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slots.take, "two", wish(3), out)
        await until(waiting(out))
        tasks.cancel_scope.cancel()
    assert slots.given("two") is None
    assert await other.take("three", wish(2)) == ("a", "b")


async def test_one_who_cannot_be_told_takes_no_device(machine: Machine) -> None:
    class Deaf(RecordingOutput):
        async def say(self, text: str) -> None:
            raise Unreachable("nobody listens")

    slots, other = machine.agent(), machine.agent()
    with pytest.raises(Unreachable):
        await slots.take("one", wish(3), Deaf())
    assert await other.take("two", wish(3)) == DEVICES


async def test_an_answer_that_got_lost_leaves_no_device_taken(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    slots, other = machine.agent(), machine.agent()
    machine.backend.faults.add(LostAnswer("acquire_lock", times=2), Throttle("acquire_lock"))
    assert await slots.take("one", wish(3)) == DEVICES
    await slots.release("one")
    assert await other.take("two", wish(3)) == DEVICES
    assert caplog.messages == [
        "reserving each GPU for one run: connection reset; trying again",
        "reserving each GPU for one run: too many requests; trying again",
    ]


async def test_without_a_store_this_agent_alone_is_looked_at(machine: Machine) -> None:
    slots = replace(machine.agent(), backend=None)
    assert await slots.take("one", wish(2)) == ("a", "b")
    await slots.release("one")
    assert await slots.take("two", wish(3)) == DEVICES


async def test_what_an_agent_held_that_is_dead_is_free_at_once(machine: Machine) -> None:
    await machine.agent().take("one", wish(3))
    await machine.backend.leave("box", dead=True)
    with anyio.fail_after(PATIENCE):
        assert await machine.agent(name="other").take("two", wish(3)) == DEVICES


async def test_what_is_held_is_renewed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit.runners.slots.LEASE_SECONDS", 0.03)
    slots, other = machine.agent(), machine.agent()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slots.keep)
        await slots.take("one", wish(1, "a"))
        held = machine.backend.faults.calls.count("acquire_lock")
        await until(lambda: machine.backend.faults.calls.count("acquire_lock") > held + 5)
        tasks.cancel_scope.cancel()
    assert await other.take("two", wish(1, "a")) == ("a",)
