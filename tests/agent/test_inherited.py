"""Of the agent's environment a launch has no more than its owner or the queue says."""

import sys
from dataclasses import replace

import pytest
from agent.conftest import Bench, text

from launchkit.model import ItemState, Variable

SEEN = "import os; print(os.environ.get('KEPT', 'nothing'))"
CLOSED = {"inherit_env": False}
OPEN = {"inherit_env": ["KEPT"]}


@pytest.mark.parametrize("who", ["launch", "job", "template"])
async def test_nobody_but_the_queue_itself_opens_the_agents_environment_to_a_launch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setenv("KEPT", "kept-value")
    config = {"inherit_env": ["{{name}}"]} if who == "template" else CLOSED
    variables = {"name": Variable(type="string")} if who == "template" else {}
    await bench.client.create_queue("closed", "local-process", config, variables=variables)
    if who == "job":
        code = bench.folder / "code"
        code.mkdir()
        (code / "train.py").write_text(SEEN)
        recipe, _ = await bench.client.recipe(uri=code)
        command = (sys.executable, "train.py")
        recipe = replace(recipe, entry_point=command, resource_args=OPEN)
        job, _ = await bench.client.create_job("train", recipe)
        run = await bench.client.launch("closed", job=job.reference)
    else:
        args, chosen = ({}, {"name": "KEPT"}) if who == "template" else (OPEN, {})
        run = await bench.launch(SEEN, queue="closed", resource_args=args, variables=chosen)
    async with bench.agent(queues=["closed"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert "inherit_env: KEPT is more" in run.item.verdict.summary


@pytest.mark.parametrize(
    ("config", "args", "lent", "seen"),
    [
        (CLOSED, OPEN, ["KEPT"], "kept-value"),
        (OPEN, {}, [], "kept-value"),
        (OPEN, CLOSED, [], "nothing"),
        ({}, CLOSED, [], "nothing"),
    ],
)
async def test_a_launch_inherits_what_the_policy_lends_or_less_than_its_queue_says(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, object],
    args: dict[str, object],
    lent: list[str],
    seen: str,
) -> None:
    monkeypatch.setenv("KEPT", "kept-value")
    await bench.client.create_queue("some", "local-process", config)
    run = await bench.launch(SEEN, queue="some", resource_args=args)
    async with bench.agent(queues=["some"], policy={"env_from_agent": lent}):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == seen
