"""Plugins are imported when they are needed."""

import subprocess
import sys
from collections.abc import Sequence
from operator import le
from pathlib import Path

import pytest

import launchkit.sync
from launchkit.abc import Builder, Hub, Runner
from launchkit.catalogue import PACKAGES
from launchkit.errors import PluginError
from launchkit.plugins import BUILT_IN, Plugins

from .conftest import Install

NOT_FOR_USERS = (
    *("launchkit.agent", "launchkit_docker", "launchkit_server", "launchkit.supervision"),
    *("launchkit.model.claims", "launchkit.model.launch", "launchkit.model.watched"),
    *("launchkit.abc.changes", "launchkit.store.agent_changes"),
    *("launchkit.store.backend", "launchkit.store.claims", "launchkit.store.logs"),
    *("launchkit.store.changes", "launchkit.store.people"),
    *("launchkit.resolving.secret_values", "launchkit.resolving.field_bounds"),
    *("launchkit.cli.dry_run", "launchkit.cli.progress", "launchkit.cli.queue_config"),
)
NOT_FOR_A_LIST = (
    *("launchkit.builtin", "launchkit.store.submitting", "launchkit.store.jobs"),
    *("launchkit.resolving.templates", "launchkit.code.", "launchkit.addresses"),
)
NOT_FOR_A_LAUNCH = (
    *("launchkit.builtin.git", "launchkit.builtin.http", "launchkit.builtin.oci"),
    *("launchkit.builtin.local_process.plan", "launchkit.builtin.local_process.rundir"),
)
MAIN = """
import importlib.metadata, sys
importlib.metadata.distributions = None  # to read what each installed package offers is slow
before = {*sys.modules}  # also what other packages have each Python load
from launchkit.cli import cli
cli.main(sys.argv[1:], prog_name="launchkit", standalone_mode=False)
names = [name for name in sys.modules if name not in before]
made = [
    f"{name}:{word}"
    for name in names
    if name.startswith("launchkit")
    for word, value in vars(sys.modules[name]).items()
    if hasattr(value, "__dataclass_fields__") and value.__module__ == name
]
print(*names, *made, sep="\\n", file=sys.stderr)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home, with a queue and settings for an agent."""
    (tmp_path / "launchkit").mkdir()
    (tmp_path / "launchkit" / "launch-config.yaml").write_text(
        "builder: {type: docker}\nrunners: {local-process: {keep: true}}\n"
    )
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("1")
    with launchkit.sync.connect(f"sqlite:///{tmp_path}/queue.db") as client:
        client.create_queue("q", "local-process")
    return tmp_path


def loaded(home: Path, *words: str) -> Sequence[str]:
    """The modules that a command loads, and after them the dataclasses in ours."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words, "--quiet", "--backend", f"sqlite:///{home}/queue.db"],
        env={"XDG_CONFIG_HOME": str(home), "HOME": str(home)}, cwd=home,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("words", "needless", "most"),
    [
        (("ls",), NOT_FOR_A_LIST, (48, 110, 400)),
        (("launch", "-q", "q", "-u", "code", "-E", "true"), NOT_FOR_A_LAUNCH, (72, 143, 440)),
    ],
)
def test_a_short_command_loads_the_queue_and_what_it_does(
    home: Path, words: Sequence[str], needless: tuple[str, ...], most: tuple[int, int, int]
) -> None:
    names = loaded(home, *words)
    dataclasses = [name for name in names if ":" in name]  # each takes a millisecond to make
    ours = [name for name in names if name.startswith("launchkit") and ":" not in name]
    assert "launchkit.store.hub" in ours
    assert [name for name in ours if name.startswith((*NOT_FOR_USERS, *needless))] == []
    numbers = (len(dataclasses), len(ours), len(names) - len(dataclasses))
    assert all(map(le, numbers, most)), numbers


def test_the_table_of_built_ins_says_what_they_offer() -> None:
    for info in Plugins(entry_points=False).infos():
        words = [*info.kinds, *(word for words in info.aliases.values() for word in words)]
        offered = {word.rpartition(" ")[2] for word in words}
        assert offered == {*BUILT_IN[info.name].kinds}


def test_a_kind_that_a_built_in_has_imports_no_foreign_plugin(install: Install) -> None:
    install("broken", "1 / 0")
    plugins = Plugins()
    assert plugins.find(Runner, "local-process")
    assert plugins.find(Hub, "postgresql")
    assert "launchkit_broken" not in sys.modules
    assert not [info for info in plugins._infos.values() if info.error]
    assert plugins.find(Runner, "nobody") is None
    assert [info.name for info in plugins.infos() if info.error] == ["broken"]


OF_A_PACKAGE = """
from launchkit.builtin.noop import NoopBuilder
from launchkit.hookspecs import hookimpl

class Kaniko(NoopBuilder):
    kind = "kaniko"

@hookimpl
def launchkit_builders():
    return [Kaniko]
"""


def test_a_kind_whose_package_is_known_imports_no_other_foreign_plugin(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("one", OF_A_PACKAGE)
    install("broken", "1 / 0")
    monkeypatch.setitem(PACKAGES, "builder", {"kaniko": "launchkit-one"})  # type: ignore[arg-type]
    plugins = Plugins()
    assert plugins.find(Builder, "kaniko") is not None
    assert not [info for info in plugins._infos.values() if info.error]


HOOK_FAILS = """
from launchkit.hookspecs import hookimpl

@hookimpl
def launchkit_runners():
    import nothing_of_that_name

@hookimpl
def launchkit_hubs():
    return []
"""


def test_a_hook_that_fails_leaves_its_plugin_out_and_no_other(install: Install) -> None:
    install("halfway", HOOK_FAILS)
    plugins = Plugins()
    assert "sqlite" in plugins.classes(Hub)
    assert "local-process" in plugins.classes(Runner)
    assert [info.name for info in plugins.infos() if info.error] == ["halfway"]


SAME = """
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.hookspecs import hookimpl

class Other(LocalProcessRunner):
    pass

@hookimpl
def launchkit_runners():
    return [Other]
"""


def test_a_second_class_for_a_built_ins_kind_is_an_error_where_all_are_loaded(
    install: Install,
) -> None:
    install("other", SAME)
    plugins = Plugins()
    assert "local-process" not in plugins.classes(Runner)
    with pytest.raises(PluginError, match="two classes answer to it"):
        plugins.get(Runner, "local-process")


def test_two_plugins_of_one_name_are_two_plugins(install: Install) -> None:
    install("git", "")
    names = [info.name for info in Plugins().infos()]
    assert names.count("git") == 2
