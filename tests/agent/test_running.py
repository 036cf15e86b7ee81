"""What an agent does with launches that nothing disturbs."""

import json
from pathlib import Path

import pytest
from agent.conftest import Bench, text
from niceness import nicer_by
from waiting import PATIENCE

from launchkit import Agent
from launchkit.agent.standing import status_line
from launchkit.errors import ConfigError, NotFound
from launchkit.model import ItemState


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A queue of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


async def test_a_launch_runs_and_its_log_and_end_are_stored(bench: Bench) -> None:
    run = await bench.launch("import sys; print('out'); print('err', file=sys.stderr)")
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "out\nerr"
    assert (run.item.exit_code, run.item.verdict and run.item.verdict.code) == (0, "ok")


async def test_a_failure_has_its_exit_code_and_the_last_lines_as_evidence(bench: Bench) -> None:
    run = await bench.launch("print('about to fail'); raise SystemExit(3)")
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.exit_code == 3
    assert run.item.verdict
    assert run.item.verdict.code == "user_exit"
    assert "about to fail" in "".join(run.item.verdict.evidence)


async def test_args_env_and_config_reach_the_program(bench: Bench) -> None:
    script = (
        "import os, sys, json\n"
        "print(json.dumps([sys.argv[1:], os.environ['MY'], os.environ['WANDB_CONFIG']]))"
    )
    run = await bench.launch(script, "--lr", "0.1", env={"MY": "own"}, config={"lr": 0.1})
    async with bench.agent():
        await bench.ended(run)
    assert json.loads(await text(run)) == [["--lr", "0.1"], "own", '{"lr": 0.1}']


async def test_a_slot_is_taken_before_a_claim(bench: Bench) -> None:
    gate = bench.folder / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    first, second = await bench.launch(wait), await bench.launch("print(2)")
    async with bench.agent(max_jobs=1) as agent:
        await first.wait_until(ItemState.RUNNING, timeout=PATIENCE)
        assert (await second.view()).item.state is ItemState.QUEUED
        assert agent.status == "1 of 1 under way"
        gate.touch()
        assert await bench.ended(first, second) == [ItemState.FINISHED] * 2


async def test_several_queues_are_served_at_once(bench: Bench) -> None:
    await bench.client.create_queue("p", "local-process")
    meet = (
        "import os, sys, time\n"
        "open(sys.argv[1], 'w').close()\n"
        "while not os.path.exists(sys.argv[2]): time.sleep(0.02)"
    )
    a, b = str(bench.folder / "a"), str(bench.folder / "b")
    one = await bench.launch(meet, a, b)
    two = await bench.launch(meet, b, a, queue="p")
    async with bench.agent(max_jobs=2, queues=["q", "p"]):
        assert await bench.ended(one, two) == [ItemState.FINISHED] * 2


async def test_one_slot_serves_all_queues_in_turn(bench: Bench) -> None:
    await bench.client.create_queue("p", "local-process")
    runs = [await bench.launch("print(1)", queue=queue) for queue in "qpqpp"]
    async with bench.agent(max_jobs=1, queues=["q", "p"]):
        assert await bench.ended(*runs) == [ItemState.FINISHED] * 5


async def test_unlimited_means_all_at_once(bench: Bench) -> None:
    meet = (
        "import os, sys, time, pathlib\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "(here / sys.argv[2]).touch()\n"
        "while len(list(here.iterdir())) < 6: time.sleep(0.02)"
    )
    folder = bench.folder / "meet"
    folder.mkdir()
    runs = [await bench.launch(meet, str(folder), str(n)) for n in range(6)]
    async with bench.agent(max_jobs=-1):
        assert await bench.ended(*runs) == [ItemState.FINISHED] * 6


async def test_an_agent_for_no_jobs_claims_none_and_says_so(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    async with bench.agent(max_jobs=0) as agent:
        assert "max_jobs is 0" in agent.status
    assert (await run.view()).item.state is ItemState.QUEUED


async def test_a_paused_queue_is_told_of_and_served_after_its_resumption(bench: Bench) -> None:
    await bench.client.pause_queue("q", "driver upgrade")
    run = await bench.launch("print(1)")
    async with bench.agent() as agent:
        assert "queue q is paused: driver upgrade" in agent.status
        await bench.client.resume_queue("q")
        assert await bench.ended(run) == [ItemState.FINISHED]


async def test_what_is_in_the_way_of_a_queue_is_told_on_when_the_agent_has_registered(
    bench: Bench,
) -> None:
    await bench.client.pause_queue("q", "driver upgrade")
    async with bench.agent() as agent:
        await agent._registered.wait()
        assert "queue q is paused: driver upgrade" in agent.status


def test_what_is_in_the_way_of_all_queues_is_told_once() -> None:
    why = "agent a is paused: new driver (by bob)"
    assert status_line(0, 1, ["q", "r"], [why, why], []) == why


async def test_an_agent_ends_when_its_queues_are_empty_if_it_is_told_to(bench: Bench) -> None:
    runs = [await bench.launch("print(1)") for _ in range(3)]
    await Agent(bench.settings(), exit_when_idle=True).run()
    assert await bench.ended(*runs) == [ItemState.FINISHED] * 3


async def test_template_and_macros_are_filled(bench: Bench) -> None:
    from launchkit.model import Variable

    await bench.client.create_queue(
        "t",
        "local-process",
        {"nice": "{{nice}}", "env": {"PLACE": "${entity_name}/${run_id}", "ODD": "${odd}"}},
        variables={"nice": Variable(type="integer", minimum=1, maximum=5)},
    )
    script = "import os; print(os.nice(0), os.environ['PLACE'], os.environ['ODD'])"
    run = await bench.launch(script, queue="t", variables={"nice": 3})
    async with bench.agent(queues=["t"]):
        await bench.ended(run)
    assert await text(run) == f"{nicer_by(3)} default/{run.run_id} ${{odd}}"
    assert any(e.kind == "warning" and "odd" in str(e.cause) for e in await run.events())


async def test_what_was_resolved_is_kept(bench: Bench) -> None:
    run = await bench.launch("print(1)", "x", timeouts=None)
    async with bench.agent():
        await bench.ended(run)
    assert run.item.resolved
    assert run.item.resolved["command"][-1] == "x"  # type: ignore[index]
    assert run.item.resolved["origins"]["args"] == "launch"  # type: ignore[index]


async def test_an_agent_without_queues_or_with_an_unknown_one_does_not_start(
    bench: Bench,
) -> None:
    with pytest.raises(ConfigError, match="no queues"):
        bench.agent(queues=[])
    with pytest.raises(NotFound, match=r"no queue 'nope'.*\n.*no queue 'none'") as caught:
        async with bench.agent(queues=["nope", "q", "none"]):
            pass
    assert str(caught.value.hint).count("launchkit queue create") == 2


async def test_the_agents_own_values_are_stored_nowhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "do-not-store-me")
    await bench.client.create_queue("keys", "local-process", {"env": ["API_KEY"]})
    run = await bench.launch("import os; print(len(os.environ['API_KEY']))", queue="keys")
    async with bench.agent(queues=["keys"]):
        await bench.ended(run)
    assert await text(run) == "15"
    assert "do-not-store-me" not in json.dumps(run.item.resolved)
    for path in bench.folder.glob("launchkit.db*"):
        assert not path.is_file() or b"do-not-store-me" not in path.read_bytes()
