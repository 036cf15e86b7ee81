"""The program, run as a user runs it, on a real queue in a file of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from launchkit.cli import cli

WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\nprint('end')"


@dataclass
class Program:
    """Calls the command line: in this process, or as a process of its own."""

    folder: Path
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *words: str, stdin: str | bytes | None = None, code: int = 0) -> Result:
        result = self.runner.invoke(cli, words, input=stdin, prog_name="launchkit")
        assert result.exit_code == code, (result.output, result.exc_info)
        return result

    def out(self, *words: str, code: int = 0) -> str:
        return self(*words, code=code).stdout

    def data(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.out(*words, "-o", "json", code=code))

    def start(self, *words: str, **more: Any) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "launchkit", *words],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
            text=True,
            cwd=self.folder,
        )

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def code(self, script: str) -> str:
        return str(Path(self.file("code/train.py", script)).parent)

    def launch(self, script: str, *more: str, queue: str = "q") -> str:
        """The id of a new launch of a Python script."""
        entry = f"{sys.executable} -u train.py"
        words = ("launch", "-q", queue, "-u", self.code(script), "-E", entry, *more)
        return self.out(*words, "-o", "name").strip()

    def work(self, *options: str) -> None:
        """Run all that waits in queue q."""
        self("agent", "-q", "q", "-j", "-1", "--exit-when-idle", *options)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    for name in ("WANDB_NAME", "LAUNCHKIT_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAUNCHKIT_BACKEND", f"sqlite:///{tmp_path}/queue.db")
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path)


@pytest.fixture
def queue(program: Program) -> Program:
    """The program, with a queue q for local processes."""
    program("queue", "create", "q", "--resource", "local-process")
    return program


@pytest.fixture
def images(program: Program) -> Program:
    """The program, with a queue q for images."""
    program("queue", "create", "q", "--resource", "local-container")
    return program


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """The address of a git repository with a script, and a tag."""
    place = tmp_path / "repository"
    place.mkdir()
    (place / "train.py").write_text("print('from git')")
    identity = {
        f"GIT_{who}_{what}": "me@example.com"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    for words in ("init -q -b main", "add .", "commit -q -m first", "tag v1"):
        subprocess.run(
            ["git", *words.split()], cwd=place, check=True, env={**os.environ, **identity}
        )
    return place.as_uri()


def read_until(process: "subprocess.Popen[str]", wanted: Callable[[str], bool]) -> str:
    """What a process says on stderr, up to the first line that is *wanted*."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if wanted(line):
            return said
    raise AssertionError(f"it ended without that line: {said}")
