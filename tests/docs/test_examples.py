"""Each command in the documentation is run, and each of its YAML examples is loaded.

The words after the language of a fenced block say what it is: `yaml launch-config`, `yaml queue`,
`yaml queues`, `yaml variables`, `yaml spec`; `file=NAME` writes it for the page's commands, or for
another test. A `console` block holds commands after `$ `, and what they print: `…` stands for any
text, alone on a line for any lines. A comment `# exit code N` tells of a command that fails. One
that ends with `&` goes on until the end of the page, and has begun when it prints something.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_docker.options.parsing import parse_options
from shared import in_use
from waiting import PATIENCE

from launchkit.builtin.local_process.args import parse_args
from launchkit.cli.launch_file import with_flags
from launchkit.cli.queue_file import wanted_queues
from launchkit.document import Document, parse_documents, parse_mapping, require_mapping
from launchkit.resolving.templates import check_template, fill_template
from launchkit.resolving.variables import parse_variables
from launchkit.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
END = "@end@"
WANT_DOCKER = {"gpu-workstation.md"}
IMAGES = "launchkit/digits:"
PORT = ":8700"
BEGIN = """exec 2>&1 </dev/null
finish() { for job in $(jobs -p | tac); do kill $job; wait $job; done; }
trap finish EXIT
"""
BACKGROUND = """{command} > .output-{number} 2>&1 &
until [ -s .output-{number} ]; do kill -0 $! || break; sleep 0.1; done
cat .output-{number}
"""
CHECKS = {"local-process": parse_args, "docker": parse_options}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, its text, and where it stands."""

    language: str
    words: tuple[str, ...]
    text: str
    place: str

    @property
    def file(self) -> str | None:
        names = (word.removeprefix("file=") for word in self.words if word.startswith("file="))
        return next(names, None)


@dataclass(frozen=True)
class Command:
    """A command, its exit code, and the lines that it prints, if they are shown."""

    text: str
    code: int
    lines: tuple[str, ...]
    place: str


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match[1], tuple(match[2].split()), match[3], f"{name_of(page)}:{line}")


def commands(block: Block) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        text, *lines = part.rstrip("\n").split("\n")
        while text.endswith("\\"):
            text += "\n" + lines.pop(0)
        code = re.search(r"# exit code (\d+)$", text)
        yield Command(text, int(code[1]) if code else 0, tuple(lines), block.place)


def matches(shown: Sequence[str], printed: Sequence[str]) -> bool:
    lines = ["(?:.*\n)*" if line.strip() == "…" else pattern(line) for line in shown]
    text = "".join(f"{line.rstrip()}\n" for line in printed)
    return re.fullmatch("".join(lines), text) is not None


def pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split("…")) + "\n"


YAML = {page: [b for b in blocks(page) if b.language == "yaml"] for page in PAGES}
CONSOLE = {page: [b for b in blocks(page) if b.language == "console"] for page in PAGES}


@pytest.mark.parametrize("page", [page for page in PAGES if YAML[page]], ids=name_of)
def test_the_yaml_of_a_page_can_be_loaded(page: Path, tmp_path: Path) -> None:
    for block, following in pairwise([*YAML[page], None]):
        assert block is not None
        kind = block.words[0] if block.words else None
        if kind in {"file=launch-config.yaml", "file=jobd.yaml"}:  # test_plugin installs theirs
            continue
        if kind == "queues":
            assert wanted_queues(parse_documents(block.text, block.place))
            continue
        document = parse_mapping(block.text, block.place)
        if kind == "launch-config":
            (tmp_path / "launch-config.yaml").write_text(block.text)
            load_settings(tmp_path / "launch-config.yaml", environ={"HOME": str(tmp_path)})
        elif kind == "spec":
            assert with_flags(document, {})[1] == []
        elif kind == "queue":
            text = following.text if following and following.words[0] == "variables" else ""
            check_queue(block.words[1], document, parse_mapping(text, block.place))
        else:
            assert kind == "variables", f"{block.place}: say what this block is"


def check_queue(kind: str, config: Document, definitions: Document) -> None:
    """Do as when a queue is made, and when a launch sets the least of all that it can set."""
    variables = parse_variables(require_mapping(definitions), definitions.locate)
    data = require_mapping(config)
    check_template(data, variables, config.locate)
    values = {
        name: variable.enum[0] if variable.enum else variable.minimum or 0
        for name, variable in variables.items()
    }
    CHECKS[kind](fill_template(data, variables, values))


def test_what_is_installed_from_a_clone_is_there() -> None:
    texts = [block.text for page in PAGES for block in blocks(page) if block.language == "text"]
    lines = [line for text in texts for line in text.splitlines() if "pip install ." in line]
    folders = [ROOT / word for line in lines for word in line.split()[2:]]
    assert len(folders) > 3
    assert [folder for folder in folders if not (folder / "pyproject.toml").is_file()] == []


@pytest.fixture
def no_images_left(docker_engine: Engine, python_image: str) -> Iterator[None]:
    """The images that the pages build are removed, if no other test run is at the same page."""
    before = {*docker_engine.images(IMAGES)}
    with in_use("images-of-pages") as is_last:
        yield
        if is_last():
            for name in {*docker_engine.images(IMAGES)} - before:
                docker_engine.remove(name)


@pytest.mark.parametrize("page", [page for page in PAGES if CONSOLE[page]], ids=name_of)
def test_the_commands_of_a_page_do_what_it_says(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if page.name in WANT_DOCKER:
        request.getfixturevalue("no_images_left")
    port = free_port()
    for block in blocks(page):
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text.replace(PORT, port))
    typed = [command for block in CONSOLE[page] for command in commands(block)]
    script = "".join(f"{run(n, command)}\necho {END} $?\n" for n, command in enumerate(typed))
    done = subprocess.run(
        ["bash", "-c", f"{BEGIN}{script}"],
        cwd=tmp_path,
        env={**environ(tmp_path), "LAUNCHKIT_SERVER_PORT": port[1:]},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    printed = done.stdout.replace(port, PORT)
    *outputs, _ = re.split(rf"^{END} (\d+)\n", printed, flags=re.MULTILINE)
    for command, printed, code in zip(typed, outputs[::2], outputs[1::2], strict=True):
        about = f"{command.place}: $ {command.text}\n{printed}"
        assert int(code) == command.code, about
        assert not command.lines or matches(command.lines, printed.splitlines()), about


def run(number: int, command: Command) -> str:
    """A command for the page's script."""
    if not command.text.endswith(" &"):
        return command.text
    return BACKGROUND.format(command=command.text.removesuffix(" &"), number=number)


def free_port() -> str:
    """The port of a service that a page starts, in the place of the usual one."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f":{one.getsockname()[1]}"


def environ(home: Path) -> dict[str, str]:
    """The environment of somebody who has installed launchkit and set up git."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "COLUMNS": "100",
        "LANG": "C.UTF-8",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.com" for who in ("AUTHOR", "COMMITTER")},
    }
