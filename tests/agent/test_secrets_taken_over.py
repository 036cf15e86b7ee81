"""What of a run's secrets is masked when its queue is edited, or another agent takes it over."""

import json

import pytest
from agent.conftest import Bench, running
from agent.test_take_over import abandoned, taken_over

from launchkit import LaunchHandle
from launchkit.codec import plain
from launchkit.model import ItemState, QueueSpec

HUSH = "hush-value-12345"
WRITTEN = "written-value-12345"
CONFIG = {"env": {"A": "${HUSH}", "DB_PASSWORD": WRITTEN}}
POLICY = {"macros_from_env": ["HUSH"]}
SCRIPT = """\
import os, sys, time
while not os.path.exists(sys.argv[1]): time.sleep(0.02)
sys.exit('is ' + os.environ['A'] + ' ' + os.environ['DB_PASSWORD'])"""


async def launched(bench: Bench) -> LaunchHandle:
    await bench.client.create_queue("secret", "local-process", CONFIG)
    return await bench.launch(SCRIPT, str(bench.folder / "gate"), queue="secret")


async def ends_without_secrets(bench: Bench, run: LaunchHandle) -> None:
    (bench.folder / "gate").touch()
    assert await bench.ended(run) == [ItemState.FAILED]
    events = [plain(event) for event in await run.events()]
    assert run.item.verdict
    assert run.item.verdict.evidence == ("is … …",)
    assert not [one for one in (HUSH, WRITTEN) if one in json.dumps([plain(run.item), events])]


async def test_an_agent_masks_what_a_run_has_though_its_queue_says_something_else_by_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", HUSH)
    run = await launched(bench)
    async with bench.agent(queues=["secret"], policy=POLICY):
        await running(run)
        edited = QueueSpec(name="secret", resource="local-process", config={})
        await bench.client.edit_queue(edited)
        await ends_without_secrets(bench, run)


async def test_who_takes_a_run_over_masks_what_it_and_the_queue_have(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", HUSH)
    run = await launched(bench)
    await abandoned(bench, run, ItemState.RUNNING, queues=["secret"], policy=POLICY)
    async with taken_over(bench, run, queues=["secret"], policy=POLICY):
        await ends_without_secrets(bench, run)
