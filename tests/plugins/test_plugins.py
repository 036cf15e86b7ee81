"""Plugins: found by their entry points, and harmless when broken."""

from dataclasses import fields
from typing import Any

import pytest

from launchkit.abc import Builder, Runner
from launchkit.agent.kit import Kit
from launchkit.cli.lazy import plugin_commands
from launchkit.errors import ConfigError, PluginError, Rejected
from launchkit.model import Launch, Secret
from launchkit.plugins import BUILT_IN, PluginInfo, Plugins
from launchkit.testing import make_submission

from .conftest import Install

RUNNER = """
from dataclasses import dataclass
from launchkit.abc import Runner
from launchkit.hookspecs import hookimpl

@dataclass(kw_only=True)
class SlurmRunner(Runner):
    kind = "slurm"
    aliases = ("sbatch",)
    partition: str = "gpu"

    async def submit(self, submission):
        raise AssertionError

@hookimpl
def launchkit_runners():
    return [SlurmRunner]
"""


@pytest.fixture
def launch() -> Launch:
    return make_submission("sh").launch


def info(plugins: Plugins, name: str) -> PluginInfo:
    return next(info for info in plugins.infos() if info.name == name)


def test_built_ins_come_in_by_the_same_door() -> None:
    infos = Plugins(entry_points=False).infos()
    assert [(info.name, info.source, info.error) for info in infos] == [
        (name, "built-in", None) for name in BUILT_IN
    ]


def test_a_distribution_is_found_by_its_entry_point(install: Install) -> None:
    install("slurm", RUNNER)
    plugins = Plugins()
    found = info(plugins, "slurm")
    assert (found.version, found.source, found.kinds) == (
        "1.2",
        "launchkit-slurm",
        ("runner slurm",),
    )
    assert plugins.get(Runner, "slurm") is plugins.get(Runner, "sbatch")


def test_a_components_fields_are_its_settings(install: Install) -> None:
    install("slurm", RUNNER)
    plugins = Plugins()
    made = plugins.create(Runner, "slurm", {"partition": "cpu"})
    assert vars(made) == {"partition": "cpu"}
    with pytest.raises(ConfigError, match="partitoin: unknown key; did you mean 'partition'"):
        plugins.create(Runner, "slurm", {"partitoin": "cpu"})


@pytest.mark.parametrize(
    "code", ["import nothing_of_that_name", "1 / 0", "def launchkit_runners(: pass"]
)
def test_a_broken_plugin_is_named_with_its_distribution_and_stops_no_other(
    install: Install, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    install("broken", code)
    install("slurm", RUNNER)
    plugins = Plugins()
    assert info(plugins, "broken").error
    assert "plugin broken of launchkit-broken is left out" in caplog.text
    assert "slurm" in plugins.classes(Runner)


def test_a_broken_plugin_is_the_reason_why_its_kind_is_missing(install: Install) -> None:
    install("broken", "1 / 0")
    with pytest.raises(PluginError, match="plugin broken is broken: ZeroDivisionError"):
        Plugins().get(Builder, "broken")


def test_two_classes_of_one_kind_are_an_error(install: Install) -> None:
    install("slurm", RUNNER)
    install("other", RUNNER)
    with pytest.raises(PluginError, match="two classes answer to it") as error:
        Plugins().get(Runner, "slurm")
    assert "LAUNCHKIT_BLOCK_PLUGINS" in str(error.value.hint)


def test_a_blocked_plugin_is_listed_but_not_used(install: Install) -> None:
    install("slurm", RUNNER)
    plugins = Plugins(environ={"LAUNCHKIT_BLOCK_PLUGINS": "slurm, noop"})
    assert {i.name for i in plugins.infos() if i.error == "blocked"} == {"slurm", "noop"}
    assert "slurm" not in plugins.classes(Runner)


def test_hook_calls_can_be_traced(capsys: pytest.CaptureFixture[str]) -> None:
    plugins = Plugins(entry_points=False, environ={"LAUNCHKIT_TRACE_PLUGINS": "1"})
    plugins.classes(Runner)
    assert "launchkit_runners" in capsys.readouterr().err


def test_a_kind_that_nobody_serves_is_explained() -> None:
    plugins = Plugins(entry_points=False)
    with pytest.raises(PluginError, match="runner 'kubernetes' is not installed") as missing:
        plugins.get(Runner, "kubernetes")
    assert "pip install launchkit-kubernetes" in str(missing.value.hint)
    with pytest.raises(PluginError, match="there is no runner 'local-proces'") as typo:
        plugins.get(Runner, "local-proces")
    assert typo.value.hint == "did you mean 'local-process'?"


HOOKS = """
from launchkit.hookspecs import hookimpl

@hookimpl
def launchkit_check(launch):
    {check}

@hookimpl
def launchkit_env(launch):
    {env}

@hookimpl
def launchkit_commands(group):
    raise SystemExit("a bug")
"""


def kit(plugins: Plugins) -> Kit:
    """One in which the plugins alone count."""
    nothing: dict[str, Any] = dict.fromkeys(one.name for one in fields(Kit))
    return Kit(**{**nothing, "plugins": plugins})


def ask(plugins: Plugins, launch: Launch) -> dict[str, str]:
    kit(plugins).check(launch)
    return kit(plugins).env(launch)


def test_a_hook_that_has_nothing_to_say_says_nothing(install: Install, launch: Launch) -> None:
    install("quiet", HOOKS.format(check="return None", env="return None"))
    assert ask(Plugins(), launch) == {}


def test_a_secret_that_a_hook_gives_stays_one(install: Install, launch: Launch) -> None:
    env = "from launchkit.model import Secret; return {'TOKEN': Secret('x')}"
    install("secret", HOOKS.format(check="return []", env=env))
    assert isinstance(ask(Plugins(), launch)["TOKEN"], Secret)


@pytest.mark.parametrize("check", ["return ['too big']", "yield 'too big'", "return 'too big'"])
def test_an_objection_rejects_however_it_is_given(
    install: Install, launch: Launch, check: str
) -> None:
    install("strict", HOOKS.format(check=check, env="return {}"))
    with pytest.raises(Rejected, match=r"^too big$"):
        ask(Plugins(), launch)


@pytest.mark.parametrize(
    ("check", "env", "problem"),
    [
        ("yield 1 / 0", "return {}", "launchkit_check failed: ZeroDivisionError"),
        ("return [3]", "return {}", "launchkit_check failed: TypeError.*3 is no text"),
        ("return 3", "return {}", "launchkit_check failed: TypeError"),
        ("return []", "return {'A': 3}", "launchkit_env failed: TypeError.*the value of A"),
        ("return []", "return 'A=3'", "launchkit_env failed: ValueError"),
        ("return []", "raise SystemExit(3)", "launchkit_env failed: RuntimeError.*sys.exit"),
    ],
)
def test_a_hook_whose_answer_makes_no_sense_is_named(
    install: Install, launch: Launch, check: str, env: str, problem: str
) -> None:
    install("odd", HOOKS.format(check=check, env=env))
    with pytest.raises(PluginError, match=f"plugin odd: {problem}"):
        ask(Plugins(), launch)


def test_a_plugin_that_fails_to_add_its_commands_is_named_and_others_add_theirs(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install("odd", HOOKS.format(check="return []", env="return {}"))
    added = HOOKS.replace('raise SystemExit("a bug")', "group.command('hello')(lambda: None)")
    install("even", added.format(check="return []", env="return {}"))
    assert "hello" in plugin_commands()
    assert "plugin odd: launchkit_commands failed" in caplog.text
