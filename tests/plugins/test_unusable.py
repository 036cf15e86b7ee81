"""A word that two plugins claim, or a class that cannot be used, is in the way of nothing else."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cli.conftest import Program, program

from launchkit.abc import Registry, Runner
from launchkit.cli.doctor import findings
from launchkit.errors import ConfigError, PluginError
from launchkit.plugins import Plugins
from launchkit.settings import load_settings, registry_for
from launchkit.settings.json_schema import settings_schema

from .conftest import Install

__all__ = ["program"]

RUNNER = """
from dataclasses import dataclass
from launchkit.abc import Runner
from launchkit.hookspecs import hookimpl

@dataclass(kw_only=True)
class {name}(Runner):
    kind = {kind!r}
    aliases = {aliases!r}
    partition: str = "gpu"

    async def submit(self, submission):
        raise AssertionError

@hookimpl
def launchkit_runners():
    return [{name}]
"""
REGISTRY = """
from dataclasses import dataclass
from launchkit.abc import Registry
from launchkit.hookspecs import hookimpl

@dataclass(kw_only=True)
class Bad(Registry):
    kind = "bad"
    hosts = {hosts}
    uri: str

    def image_ref(self, tag):
        return tag

    async def exists(self, ref):
        return False

@hookimpl
def launchkit_registries():
    return [Bad]
"""
FAILING = """
from dataclasses import dataclass
from launchkit.abc import Builder, Registry, Runner
from launchkit.hookspecs import hookimpl

class Fails:
    @classmethod
    def {method}(cls, *args, **more):
        {statement}

@dataclass(kw_only=True)
class FailingRunner(Fails, Runner):
    kind = "failing"
    token: str = ""

    async def submit(self, submission):
        raise AssertionError

@dataclass(kw_only=True)
class FailingRegistry(Fails, Registry):
    kind = "failing"
    uri: str = ""

    def image_ref(self, tag):
        return tag

    async def exists(self, ref):
        return False

@hookimpl
def launchkit_runners():
    return [FailingRunner]

@hookimpl
def launchkit_registries():
    return [FailingRegistry]
