"""The pages of the documentation: their fenced blocks, and what their commands do.

The words after the language of a fenced block say what it is: `yaml launch-config`, `yaml queue`,
`yaml queues`, `yaml variables`, `yaml spec`, `yaml object` (of a cluster); `file=NAME` writes it
for the page's commands, or for another test. A `console` block holds commands after `$ `, and what
they print: `…` stands for any text, alone on a line for any lines. A comment `# exit code N` tells
of a command that fails. One that ends with `&` goes on until the end of the page, and has begun
when it prints something.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from waiting import PATIENCE

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
END = "@end@"
BEGIN = """exec 2>&1 </dev/null
finish() { for job in $(jobs -p | tac); do kill $job; wait $job; done; }
trap finish EXIT
"""
BACKGROUND = """{command} > .output-{number} 2>&1 &
until [ -s .output-{number} ]; do kill -0 $! || break; sleep 0.1; done
cat .output-{number}
"""


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


def write_files(page: Path, folder: Path, replaced: Mapping[str, str]) -> None:
    """Write the files that a page names, with some words replaced."""
    for block in blocks(page):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(with_words(block.text, replaced))


def type_commands(
    typed: Sequence[Command],
    folder: Path,
    replaced: Mapping[str, str],
    more_environ: Mapping[str, str],
) -> None:
    """Type the commands of a page, with some words replaced, and look at what they print."""
    script = "".join(f"{run(n, command)}\necho {END} $?\n" for n, command in enumerate(typed))
    done = subprocess.run(
        ["bash", "-c", BEGIN + with_words(script, replaced)],
        cwd=folder,
        env={**environ(folder), **more_environ},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    shown = with_words(done.stdout, {theirs: ours for ours, theirs in replaced.items()})
    *outputs, _ = re.split(rf"^{END} (\d+)\n", shown, flags=re.MULTILINE)
    for command, printed, code in zip(typed, outputs[::2], outputs[1::2], strict=True):
        about = f"{command.place}: $ {command.text}\n{printed}"
        assert int(code) == command.code, about
        assert not command.lines or matches(command.lines, printed.splitlines()), about


def commands_of(some: Iterable[Block]) -> Sequence[Command]:
    """What is typed, in order."""
    return [command for block in some if block.language == "console" for command in commands(block)]


def with_words(text: str, replaced: Mapping[str, str]) -> str:
    """A text with some words replaced."""
    for word, other in replaced.items():
        text = text.replace(word, other)
    return text


def run(number: int, command: Command) -> str:
    """A command for the page's script."""
    if not command.text.endswith(" &"):
        return command.text
    return BACKGROUND.format(command=command.text.removesuffix(" &"), number=number)


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
