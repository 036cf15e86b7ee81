"""A plugin from outside works without a line of the core changed, and breaks nothing unused."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from launchkit import testing
from launchkit.abc import Registry
from launchkit.agent.kit import registry_block
from launchkit.errors import ConfigError
from launchkit.model import ItemState, QueueItem
from launchkit.plugins import Plugins
from launchkit.settings import Loaded, load_settings
from launchkit.settings.json_schema import settings_schema
from launchkit.testing import OwnHub

from .conftest import Install

CODE = Path(__file__).parent.joinpath("moon", "launchkit_moon.py").read_text()
CONFIG = """\
queues: [moon]
environment: {type: moon}
builder:
  type: moon
  destination: https://sea.crater.example/jobs
  dust-filter: coarse
runners:
  luna: {base: /north}
policy:
  moon_hours: 3
"""


@pytest.fixture
def plugins(install: Install) -> Plugins:
    install("moon", CODE)
    return Plugins()


def load(text: str, tmp_path: Path, plugins: Plugins) -> Loaded:
    (tmp_path / "c.yaml").write_text(text)
    return load_settings(tmp_path / "c.yaml", environ={}, plugins=plugins)


@pytest.fixture
async def hub(plugins: Plugins, tmp_path: Path) -> AsyncIterator[OwnHub]:
    async with testing.hub(folder=tmp_path) as hub:
        await hub.client.create_queue("moon", "luna", {"moon": {}})
        yield hub


async def ended(hub: OwnHub, settings: dict[str, object], **args: object) -> QueueItem:
    run = await hub.client.launch("moon", image="img", entry_point=["true"], resource_args=args)
    await hub.run_agent(**settings)
    return (await run.view()).item


async def test_it_works_with_an_alias_and_a_policy_of_its_own(hub: OwnHub, tmp_path: Path) -> None:
    settings = {"runners": {"luna": {"base": str(tmp_path)}}, "policy": {"moon_hours": 3}}
    item = await ended(hub, settings, hours=3)
    assert (item.state, item.exit_code) == (ItemState.FINISHED, 0)
    item = await ended(hub, settings, hours=4)
    assert item.verdict
    assert item.verdict.code == "rejected"
    assert "more than policy.moon_hours (3)" in item.verdict.summary


def test_its_registry_is_found_by_the_host_of_the_destination(
    plugins: Plugins, tmp_path: Path
) -> None:
    block = registry_block(load(CONFIG, tmp_path, plugins).settings, plugins)
    assert block is not None
    made = plugins.create(Registry, block.type, block.options())
    assert (made.kind, made.image_ref("t")) == ("moon", "sea.crater.example/jobs:t")


async def test_a_registry_that_lacks_its_environment_says_which(hub: OwnHub) -> None:
    builder = {"type": "moon", "destination": "https://sea.crater.example/jobs"}
    with pytest.raises(ConfigError, match="registry moon needs environment: {type: moon}"):  # noqa: RUF043
        await hub.run_agent(builder=builder)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("dust-filter", "dust-fitler", "c.yaml:6: builder.dust-fitler: unknown key; did you mean"),
        ("moon_hours: 3", "moon_hours: x", "c.yaml:10: policy.moon_hours: must be a"),
        ("moon_hours", "moon_hour", "c.yaml:10: policy.moon_hour: unknown key; did you mean"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    plugins: Plugins, tmp_path: Path, before: str, after: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(CONFIG.replace(before, after), tmp_path, plugins)


async def test_it_hurts_nobody_while_it_is_not_configured(
    hub: OwnHub, plugins: Plugins, tmp_path: Path
) -> None:
    await hub.client.create_queue("here", "local-process")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "run.sh").write_text("exit 0\n")
    other = await hub.client.launch(
        "here", uri=str(tmp_path / "code"), entry_point=["sh", "run.sh"]
    )
    assert (await ended(hub, {})).state is ItemState.QUEUED
    assert (await other.view()).item.state is ItemState.FINISHED


def test_a_setting_that_is_wrong_is_a_problem_of_its_own_runs_alone(
    plugins: Plugins, tmp_path: Path
) -> None:
    loaded = load("queues: [moon]\nrunners: {moon: {bsae: x}}", tmp_path, plugins)
    assert "c.yaml:2: runners.moon.bsae: unknown key" in loaded.runner_problems["moon"]


def test_editors_know_it(plugins: Plugins) -> None:
    schema = settings_schema(plugins)
    found = schema["$defs"]["builder-moon"]["properties"]["dust-filter"]
    assert found["description"] == "How much dust may get in."
    valid = Draft202012Validator(schema).is_valid
    assert valid({"runners": {"luna": {"base": "x"}}, "policy": {"moon_hours": 1}})
    assert not valid({"runners": {"luna": {}}})
    assert not valid({"builder": {"type": "moon", "dustfilter": "x"}})
