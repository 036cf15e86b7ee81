"""What a run gets to reach the service with: a token of its own, and nothing of the agent's."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from waiting import PATIENCE

import launchkit
from launchkit import Agent
from launchkit.cli.present import launch_data
from launchkit.cli.show import screen
from launchkit.model import ItemState
from launchkit.settings import load_settings
from launchkit.store.opening import database_of
from launchkit.store.tokens import CreateAgentToken

from .conftest import Served

SCRIPT = """
import json, os, urllib.request
url = os.environ["LAUNCHKIT_BACKEND"] + "/api/v1/entities/%s/runs/%s" % (
    os.environ["LAUNCHKIT_ENTITY"], os.environ["LAUNCHKIT_ITEM_ID"])
token = os.environ["LAUNCHKIT_RUN_TOKEN"]
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
own = json.load(urllib.request.urlopen(request))
outputs = urllib.request.Request(url + "/outputs", b'{"loss": 0.12, "on": {"ep\\u001bch": 3}}', {
    "Authorization": "Bearer " + token, "Content-Type": "application/json"}, method="PATCH")
urllib.request.urlopen(outputs)
argv = open("/proc/self/cmdline").read() + open(f"/proc/{os.getppid()}/cmdline").read()
names = sorted(name for name in os.environ if "TOKEN" in name)
told = {"own": own, "token": token, "names": names, "in_argv": token in argv}
open(os.environ["TELL"], "w").write(json.dumps(told))
"""


@pytest.fixture
async def client(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[launchkit.Client]:
    """A client, while an agent with the same credential runs what is launched."""
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(server.tokens["ann"]))
    flags = {
        "backend": server.url,
        "entity": "test",
        "queues": ["q"],
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
    }
    async with launchkit.connect(server.url, entity="test") as client:
        await client.create_queue("q", resource="local-process", config={"inherit_env": True})
        async with Agent(load_settings(flags=flags).settings):
            yield client


async def test_a_run_reaches_the_service_with_a_token_of_its_own(
    server: Served, client: launchkit.Client, tmp_path: Path
) -> None:
    code, told = tmp_path / "code", tmp_path / "told.json"
    code.mkdir()
    (code / "train.py").write_text(SCRIPT)
    run = await client.launch(
        "q",
        uri=str(code),
        entry_point=[sys.executable, "train.py"],
        config={"lr": 0.1},
        env={"TELL": str(told)},
    )
    assert (await run.wait()).state is ItemState.FINISHED
    found = json.loads(told.read_text())
    assert found["names"] == ["LAUNCHKIT_RUN_TOKEN"]
    assert not found["in_argv"]
    assert (found["own"]["config"], found["own"]["item_id"]) == ({"lr": 0.1}, run.id)
    told.unlink()
    await _nowhere(found["token"], client, tmp_path)
    url = f"{server.url}/api/v1/entities/test/runs/{run.id}"
    async with httpx.AsyncClient(timeout=PATIENCE) as again:
        answer = await again.get(url, headers={"Authorization": f"Bearer {found['token']}"})
    assert answer.status_code == 401
    assert (await run.view()).outputs == {"loss": 0.12, "on": {"ep\x1bch": 3}}
    assert {*screen(launch_data(await run.view(), []))} >= {"loss         0.12", "on.ep\\x1bch  3"}


async def test_the_agents_token_reaches_no_run_under_another_name(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, code, told = str.__str__(server.tokens["ann"]), tmp_path / "code", tmp_path / "told.json"
    monkeypatch.setenv("LAUNCHKIT_TOKEN", token)
    monkeypatch.setenv("COPY", f'{{"token": "{token}"}}')
    config = tmp_path / "launch-config.yaml"
    settings = {
        "backend": server.url,
        "entity": "test",
        "queues": ["copies"],
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
        "policy": {"env_from_agent": ["COPY"], "macros_from_env": ["COPY"]},
    }
    config.write_text(json.dumps(settings))
    code.mkdir()
    tell = "import json, os; open(os.environ['TELL'], 'w').write(json.dumps(dict(os.environ)))"
    (code / "train.py").write_text(tell)
    async with launchkit.connect(server.url, entity="test") as client:
        given = {"inherit_env": False, "env": ["COPY", "MADE=${COPY}", "PATH"]}
        await client.create_queue("copies", resource="local-process", config=given)
        async with Agent(load_settings(config).settings):
            entry = [sys.executable, "train.py"]
            own = {"TELL": str(told), "COPY": None}
            run = await client.launch("copies", uri=str(code), entry_point=entry, env=own)
            assert (await run.wait()).state is ItemState.FINISHED
    found = json.loads(told.read_text())
    assert "PATH" in found
    assert "COPY" not in found
    assert token not in told.read_text()


async def _nowhere(token: str, client: launchkit.Client, folder: Path) -> None:
    """Not in what the queue tells of the launch, nor in a file of the agent or the database."""
    assert token not in repr(await client.launches())
    holding = [
        path for path in folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert holding == []


async def test_an_agent_works_with_a_token_bound_to_its_queue_beside_a_dead_one_of_another_name(
    server: Served, client: launchkit.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_of(server.database_url)
    await client.create_queue("own", resource="local-process")
    async with database.opened():
        made = await database.write(CreateAgentToken("box", "test", ["own"], "ann"))
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(made.secret))
    state = tmp_path / "box"
    (state / "agents").mkdir(parents=True)
    (state / "agents" / "somebody.lock").touch()
    flags = {
        "backend": server.url,
        "entity": "test",
        "name": "box",
        "queues": ["own"],
        "state_dir": str(state),
        "cache_dir": str(tmp_path / "cache"),
    }
    async with Agent(load_settings(flags=flags).settings):
        code = tmp_path / "small"
        code.mkdir()
        (code / "train.py").write_text("print(1)")
        entry = [sys.executable, "train.py"]
        run = await client.launch("own", uri=str(code), entry_point=entry)
        assert (await run.wait()).state is ItemState.FINISHED