"""
METHODS = [
    "configured", "setting_names", "settings_schema", "shown", "check_args", "args_schema",
    "starter_config", "args_env", "objections", "answers_for",
]  # fmt: skip


@pytest.fixture
def rivals(install: Install) -> None:
    """Two plugins that both claim the words `slurm` and `barge`, each with one of its own."""
    install("one", RUNNER.format(name="One", kind="slurm", aliases=("barge", "first")))
    install("two", RUNNER.format(name="Two", kind="second", aliases=("slurm", "barge")))


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, program: Program) -> Callable[[str], None]:
    """Gives the program a configuration."""

    def write(text: str) -> None:
        monkeypatch.setenv("LAUNCHKIT_CONFIG", program.file("c.yaml", text))

    return write


@pytest.fixture
def queue(program: Program) -> Program:
    program("queue", "create", "q", "-r", "local-process")
    return program


@pytest.mark.usefixtures("rivals")
def test_only_the_words_that_two_claim_are_of_no_use() -> None:
    plugins = Plugins()
    assert {"first", "second", "local-process"} <= plugins.classes(Runner).keys()
    for word in ("slurm", "barge"):
        with pytest.raises(
            PluginError, match=f"runner '{word}': two classes answer to it"
        ) as error:
            plugins.get(Runner, word)
        assert "plugin one (launchkit-one 1.2)" in str(error.value)
        assert "plugin two (launchkit-two 1.2)" in str(error.value)
        assert "LAUNCHKIT_BLOCK_PLUGINS" in str(error.value.hint)


@pytest.mark.usefixtures("rivals")
def test_settings_under_such_a_word_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("runners:\n  slurm: {partition: cpu}\n  first: {partition: cpu}\n")
    loaded = load_settings(path, environ={}, plugins=Plugins())
    assert list(loaded.runner_problems) == ["slurm"]
    assert "c.yaml:2: runners.slurm: runner 'slurm': two classes" in loaded.runner_problems["slurm"]


@pytest.mark.usefixtures("rivals")
def test_the_agent_the_doctor_and_the_check_work_and_tell_of_it(queue: Program) -> None:
    queue("queue", "create", "s", "-r", "local-process")
    item = queue.launch("print(1)")
    queue("agent", "-q", "q", "--exit-when-idle")
    assert queue.data("show", item)["state"] == "finished"
    assert "runner 'slurm': two classes" in queue("config", "check").stderr
    rows = queue.data("doctor")
    [told] = [row for row in rows if "runner 'slurm'" in row["message"]]
    assert (told["level"], told["subject"]) == ("warning", "plugins")
    rows = {row["name"]: row for row in queue.data("plugins")}
    assert any("runner 'barge'" in text for text in rows["one"]["problems"])
    assert rows["one"]["error"] is None
    assert "two classes answer to it" in queue.out("plugins")


@pytest.mark.usefixtures("rivals")
def test_a_queue_of_such_a_kind_is_refused(queue: Program) -> None:
    told = queue("queue", "create", "s", "-r", "slurm", code=3).stderr
    assert "runner 'slurm': two classes answer to it" in told


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ('("[a-z",)', "its hosts have a bad pattern '[a-z'"),
        ('"a.example"', "its hosts are no tuple of texts"),
    ],
)
def test_a_registry_with_bad_hosts_is_of_no_use_alone(
    install: Install, queue: Program, configure: Callable[[str], None], hosts: str, problem: str
) -> None:
    install("bad", REGISTRY.format(hosts=hosts))
    configure("queues: [q]\nbuilder: {type: noop, destination: localhost:1/x}\n")
    item = queue.launch("print(1)")
    queue("agent", "--exit-when-idle")
    assert queue.data("show", item)["state"] == "finished"
    assert f"plugin bad (launchkit-bad 1.2) cannot be used: {problem}" in queue.out("plugins")
    assert problem in queue("config", "check").stderr
    assert problem in queue.out("doctor", code=1)
    with pytest.raises(PluginError, match="registry 'bad' of plugin bad"):
        Plugins().get(Registry, "bad")


@pytest.mark.parametrize("statement", ["raise KeyError('a bug')", "raise SystemExit('a bug')"])
@pytest.mark.parametrize("method", METHODS)
def test_what_fails_to_describe_itself_ends_in_the_tree_with_its_plugins_name(
    install: Install, method: str, statement: str
) -> None:
    install("failing", FAILING.format(method=method, statement=statement))
    plugins = Plugins()
    seam = Registry if method == "answers_for" else Runner
    cls = plugins.get(seam, "failing")  # type: ignore[type-abstract]
    kind = f"{seam.seam} failing of plugin failing \\(launchkit-failing 1.2\\)"
    with pytest.raises(PluginError, match=f"{kind}: {method} failed: .*a bug"):
        getattr(cls, method)({})


@pytest.mark.parametrize(("answer", "told"), [("None", "NoneType"), ("3", "int")])
@pytest.mark.parametrize(
    "method", ["settings_schema", "starter_config", "objections", "args_env", "setting_names"]
)
def test_a_class_that_says_nothing_of_use_is_told(
    install: Install, method: str, answer: str, told: str
) -> None:
    install("failing", FAILING.format(method=method, statement=f"return {answer}"))
    with pytest.raises(PluginError, match=f"{method} failed: TypeError.*it gives {told}, not"):
        getattr(Plugins().get(Runner, "failing"), method)({})  # type: ignore[type-abstract]


@pytest.mark.parametrize("method", METHODS)
def test_agents_and_commands_that_need_it_not_do_not_suffer(
    install: Install, queue: Program, configure: Callable[[str], None], method: str
) -> None:
    install("failing", FAILING.format(method=method, statement="raise KeyError('a bug')"))
    configure("queues: [q]\nbuilder: {type: noop, destination: localhost:1/x}\n")
    item = queue.launch("print(1)")
    queue("agent", "--exit-when-idle")
    assert queue.data("show", item)["state"] == "finished"
    for words in (["plugins"], ["config", "check"], ["config", "show"]):
        queue(*words)
    assert "queue q" in queue.out("doctor", code=1)  # for nothing answers at the destination
    assert settings_schema(Plugins())["properties"]
    found = registry_for("localhost:1/x", Plugins())
    assert found is not None
    assert found.kind == "oci"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("starter_config", ["queue", "template", "failing"]),
        ("check_args", ["queue", "create", "f", "-r", "failing"]),
        ("configured", ["config", "check"]),
        ("setting_names", ["config", "check"]),
    ],
)
def test_a_command_that_needs_it_says_who_failed(
    install: Install,
    queue: Program,
    configure: Callable[[str], None],
    method: str,
    words: list[str],
) -> None:
    install("failing", FAILING.format(method=method, statement="raise KeyError('a bug')"))
    configure("runners:\n  failing: {token: hidden}\n")
    told = queue(*words, code=3).stderr
    assert f"{method} failed: KeyError('a bug')" in told
    assert "plugin failing (launchkit-failing 1.2)" in told
    assert "hidden" not in told
    assert words[0] != "config" or "c.yaml:2: runners.failing" in told


def test_a_setting_of_a_class_that_cannot_tell_its_secrets_is_not_shown(
    install: Install, queue: Program, configure: Callable[[str], None]
) -> None:
    install("failing", FAILING.format(method="shown", statement="raise KeyError('a bug')"))
    configure("runners:\n  failing: {token: hidden}\n")
    assert "hidden" not in queue.out("config", "show")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("raise SystemExit(3)", "sys.exit"),
        ("import sys; sys.exit('no licence')", "sys.exit"),
        ("import pytest; pytest.skip('\\x1b]0;x', allow_module_level=True)", r"it raised \\x1b"),
        ("raise GeneratorExit", "it raised GeneratorExit"),
        ("import asyncio; raise asyncio.CancelledError", "it raised CancelledError"),
        ("raise BaseExceptionGroup('x', [SystemExit()])", "it raised BaseExceptionGroup"),
        ("class E(Exception):\n    __repr__ = None\nraise E", "<E>"),
    ],
)
def test_a_module_that_ends_the_program_is_left_out(
    install: Install, caplog: pytest.LogCaptureFixture, statement: str, told: str
) -> None:
    install("ending", statement)
    assert "local-process" in Plugins().classes(Runner)
    assert "plugin ending of launchkit-ending is left out" in caplog.text
    assert re.search(told, caplog.text)


def test_an_interruption_is_no_fault_of_a_plugin(tmp_path: Path, install: Install) -> None:
    install("interrupted", "raise KeyboardInterrupt")
    program = "from launchkit.plugins import Plugins; Plugins().infos()"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "KeyboardInterrupt" in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("offered", ["[int]", "[object()]", "['runner']", "[None]"])
def test_what_is_no_class_of_the_seam_is_told(install: Install, offered: str) -> None:
    code = f"from launchkit import hookimpl\n@hookimpl\ndef launchkit_runners(): return {offered}\n"
    install("strange", code)
    plugins = Plugins()
    assert "local-process" in plugins.classes(Runner)
    [info] = [one for one in plugins.infos() if one.name == "strange"]
    assert "it is no dataclass derived from launchkit.abc.Runner" in info.problems[0]


ODD = """
from launchkit import hookimpl

