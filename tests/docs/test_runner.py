"""The runner that the documentation shows works as it stands there."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import anyio
import pytest

from launchkit import Agent, AgentSettings, connect
from launchkit.model import ItemState
from launchkit.plugins import Plugins

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-runner.md"


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    text = PAGE.read_text()
    code = re.search(r"^```python file=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert code
    (tmp_path / code[1]).write_text(code[2])
    return Plugins(loaded(tmp_path / code[1]))


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("command", "state", "exit_code"),
    [("exit 0", ItemState.FINISHED, 0), ("test -f here", ItemState.FINISHED, 0),
     ("exit 3", ItemState.FAILED, 3)],
)  # fmt: skip
async def test_the_runner_reports_how_a_process_ends(
    command: str, state: ItemState, exit_code: int, plugins: Plugins, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "here").touch()
    async with connect(url, plugins=plugins) as client:
        await client.create_queue("q", "background")
        launched = await client.launch(
            "q", uri=str(tmp_path / "code"), entry_point=["sh", "-c", command]
        )
        settings = AgentSettings(backend=url, queues=("q",), state_dir=tmp_path / "state")
        await Agent(settings, plugins=plugins, exit_when_idle=True).run()
        item = (await launched.view()).item
    assert (item.state, item.exit_code) == (state, exit_code)
    assert list((tmp_path / "state" / "background").iterdir()) == []


async def test_the_runner_ends_a_process_that_is_told_to_stop(
    plugins: Plugins, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "here").touch()
    settings = AgentSettings(backend=url, queues=("q",), state_dir=tmp_path / "state")
    async with connect(url, plugins=plugins) as client:
        await client.create_queue("q", "background")
        launched = await client.launch(
            "q", uri=str(tmp_path / "code"), entry_point=["sleep", "600"]
        )
        async with Agent(settings, plugins=plugins):
            with anyio.fail_after(30):
                await launched.wait_until(ItemState.RUNNING)
                await launched.stop("enough")
                item = await launched.wait()
    assert item.state is ItemState.STOPPED
