"""A plugin from outside works without a line of the core changed, and breaks nothing unused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import launchkit
from launchkit import Agent, Client
from launchkit.abc import Registry
from launchkit.agent.kit import registry_block
from launchkit.errors import ConfigError
from launchkit.model import ItemState
from launchkit.plugins import Plugins
from launchkit.settings import Loaded, load_settings
from launchkit.settings.json_schema import settings_schema

from .conftest import Install
from .made_up import CODE

CONFIG = """\
queues: [moon]
environment: {type: moon}
builder:
  type: moon
  destination: https://sea.crater.example/jobs
  dust-filter: coarse
runners:
  luna: {base: north}
policy:
  moon_hours: 3
"""


@pytest.fixture
def plugins(install: Install) -> Plugins:
    install("moon", CODE)
    return Plugins()


def load(text: str, tmp_path: Path, plugins: Plugins) -> Loaded:
    (tmp_path / "c.yaml").write_text(text)
    flags = {"backend": f"sqlite:///{tmp_path}/queue.db", "state_dir": str(tmp_path / "state")}
    return load_settings(tmp_path / "c.yaml", environ={}, flags=flags, plugins=plugins)


@pytest.fixture
async def client(tmp_path: Path, plugins: Plugins) -> AsyncIterator[Client]:
    async with launchkit.connect(f"sqlite:///{tmp_path}/queue.db", plugins=plugins) as client:
        await client.create_queue("moon", "luna", {"moon": {"exit_code": 0}})
        yield client


async def ended(client: Client, settings: Any, plugins: Plugins, **args: Any) -> Any:
    run = await client.launch("moon", image="img", resource_args=args)
    await Agent(settings, plugins=plugins, exit_when_idle=True).run()
    return (await run.view()).item


async def test_it_works_with_keys_aliases_and_a_policy_of_its_own(
    client: Client, plugins: Plugins, tmp_path: Path
) -> None:
    loaded = load(CONFIG, tmp_path, plugins)
    assert (loaded.warnings, loaded.runner_problems) == ((), {})
    item = await ended(client, loaded.settings, plugins, output="abc")
    assert (item.state, item.resolved["name"]) == (ItemState.FINISHED, f"launchkit-{item.run_id}-1")
    item = await ended(client, loaded.settings, plugins, output="abcd")
    assert item.verdict.code == "rejected"
    assert "longer than policy.moon_hours (3)" in item.verdict.summary


def test_its_registry_is_found_by_the_host_of_the_destination(
    plugins: Plugins, tmp_path: Path
) -> None:
    block = registry_block(load(CONFIG, tmp_path, plugins).settings, plugins)
    assert block is not None
    made = plugins.create(Registry, block.type, block.options())
    assert (made.kind, made.image_ref("t")) == ("moon", "sea.crater.example/jobs:t")


async def test_a_registry_that_lacks_its_environment_says_which(
    plugins: Plugins, tmp_path: Path
) -> None:
    text = CONFIG.replace("environment: {type: moon}\n", "")
    settings = load(text, tmp_path, plugins).settings
    with pytest.raises(ConfigError, match="registry moon needs environment: {type: moon}"):  # noqa: RUF043
        await Agent(settings, plugins=plugins).run()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("dust-filter", "dust-fitler", "c.yaml:6: builder.dust-fitler: unknown key; did you mean"),
        ("moon_hours: 3", "moon_hours: x", "c.yaml:10: policy.moon_hours: Input should be a valid"),
        ("moon_hours", "moon_hour", "c.yaml:10: policy.moon_hour: unknown key; did you mean"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    plugins: Plugins, tmp_path: Path, before: str, after: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(CONFIG.replace(before, after), tmp_path, plugins)


async def test_it_hurts_nobody_while_it_is_not_configured(
    client: Client, plugins: Plugins, tmp_path: Path
) -> None:
    loaded = load("queues: [moon]\nrunners: {moon: {bsae: x}}", tmp_path, plugins)
    assert "c.yaml:2: runners.moon.bsae: unknown key" in loaded.runner_problems["moon"]
    item = await ended(client, loaded.settings, plugins)
    assert item.state is ItemState.QUEUED


def test_editors_know_it(plugins: Plugins) -> None:
    schema = settings_schema(plugins)
    found = schema["$defs"]["builder-moon"]["properties"]["dust-filter"]
    assert found["description"] == "How much dust may get in."
    valid = Draft202012Validator(schema).is_valid
    assert valid({"runners": {"luna": {"base": "x"}}, "policy": {"moon_hours": 1}})
    assert not valid({"runners": {"luna": {}}})
    assert not valid({"builder": {"type": "moon", "dustfilter": "x"}})