class Odd(type):
    @property
    def kind(cls):
        raise {error}("no kind")

class Speechless:
    __repr__ = None

@hookimpl
def launchkit_runners():
    return [{offered}]
"""


@pytest.mark.parametrize(
    ("error", "offered", "told"),
    [
        ("ValueError", "Odd('C', (), {})", "runner \"<class .*C'>\" .*: ValueError\\('no kind'\\)"),
        ("SystemExit", "Odd('C', (), {})", 'runner "<class .*C\'>" .*: RuntimeError.*sys.exit'),
        ("ValueError", "Speechless()", "runner '<Speechless>' .*: TypeError"),
    ],
)
def test_a_class_that_fails_to_say_what_it_is_is_told(
    install: Install, error: str, offered: str, told: str
) -> None:
    install("odd", ODD.format(error=error, offered=offered))
    plugins = Plugins()
    assert "local-process" in plugins.classes(Runner)
    [info] = [one for one in plugins.infos() if one.name == "odd"]
    [problem] = info.problems
    assert re.match(told, problem)
    assert "of plugin odd (launchkit-odd 1.2) cannot be used" in problem


def spoilt(folder: Path, name: str, points: bytes, metadata: bytes) -> None:
    """A distribution, of whatever is in its files."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(points)
    (info / "METADATA").write_bytes(metadata)


