"""What others have written, on a real terminal: it is shown, and does nothing."""

import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
import termios
import tracemalloc
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.conftest import Program

from launchkit import errors
from launchkit.cli.log_text import LogText
from launchkit.observe import formatter_for
from launchkit.plain_text import visible, visible_json, visible_line

COLOUR = "\x1b[38;5;196m"
HOSTILE = (
    f"\x1b]0;owned\x07\x1b[2J{COLOUR}\x9b1m\x85\x7f\x00\u202e\u2066\u200b\ufeff\u2028"
    "\nFORGED\rFORGED"
)
STYLES = re.compile(r"\x1b\[[0-9;]*m")
KEPT = frozenset({"kind", "code", "resource", "type", "entry_point", "digest", "state"})
"""Keys of stored JSON that have words of launchkit's own."""


TEXTS = (
    *(("item", name) for name in ("author", "agent", "ref", "message", "stop_reason")),
    ("event", "actor"),
    ("event", "cause"),
    ("job_version", "author"),
)
DATA = (
    *(("item", name) for name in ("spec", "verdict", "resolved")),
    ("job_version", "recipe"),
    ("agent", "status"),
)
"""Columns that people, runs and agents fill, with text and with JSON."""


def on_a_terminal(folder: Path, *words: str) -> str:
    """What a program prints to a terminal of many columns, on stdout and stderr."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (50, 5000))
    around = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=around
    ):
        os.close(theirs)
        return b"".join(iter(lambda: _read(ours), b"")).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        os.close(terminal)
        return b""


def require_harmless(shown: str) -> None:
    """There is nothing in it that a terminal obeys, and no line that others have begun."""
    assert COLOUR not in shown
    lines = STYLES.sub("", shown).replace("\r\n", "\n").split("\n")
    unseen = {char for line in lines for char in line if unicodedata.category(char) in UNSEEN}
    assert unseen == set()
    assert not [line for line in lines if line.startswith("FORGED")]


UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def poisoned(value: Any) -> Any:
    """Some JSON with hostile words in all its texts, and one more key in each mapping."""
    if isinstance(value, dict):
        return {k: v if k in KEPT else poisoned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return value + HOSTILE.replace("\0", "") if isinstance(value, str) else value


def poison(path: Path) -> None:
    """Put hostile words into each field of the queue's file that people, runs and agents fill."""
    hostile = HOSTILE.replace("\0", "")
    more = json.dumps({hostile: hostile})
    with sqlite3.connect(path) as connection:
        for table, column in TEXTS:
            sql = f"update {table} set {column} = coalesce({column}, '') || ?"
            connection.execute(sql, (hostile,))
        for table, column in DATA:
            found = f"select rowid, {column} from {table} where {column} is not null"
            for row, text in connection.execute(found).fetchall():
                new = json.dumps(poisoned(json.loads(text)))
                connection.execute(f"update {table} set {column} = ? where rowid = ?", (new, row))
        pause = json.dumps({"reason": hostile, "by": hostile, "at": 1.0, "until": None})
        connection.execute("update queue set pause = ?", (pause,))
        spec = json.loads(connection.execute("select spec from queue").fetchone()[0])
        spec["config"][hostile] = hostile
        connection.execute("update queue set spec = ?", (json.dumps(spec),))
        aliases = "insert into job_alias select entity, name, ?, version from job_alias"
        connection.execute(aliases, (hostile,))
        (item,) = connection.execute("select id from item where state = 'failed'").fetchone()
        connection.execute("insert or replace into outputs values (?, 1, ?)", (item, more))


@pytest.fixture
def poisoned_queue(queue: Program) -> tuple[Program, str]:
    """A queue in which each field is hostile, and a launch in it."""
    queue("job", "create", "code", queue.code("print(1)"), "-n", "tame")
    run = queue.launch(f"print({HOSTILE!r}); raise SystemExit({HOSTILE!r})")
    queue.work()
    queue.launch("print(2)")
    poison(queue.folder / "queue.db")
    return queue, run


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("ls",),
    ("ls", "-o", "wide"),
    ("show", "RUN"),
    ("show", "RUN", "--resolved"),
    ("logs", "RUN"),
    ("wait", "RUN"),
    ("queue", "list"),
    ("queue", "show", "q"),
    ("job", "list"),
    ("job", "show", "tame"),
    ("agents",),
)


@pytest.mark.parametrize("form", [None, "json", "jsonl", "yaml"])
def test_each_stored_field_is_shown_on_a_terminal_and_does_nothing_there(
    poisoned_queue: tuple[Program, str], form: str | None
) -> None:
    program, run = poisoned_queue
    for command in COMMANDS:
        words = [run if word == "RUN" else word for word in command]
        if form and ("wide" in words or "logs" in words or "--resolved" in words):
            continue
        more = ("-o", form) if form else ()
        shown = on_a_terminal(program.folder, sys.executable, "-m", "launchkit", *words, *more)
        assert "Traceback" not in shown
        assert "error internal" not in shown, shown
        if "logs" in words:  # its lines are the run's, and so are their colours
            shown = shown.replace(COLOUR, "").replace("FORGED", "")
        require_harmless(shown)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_what_was_written(poisoned_queue: tuple[Program, str], form: str) -> None:
    program, run = poisoned_queue
    read: Callable[[str], Any] = json.loads if form == "json" else yaml.safe_load
    shown = read(program.out("show", run, "-o", form))
    assert HOSTILE.replace("\0", "") in shown["author"]


