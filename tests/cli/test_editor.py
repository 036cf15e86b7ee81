"""A person's editor may be anything, and what was typed in it is not lost."""

import re
import sys
from pathlib import Path

import pytest
from cli.conftest import Program

WRITES = "#!/bin/sh\nprintf '%s' > \"$1\"\n"


@pytest.fixture
def queue(program: Program) -> Program:
    program("queue", "create", "q", "-r", "local-process")
    return program


@pytest.fixture(autouse=True)
def _drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)


def left(folder: Path) -> list[Path]:
    return list(folder.glob("launchkit-*.yaml"))


def script(program: Program, text: str) -> str:
    path = Path(program.file("an editor", text))
    path.chmod(0o700)
    return f"'{path}'"


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ('vim "', "is no command: No closing quotation"),
        ("no-such-editor --wait", "no-such-editor --wait: Editing failed: [Errno 2]"),
        ("  ", "Editing failed"),
        ("false", "false: Editing failed"),
        ("rm", "it has left no file at "),
    ],
)
def test_an_editor_that_cannot_be_used_is_told_by_the_variable_that_names_it(
    queue: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    editor: str,
    said: str,
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv(variable, editor)
    (error, hint) = queue("queue", "edit", "q", code=3).stderr.splitlines()
    assert error.startswith(f"error config_invalid  ${variable}: ")
    assert said in error
    assert "$VISUAL or $EDITOR" in hint
    assert left(tmp_path) == []


def test_a_text_that_is_not_utf_8_can_be_corrected_and_is_not_lost(
    queue: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = "path = __import__('pathlib').Path(sys.argv[1])\n"
    how += "wrong = 'env: {A: café}'.encode('latin-1')\n"
    how += "is_wrong = path.read_bytes() == b'config: ' + wrong\n"
    how += "path.write_bytes(b'config: {nice: 7}' if is_wrong else b'config: ' + wrong)\n"
    monkeypatch.setenv("EDITOR", f"{sys.executable} {queue.file('e.py', 'import sys;' + how)}")
    said = queue("queue", "edit", "q", stdin="y\n").stderr
    assert "is not UTF-8 text (byte " in said
    assert queue.data("queue", "show", "q")["config"] == {"nice": 7}
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "stdin", "code"),
    [
        (WRITES % r"config: caf\351", "n\n", 130),
        (WRITES % "config: [", "n\n", 130),
        (WRITES % "config: {nice: 7}" + "exit 1\n", "", 3),
        (
            WRITES % "config: {nice: 7}"
            + f"{sys.executable} -m launchkit queue edit q --max-concurrent 1\n",
            "",
            6,
        ),
    ],
    ids=["not UTF-8", "not YAML", "the editor fails", "changed meanwhile"],
)
def test_what_was_typed_stays_in_its_file_where_nothing_comes_of_it(
    queue: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    stdin: str,
    code: int,
) -> None:
    monkeypatch.setenv("EDITOR", script(queue, text))
    said = queue("queue", "edit", "q", stdin=stdin, code=code).stderr
    (kept,) = left(tmp_path)
    assert f"what you wrote is kept in {kept}" in said
    assert re.match(rb"config: (caf\xe9|\[|{nice: 7})", kept.read_bytes())
    assert kept.stat().st_mode & 0o077 == 0
    assert queue.data("queue", "show", "q")["config"] == {}


def test_of_a_text_that_is_left_as_it_was_nothing_stays(
    queue: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "touch")
    assert "nothing was changed" in queue("queue", "edit", "q").stderr
    assert left(tmp_path) == []