@pytest.mark.parametrize(
    ("points", "metadata", "named"),
    [
        (b"[console_scripts]\nx\n", b"Name: other\nVersion: 1.0\n", "? of other"),
        (b"[x]\n\xff = y\n", b"Name: other\nVersion: 1.0\n", "? of other"),
        (b"[x]\n\xff = y\n", b"Name: \xff\n", "? of a distribution in {tmp_path}"),
        (b"[launchkit]\nx = y\n", b"Name: \xff\n", "x of a distribution in {tmp_path}"),
    ],
)
def test_a_distribution_that_cannot_be_read_is_left_out_and_told(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture, points: bytes,
    metadata: bytes, named: str,
) -> None:  # fmt: skip
    install("slurm", RUNNER.format(name="One", kind="slurm", aliases=()))
    spoilt(tmp_path, "other", points, metadata)
    plugins = Plugins()
    assert {"slurm", "local-process"} <= plugins.classes(Runner).keys()
    named = named.format(tmp_path=tmp_path)
    assert f"plugin {named} is left out: its metadata " in caplog.text
    told = next(iter(findings(plugins)))
    assert f"{told.subject} {told.message}".startswith(
        f"plugin {named}: its metadata cannot be read: "
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["agent", "-q", "none", "--exit-when-idle"], "error not_found  there is no queue 'none'"),
        (["server", "--tls-cert", "none"], "error config_invalid  --tls-cert and --tls-key"),
    ],
)
def test_a_distribution_that_cannot_be_read_keeps_no_program_from_its_work(
    tmp_path: Path, words: Sequence[str], told: str
) -> None:
    spoilt(tmp_path, "other", b"[console_scripts]\nx\n", b"Name: other\nVersion: 1.0\n")
    done = subprocess.run(
        [sys.executable, "-m", "launchkit", *words], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path),
             "LAUNCHKIT_BACKEND": f"sqlite:///{tmp_path}/q.db"},
    )  # fmt: skip
    assert told in done.stderr
    assert "plugin ? of other is left out" in done.stderr


def test_what_is_wrong_in_a_distribution_that_names_no_plugin_is_not_looked_at(
    tmp_path: Path, install: Install
) -> None:
    install("slurm", RUNNER.format(name="One", kind="slurm", aliases=()))
    spoilt(tmp_path, "other", b"[x]\ny = z\n", b"Name: \xff\n")
    assert not [one for one in Plugins().infos() if one.error]


def test_of_two_distributions_of_one_name_the_first_counts(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("slurm", RUNNER.format(name="One", kind="slurm", aliases=()))
    older = tmp_path / "older"
    older.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(older)])
    spoilt(older, "old", b"[launchkit]\nold = old\n", b"Name: Launchkit_Slurm\n")
    assert "old" not in [one.name for one in Plugins().infos()]


def test_a_policy_that_needs_a_key_is_asked_only_of_those_who_give_one(
    install: Install, tmp_path: Path
) -> None:
    policy = "@dataclass(frozen=True)\nclass Rules:\n    orbit_hours: int\n    base: str\n\n"
    code = RUNNER.format(name="Orbit", kind="orbit", aliases=())
    code = code.replace("@dataclass", f"{policy}@dataclass", 1)
    install("orbit", code.replace("    partition", "    policy_class = Rules\n    partition"))
    path = tmp_path / "c.yaml"
    path.write_text("policy: {macros_from_env: [HOME]}\n")
    assert load_settings(path, environ={}, plugins=Plugins()).settings
    path.write_text("policy:\n  orbit_hours: 3\n")
    with pytest.raises(ConfigError, match=r"policy\.base: this key is required"):
        load_settings(path, environ={}, plugins=Plugins())


@pytest.mark.usefixtures("rivals")
def test_a_policy_key_that_may_be_for_what_is_left_out_is_told_and_no_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("policy: {orbit_hours: 3}\n")
    loaded = load_settings(path, environ={}, plugins=Plugins())
    told = f"{path}:1: policy.orbit_hours: unknown key; it may be for what is left out: one, two"
    assert told in loaded.warnings
    path.write_text("policy: {secure_mod: true}\n")
    with pytest.raises(ConfigError, match="did you mean 'secure_mode'"):
        load_settings(path, environ={}, plugins=Plugins())
