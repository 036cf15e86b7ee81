"""What an agent tells a service of a launch keeps no launch from its end, however much that is."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import launchkit_server.bodies
import pytest
from waiting import PATIENCE

import launchkit
import launchkit.agent.resolution
from launchkit import Agent
from launchkit.errors import Rejected
from launchkit.model import ItemState
from launchkit.settings import load_settings

from .conftest import Served

LONG = {"a": "\x01" * 1_500_000}
MANY = {f"k{number}": [[[[[[[[1]]]]]]]] for number in range(2_000)}


@pytest.fixture
async def client(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[launchkit.Client]:
    """A client, while an agent runs what is launched."""
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(server.tokens["ann"]))
    flags = {"backend": server.url, "entity": "test", "queues": ["q"]}
    flags |= {f"{name}_dir": str(tmp_path / name) for name in ("state", "cache")}
    async with launchkit.connect(server.url, entity="test") as client:
        await client.create_queue("q", resource="local-process")
        async with Agent(load_settings(flags=flags).settings):
            yield client


async def launched(
    client: launchkit.Client, folder: Path, config: dict[str, Any], script: str = "print(1)"
) -> launchkit.LaunchHandle:
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text(script)
    entry = [sys.executable, "train.py"]
    return await client.launch("q", uri=str(folder / "code"), entry_point=entry, config=config)


@pytest.mark.parametrize("config", [LONG, MANY], ids=["long", "many"])
async def test_a_launch_of_very_much_config_ends(
    client: launchkit.Client, tmp_path: Path, config: dict[str, Any]
) -> None:
    run = await launched(client, tmp_path, config)
    with anyio.fail_after(PATIENCE):
        assert (await run.wait()).state.ended


async def test_values_in_each_other_count_each(client: launchkit.Client, tmp_path: Path) -> None:
    config = {f"k{number}": [[[[[[[[1]]]]]]]] for number in range(10_000)}
    with pytest.raises(Rejected, match="20000 values"):
        await launched(client, tmp_path, config)


async def test_a_run_of_which_no_more_can_be_told_can_be_stopped(
    client: launchkit.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await launched(client, tmp_path, {"a": [1] * 300}, "import time; time.sleep(1000)")
    with anyio.fail_after(PATIENCE):
        await run.wait_until(ItemState.RUNNING)
        monkeypatch.setattr(launchkit_server.bodies, "MOST_VALUES", 200)
        await run.stop(now=True)
        assert (await run.wait()).state.ended


async def test_a_launch_of_which_more_is_told_than_a_service_takes_fails_with_why(
    client: launchkit.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit.agent.resolution, "MOST_BYTES", 2**40)
    run = await launched(client, tmp_path, LONG)
    with anyio.fail_after(PATIENCE):
        assert (await run.wait()).state is ItemState.FAILED
    assert "its queue refuses it: a body here has at most" in str(run.item.message)
