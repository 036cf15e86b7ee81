"""Plugins hear what an agent stores, and cannot hurt it."""

import threading
from types import ModuleType

import pytest
from agent.conftest import Bench
from observe.conftest import Ear
from waiting import PATIENCE

from launchkit.hookspecs import hookimpl
from launchkit.model import Event, ItemState


async def test_a_plugin_hears_each_state_in_order(bench: Bench) -> None:
    ear = Ear()
    run = await bench.launch("print(1)")
    async with bench.agent(ear.module()) as agent:
        await bench.ended(run)
    stored = [e.state for e in await bench.client.hub.launches().changed(run.id, 0, 0) if e.state]
    assert [event.state for event in ear.heard] == stored[1:]
    assert {(event.item_id, event.actor, event.attempt) for event in ear.heard} == {
        (run.id, agent.name, 1)
    }
    assert [event.id for event in ear.heard] == [*range(1, len(ear.heard) + 1)]


async def test_a_plugin_hears_warnings(bench: Bench) -> None:
    ear = Ear()
    run = await bench.launch("print(1)", "${nothing}", env={"A": "${nothing}"})
    async with bench.agent(ear.module()):
        await bench.ended(run)
    assert [event.cause for event in ear.heard if event.kind == "warning"]


async def test_a_plugin_that_fails_is_named_once_and_hurts_no_run(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Ear(fails=True), Ear()
    runs = [await bench.launch("print(1)") for _ in range(2)]
    async with bench.agent(bad.module("bad"), good.module("good")):
        assert await bench.ended(*runs) == [ItemState.FINISHED] * 2
    assert len(bad.heard) == len(good.heard) > 2
    told = [text for text in caplog.messages if "launchkit_event" in text]
    assert told == ["plugin bad: launchkit_event failed: ZeroDivisionError('a bug in the plugin')"]


async def test_a_plugin_that_blocks_does_not_hold_up_the_run(bench: Bench) -> None:
    slow = ModuleType("slow")
    gate, heard = threading.Event(), list[Event]()

    @hookimpl
    def launchkit_event(event: Event) -> None:
        gate.wait(PATIENCE)
        heard.append(event)

    slow.launchkit_event = launchkit_event  # type: ignore[attr-defined]
    run = await bench.launch("print(1)")
    async with bench.agent(slow):
        assert await bench.ended(run) == [ItemState.FINISHED]
        assert heard == []
        gate.set()
    stored = [e.state for e in await bench.client.hub.launches().changed(run.id, 0, 0) if e.state]
    assert [event.state for event in heard] == stored[1:]
