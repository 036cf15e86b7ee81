"""What a queue takes from its agent's environment is in nothing that the queue's users read."""

import json
from collections.abc import Sequence
from threading import current_thread

import pytest
from agent.conftest import Bench, text

from launchkit.abc import Policy
from launchkit.agent import seen_queues
from launchkit.codec import plain
from launchkit.model import ItemState, Queue, QueueSpec, Timeouts, Variable
from launchkit.plain_text import LINES
from launchkit.resolving.known_secrets import queue_secrets

HUSH = "hush-value-12345"


@pytest.mark.parametrize(
    "config",
    [
        {"setup": {"command": ["/nowhere/${HUSH}"]}},
        {"setup": {"command": "true", "inputs": ["${HUSH}"]}},
        {"setup": {"command": ["false", "${HUSH}"]}},
        {"env": {"${HUSH}": "${HUSH}", "B": "${HUSH}\0"}},
        {"setup": "/nowhere/a ${WORDS} b"},
        {"setup": "false ${ADDRESS}", "env": {"A": "see ${ADDRESS}"}},
        {"setup": "false '${SETTINGS}'", "env": {"A": "${SETTINGS}"}},
        {"setup": {"command": "true", "inputs": ["${ADDRESS}"]}},
    ],
)
async def test_what_goes_wrong_with_a_secret_does_not_show_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, config: dict[str, object]
) -> None:
    monkeypatch.setenv("HUSH", HUSH)
    monkeypatch.setenv("WORDS", f"first-{HUSH} second\\-{HUSH}")
    monkeypatch.setenv("ADDRESS", "https://ann:pass@host.example/hush-path")
    monkeypatch.setenv("SETTINGS", "Uid=hush-u;Password=pass")
    await bench.client.create_queue("secret", "local-process", config)
    run = await bench.launch("print(1)", queue="secret")
    policy = {"macros_from_env": ["HUSH", "WORDS", "ADDRESS", "SETTINGS"]}
    async with bench.agent(queues=["secret"], policy=policy):
        assert await bench.ended(run) == [ItemState.FAILED]
    events = [plain(event) for event in await run.events()]
    told = json.dumps([plain(run.item), events]) + await text(run)
    assert run.item.verdict
    assert not [secret for secret in (HUSH, "hush-path", "hush-u") if secret in told]


