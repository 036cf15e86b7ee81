"""What a launch came to may be long, and is looked through for secrets beside the event loop."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from agent.conftest import Bench

import launchkit
import launchkit.agent.resolution
from launchkit import Agent
from launchkit.abc import Runner
from launchkit.agent.resolution import MOST_BYTES
from launchkit.codec import encode_json
from launchkit.hookspecs import hookimpl
from launchkit.model import ItemState, Submission
from launchkit.plugins import Plugins
from launchkit.testing import FakeRunner

RENDERED_IN: list[threading.Thread] = []


@dataclass(kw_only=True)
class TellingRunner(FakeRunner):
    kind = "telling"

    def render(self, submission: Submission) -> Mapping[str, Any]:
        RENDERED_IN.append(threading.current_thread())
        return super().render(submission)


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [TellingRunner]


PLUGIN = ModuleType("telling")
vars(PLUGIN).update(launchkit_runners=launchkit_runners)


async def test_of_what_a_launch_came_to_no_more_is_told_than_a_service_takes(bench: Bench) -> None:
    run = await bench.launch("print('done')", config={"a": "\x01" * 1_500_000})
    async with bench.agent():
        await bench.ended(run)
    told = dict(run.item.resolved or {})
    assert len(encode_json(told)) <= MOST_BYTES
    assert list(told["request"]) == list(told["config"]) == ["…"]
    assert list(told["origins"]) != ["…"]


async def test_of_a_launch_of_many_values_no_more_are_told_than_a_service_takes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit.agent.resolution, "MOST_VALUES", 1000)
    run = await bench.launch("print('done')", config={"a": [[]] * 900})
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FINISHED]
    told = dict(run.item.resolved or {})
    assert list(told["request"]) == list(told["config"]) == ["…"]


async def test_what_a_launch_came_to_is_put_together_beside_the_loop(bench: Bench) -> None:
    plugins = Plugins(PLUGIN, entry_points=False)
    async with launchkit.connect(bench.url, plugins=plugins) as client:
        await client.create_queue("telling", "telling", {"exit_code": 0})
        async with Agent(bench.settings(queues=["telling"]), plugins=plugins):
            run = await client.launch("telling", image="img")
            assert (await run.wait()).state is ItemState.FINISHED
    assert RENDERED_IN
    assert threading.current_thread() not in RENDERED_IN