def test_the_log_of_a_run_is_byte_for_byte_if_that_is_wanted(queue: Program) -> None:
    run = queue.launch(r"import sys; sys.stdout.buffer.write(b'\x1b[2J\xff\x07\n')")
    queue.work()
    words = (sys.executable, "-m", "launchkit", "logs", run)
    assert "\x1b" not in on_a_terminal(queue.folder, *words)
    assert queue("logs", run).stdout_bytes == b"\x1b[2J\xff\x07\n"
    raw = subprocess.run([*words, "--raw"], cwd=queue.folder, capture_output=True, check=True)
    assert raw.stdout == b"\x1b[2J\xff\x07\n"


ERRORS = sorted(
    (
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.LaunchkitError)
    ),
    key=lambda cls: cls.__name__,
)
RAISE = """
import sys, click
from launchkit import errors
from launchkit.cli.failures import reported
text = sys.argv[2]
with click.Context(click.Command("x")), reported():
    kind = getattr(errors, sys.argv[1], RuntimeError)
    raise kind(text)
"""


@pytest.mark.parametrize("kind", [*(cls.__name__ for cls in ERRORS), "RuntimeError"])
def test_each_error_is_shown_on_a_terminal_and_does_nothing_there(
    tmp_path: Path, kind: str
) -> None:
    text = HOSTILE.replace("\0", "")
    shown = on_a_terminal(tmp_path, sys.executable, "-c", RAISE, kind, text)
    assert "\\x1b" in shown
    require_harmless(shown)


def test_a_file_with_a_hostile_name_is_named_in_one_line(queue: Program) -> None:
    folder = Path(queue.code("print(1)"))
    os.mkfifo(folder / HOSTILE.replace("\0", ""))
    words = ("launch", "-q", "q", "-u", str(folder), "-E", "python train.py")
    said = queue(*words, code=4).stderr
    require_harmless(said)
    (line,) = [line for line in said.splitlines() if "FORGED" in line and "hint" not in line]
    assert line.startswith("error rejected")


def test_what_the_log_says_to_a_command_does_nothing_on_its_terminal(
    queue: Program, repository: str
) -> None:
    work = Path(repository.removeprefix("file://")).rename(queue.folder / "odd\x9b1m\u202e")
    (work / "train.py").write_text("changed")
    queue_url = f"sqlite:///{queue.folder}/queue.db"
    words = ("launch", "-q", "q", "-u", f"file://{work}", "-E", "true", "--backend", queue_url)
    shown = on_a_terminal(queue.folder, sys.executable, "-m", "launchkit", *words)
    assert "uncommitted changes" in shown
    require_harmless(shown)


def test_a_line_of_the_log_is_one_line_whatever_is_in_it() -> None:
    form = formatter_for("human", None)
    record = logging.LogRecord("launchkit", logging.INFO, "", 1, HOSTILE, (), None)
    shown = form.format(record)
    require_harmless(shown)
    assert "\n" not in shown
    wrong = ValueError(HOSTILE)
    record = logging.LogRecord("launchkit", 20, "", 1, "x", (), (ValueError, wrong, None))
    require_harmless(form.format(record))


def test_what_is_seen_as_itself_stays_and_all_else_is_written_out() -> None:
    assert visible("a\x1b[31mb\tc\nd\x00é\u202e🙂") == "a\\x1b[31mb\tc\nd\\x00é\\u202e🙂"
    assert visible_line("a\n\tb\ud800") == "a\\n\\tb\\ud800"
    seen = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in UNSEEN and char not in seen:
            assert visible_line(char).isascii(), hex(code)


def test_json_means_the_same_with_all_of_it_written_out() -> None:
    data = {HOSTILE: [HOSTILE, "\U000e0041", "é"]}
    shown = visible_json(json.dumps(data, ensure_ascii=False, indent=2))
    assert json.loads(shown) == data
    require_harmless(shown)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_terminal_is_shown_the_text_and_the_colours_of_a_log_however_it_is_cut(step: int) -> None:
    printed = "é\x1b[1;31mred\x1b[0m\x1b[2K\r\n10%\r20%\r\r\nend\x1b[38:2::1:2:3m\x9d\x1b".encode()
    log = LogText()
    parts = [log.feed(printed[at : at + step]) for at in range(0, len(printed), step)]
    assert as_seen("".join([*parts, log.end()])) == as_seen(
        "é\x1b[1;31mred\x1b[0m\\x1b[2K\n10%\n20%\nend\x1b[38:2::1:2:3m\\x9d\\x1b\x1b[0m"
    )