async def test_the_secret_default_of_a_variable_is_not_shown_where_no_key_tells_of_it(
    bench: Bench,
) -> None:
    config = {"env": {"PLAIN": "{{door_password}}"}, "setup": "/nowhere/{{door_password}}"}
    variables = {"door_password": Variable(type="string", default=HUSH)}
    await bench.client.create_queue("secret", "local-process", config, variables=variables)
    run = await bench.launch("print(1)", queue="secret")
    async with bench.agent(queues=["secret"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.resolved
    events = [plain(event) for event in await run.events()]
    assert HUSH not in json.dumps([plain(run.item), events])


@pytest.mark.parametrize(
    ("setup", "shown"),
    [
        (": {{door_password}} a-hushed-key; exit 3", "/bin/sh -c : … …; exit 3"),
        (["false", "at {{door_password}}", "a-hushed-key"], "false at … …"),
    ],
)
async def test_a_log_that_begins_with_the_setup_shows_no_secret_of_the_queue(
    bench: Bench, setup: object, shown: str
) -> None:
    config = {"env": {"API_KEY": "a-hushed-key"}, "setup": setup}
    variables = {"door_password": Variable(type="string", default=HUSH)}
    await bench.client.create_queue("secret", "local-process", config, variables=variables)
    run = await bench.launch("print(1)", queue="secret")
    async with bench.agent(queues=["secret"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    said = await text(run)
    assert said.endswith(shown)
    assert "hush" not in said + json.dumps(plain(run.item.resolved))


async def test_a_secret_that_the_queue_writes_out_is_in_no_reason_and_no_evidence(
    bench: Bench,
) -> None:
    await bench.client.create_queue("secret", "local-process", {"env": {"API_TOKEN": HUSH}})
    run = await bench.launch("import os; exit('is ' + os.environ['API_TOKEN'])", queue="secret")
    async with bench.agent(queues=["secret"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.evidence == ("is …",)
    assert HUSH not in json.dumps([plain(event) for event in await run.events()])


async def test_a_run_that_prints_a_secret_has_it_in_its_log_and_nowhere_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", HUSH)
    await bench.client.create_queue("secret", "local-process", {"env": {"A": "${HUSH}"}})
    script = "import os, sys; sys.exit('it is ' + os.environ['A'])"
    run = await bench.launch(script, queue="secret", timeouts=Timeouts(stop_grace=5))
    async with bench.agent(queues=["secret"], policy={"macros_from_env": ["HUSH"]}):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.evidence == ("it is …",)
    assert HUSH in await text(run)


@pytest.mark.parametrize("way", ["queue", "queue with more around it", "launch"])
async def test_a_variable_that_is_taken_by_its_name_is_in_the_log_of_its_run_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("HUSH", HUSH)
    config: dict[str, object] = {"env": ["HUSH"], "setup": f": {HUSH} && true"}
    around = {"local-process": config, "builder": {}}
    configs = {"queue": config, "queue with more around it": around, "launch": {}}
    await bench.client.create_queue("secret", "local-process", configs[way])
    script = "import os, sys; sys.exit('it is ' + os.environ['HUSH'])"
    env = {"HUSH": None} if way == "launch" else {}
    run = await bench.launch(script, queue="secret", env=env)
    async with bench.agent(queues=["secret"], policy={"env_from_agent": ["HUSH"] if env else []}):
        assert await bench.ended(run) == [ItemState.FAILED]
    events = [plain(event) for event in await run.events()]
    assert run.item.verdict
    assert run.item.verdict.evidence[-1] == "it is …"
    assert HUSH not in json.dumps([plain(run.item), events])
    assert (await text(run)).count(HUSH) == 1, "what the run printed, and no line of launchkit's"


async def test_a_variable_that_is_no_secret_is_told_though_a_queue_takes_it_by_its_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Somewhere/Far")
    await bench.client.create_queue("open", "local-process", {"env": ["TZ"]})
    run = await bench.launch("import os; exit('in ' + os.environ['TZ'])", queue="open")
    async with bench.agent(queues=["open"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.evidence == ("in Somewhere/Far",)


async def test_of_a_secret_of_many_short_lines_none_is_evidence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", "\n".join(f"hush-{number}" for number in range(LINES + 5)))
    await bench.client.create_queue("secret", "local-process", {"env": {"A": "${HUSH}"}})
    script = "import os, sys; sys.exit('it is\\n' + os.environ['A'])"
    run = await bench.launch(script, queue="secret")
    async with bench.agent(queues=["secret"], policy={"macros_from_env": ["HUSH"]}):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.evidence == ("it is", "…")


async def test_a_version_of_a_queue_is_looked_through_once_and_beside_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def look(spec: QueueSpec) -> Sequence[str]:
        looked.append(current_thread().name)
        return queue_secrets(spec)

    monkeypatch.setattr(seen_queues, "queue_secrets", look)
    await bench.client.create_queue("secret", "local-process", {"env": {"API_KEY": HUSH}})
    runs = [await bench.launch("print(1)", queue="secret") for _ in range(2)]
    async with bench.agent(queues=["secret"]):
        for run in runs:
            assert await bench.ended(run) == [ItemState.FINISHED]
    (thread,) = looked
    assert thread != "MainThread"


def test_a_queue_of_a_restored_database_has_its_own_secrets() -> None:
    seen = seen_queues.SeenQueues(Policy(), {})
    for secret in (HUSH, "another-value-678"):
        spec = QueueSpec(name="q", resource="docker", config={"env": {"API_KEY": secret}})
        queue = Queue(id=1, entity="e", spec=spec, version=1, created_at=0.0, updated_at=0.0)
        assert seen.secrets(queue) == (secret,)
