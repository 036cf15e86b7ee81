"""The types of the facade are those of the async classes."""

import inspect
from pathlib import Path

import pytest
from client.stub import STUB, stub

import launchkit.sync
from launchkit.client.blocking import public

EXAMPLE = """
from collections.abc import Iterator
import launchkit.sync
from launchkit.model import QueueItem

with launchkit.sync.connect("sqlite:////tmp/q.db") as client:
    run: launchkit.sync.LaunchHandle = client.launch("q", image="x")
    lines: Iterator[str] = run.logs(follow=True)
    item: QueueItem = run.wait()
    run = run.requeue()
"""


def test_the_stub_is_current() -> None:
    assert STUB.read_text() == stub(), "write it anew: python tests/client/stub.py"


@pytest.mark.parametrize("cls", [launchkit.Client, launchkit.LaunchHandle, launchkit.QueueHandle])
def test_the_facade_has_each_public_call(cls: type) -> None:
    made = getattr(launchkit.sync, cls.__name__)
    assert [name for name, _ in public(cls) if not hasattr(made, name)] == []
    assert not any(inspect.iscoroutinefunction(value) for value in vars(made).values())


def test_mypy_accepts_an_example_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    file, cache = tmp_path / "example.py", str(tmp_path / "cache")
    options = ["--strict", "--config-file=", "--cache-dir", cache, "--follow-imports=silent"]
    file.write_text(EXAMPLE)
    report, errors, code = api.run([*options, str(file)])
    assert (code, errors) == (0, ""), report
    file.write_text(EXAMPLE.replace("item: QueueItem", "item: str"))
    assert 'variable has type "str"' in api.run([*options, str(file)])[0]