def test_carriage_returns_without_end_take_no_more_room_than_a_piece_of_them() -> None:
    log, piece = LogText(), b"\r" * 2**16
    tracemalloc.start()
    shown = [log.feed(piece) for _ in range(64)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(piece)
    assert "".join([*shown, log.feed(b"\nend")]) == "\nend"


def as_seen(shown: str) -> list[tuple[str, frozenset[str]]]:
    """Each character with the looks that are on, as a simple terminal has them."""
    seen: list[tuple[str, frozenset[str]]] = []
    on: frozenset[str] = frozenset()
    for look, text in re.findall(r"\x1b\[([0-9;:]*)m|([^\x1b]+)", shown):
        if text:
            seen += [(char, on) for char in text]
        else:
            on = on | {*look.split(";")} if look.strip("0") else frozenset()
    assert not on
    return seen


@pytest.mark.parametrize(
    ("printed", "begin"),
    [
        ("\x1b[30;40m", "\x1b[30m\x1b[40m"),
        ("\x1b[31m\x1b[0001m\x1b[32m", "\x1b[1m\x1b[32m"),
        ("\x1b[38;5;8;48;2;1;2;3;58:2::8:8:8m", "\x1b[38;5;8m\x1b[48;2;1;2;3m\x1b[58:2::8:8:8m"),
        ("\x1b[1;4;31m\x1b[22;39m", "\x1b[4m"),
        ("\x1b[4:3m\x1b[28m", "\x1b[4:3m"),
        ("\x1b[31;;3m", "\x1b[3m"),
        ("\x1b[31m\x1b[m", ""),
        (f"\x1b[31;{'0' * 5000}m", ""),
    ],
)
def test_each_piece_of_a_log_leaves_a_terminal_without_colours_and_begins_with_those_that_are_on(
    printed: str, begin: str
) -> None:
    """Whoever shows it may be stopped between two of them, and for ever."""
    log = LogText()
    assert log.feed(f"{printed}x".encode()) == f"{printed}x\x1b[0m"
    again = log.feed(b"y")
    looks = sorted(re.findall(r"\x1b\[[0-9;:]*m", again.partition("y")[0]))
    assert looks == sorted(re.findall(r"\x1b\[[0-9;:]*m", begin))
    assert again.endswith("y\x1b[0m" if begin else "y")
    assert log.feed(b"") + log.end() == ""


def test_the_colours_that_are_on_are_few_however_many_there_were() -> None:
    log = LogText()
    log.feed("".join(f"\x1b[{code}m" for code in range(110)).encode())
    log.feed("".join(f"\x1b[38;2;{at % 256};{at // 256};1m" for at in range(60_000)).encode())
    assert len(log.feed(b"x")) < 200


@pytest.mark.parametrize(
    "hidden",
    [
        "8",
        "08",
        "0;8",
        "38;8",
        "38;5;1;8",
        "38:5:1;8",
        "38;5;8;8",
        "8:1",
        "38;2;1;8",
        "48;5;;8",
        "58;5;8",
    ],
)
def test_no_run_conceals_what_stands_on_a_terminal(hidden: str) -> None:
    """Also not in a way that terminals read differently."""
    log = LogText()
    assert log.feed(f"\x1b[{hidden}m".encode()) + log.end() == f"\\x1b[{hidden}m"


@pytest.mark.parametrize(
    "colour",
    ["", "0", "1;31", "01;38;5;8", "38;2;8;8;8;48;5;8", "4:3;58:2::8:8:8", "97;107;7", ";"],
)
def test_the_colours_that_programs_use_are_shown(colour: str) -> None:
    log = LogText()
    assert log.feed(f"\x1b[{colour}mx".encode()) == f"\x1b[{colour}mx\x1b[0m"


def test_what_launchkit_says_beside_a_log_is_seen_whatever_colours_the_run_has_left(
    queue: Program,
) -> None:
    dark = "\\x1b[8m\\x1b[40;30m"
    code = queue.code(f"print('{dark}and so', end='', flush=True); raise SystemExit(3)")
    entry = f"{sys.executable} -u train.py"
    words = ("launch", "-q", "q", "-u", code, "-E", entry, "--logs")
    with queue.start("agent", "-q", "q") as agent:
        shown = on_a_terminal(queue.folder, sys.executable, "-m", "launchkit", *words)
        agent.terminate()
        agent.communicate()
    assert r"\x1b[8m" in shown, "what conceals is written out"
    _, printed, said = shown.partition("and so")
    assert printed
    begin, own, _ = said.partition("\r\n")
    assert own, "a line of launchkit's own ends the run's line"
    assert {*begin.split("\x1b[0m")} == {""}, "and its colours"
    styles = STYLES.findall(said.partition("exit code 3")[0])
    assert {*styles} <= {"\x1b[0m", "\x1b[1m"}, "the only other one is launchkit's own"
