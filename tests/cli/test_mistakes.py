"""What a person types wrong is told with what was wrong, where, and what to do next."""

from pathlib import Path

import pytest
from cli.conftest import Program

PAGES = Path(__file__).parents[2]

CODE = ("launch", "-q", "q", "-u", "code")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("status", "x"), 2, ("error usage", "no such command 'status'", "Did you mean 'show'?")),
        (("cancel", "x"), 2, ("error usage", "Did you mean 'stop'?")),
        (("ls", "--limt", "3"), 2, ("error usage", "--limt", "--limit", "launchkit ls --help")),
        (("--nope",), 2, ("error usage", "'--nope'", "hint: see launchkit --help")),
        (("launch",), 2, ("error usage", "-j JOB, -d IMAGE or -u URI")),
        ((*CODE,), 2, ("error usage", "-E 'COMMAND'")),
        (("stop", "x", "--now", "--give-up"), 2, ("error usage", "leave --now out")),
        (
            (*CODE, "-E", "python", "train.py", "--epochs", "3"),
            2,
            ("'--epochs'", "put all of that into quotes: -E 'python train.py --epochs 3'"),
        ),
        ((*CODE, "-E", "python", "train.py"), 2, ("train.py", "into quotes: -E")),
        ((*CODE, "-E", "python train.py", "--wiat"), 2, ("'--wiat'", "--wait")),
        ((*CODE, "-E", "python '"), 2, ("-E", "No closing quotation")),
        ((*CODE, "-E", "x", "--env", "A = 1"), 2, ("'A = 1': a name has no spaces", "NAME=VALUE")),
        ((*CODE, "-E", "python ../x.py"), 4, ("../x.py", "out of the code", "without `..`")),
        (("launch", "-q", "q", "-u", "none", "-E", "x"), 4, ("none does not exist", "hint: name")),
        (
            ("launch", "-q", "qq", "-u", "code", "-E", "x"),
            5,
            ("no queue 'qq'", "there are: q", "did you mean 'q'?"),
        ),
        (("launch", "-q", "q", "train.py"), 2, ("Name code with -u", "with -E 'COMMAND'")),
        (
            ("launch", "-q", "q", "-u", "code", "-E", "x", "--set-var", "a=1"),
            4,
            ("no template variables", "launchkit queue edit NAME --template-variables FILE"),
        ),
        (("show", "nothing"), 5, ("no launch 'nothing'", "launchkit ls")),
        (("queue", "create", "p"), 2, ("-r KIND", "local-process")),
        (("queue", "create", "p", "-r", "local-proces"), 3, ("did you mean 'local-process'",)),
        (
            ("queue", "create", "p", "-r", "local-process", "--config", "c.yaml"),
            4,
            ("c.yaml:2: builder.base_imag: unknown key", "did you mean 'base_image'?"),
        ),
        (
            ("queue", "edit", "q", "--config", "d.yaml"),
            4,
            ("d.yaml:1: nicee", "did you mean 'nice'?"),
        ),
        (
            ("queue", "pause", "q"),
            2,
            ("add --reason TEXT (shown to all", "launchkit queue pause --help"),
        ),
        (("show",), 2, ("name a launch by its id or name", "launchkit ls")),
        (("stop",), 2, ("launchkit stop --help",)),
        (("--backend", "mysql://x", "ls"), 3, ("mysql", "sqlite")),
        (("agent", "-q", "a1", "-q", "b1"), 5, ("'a1'", "'b1'", "local-process b1")),
    ],
)
def test_a_mistake_is_told_with_what_to_do_next(
    words: tuple[str, ...], code: int, said: tuple[str, ...], queue: Program
) -> None:
    queue.code("print(1)")
    queue.file("c.yaml", "nice: 5\nbuilder: {base_imag: x}\n")
    queue.file("d.yaml", "nicee: 5\n")
    told = queue(*words, code=code).stderr
    assert [text for text in said if text not in told] == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        (("zzz",), "docs/reference/cli.md"),
        (("ls", "--limt", "3"), "docs/reference/cli.md#launchkit-ls"),
        (("queue", "pause", "q"), "docs/reference/cli.md#launchkit-queue-pause"),
        (("job", "create", "git", "x"), "docs/reference/cli.md#launchkit-job-create-git"),
    ],
)
def test_what_is_typed_wrong_is_told_with_its_page(
    words: tuple[str, ...], page: str, program: Program
) -> None:
    told = program(*words, code=2).stderr.splitlines()
    assert told[0].startswith("error usage  ")
    assert told[-1] == f"  docs: {page}"
    file, _, anchor = page.partition("#")
    heading = f"# `{anchor.replace('-', ' ')}`\n" if anchor else "# Command line\n"
    assert heading in (PAGES / file).read_text()


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("stop", "--all", "-q", "q"), "--yes"),
        (("queue", "edit", "q"), "options"),
        (("apply", "--prune", "-f", "queues.yaml"), "--yes"),
    ],
)
def test_without_input_nothing_is_asked(
    words: tuple[str, ...], instead: str, queue: Program
) -> None:
    queue.launch("1")
    queue("queue", "create", "p", "-r", "local-process")
    queue.file("queues.yaml", queue.out("queue", "show", "q", "-o", "yaml"))
    told = queue(*words, "--no-input", code=2).stderr
    assert "--no-input forbids to ask" in told
    assert instead in told


def test_a_path_as_backend_is_the_file_there(queue: Program) -> None:
    assert queue.out("--backend", str(queue.folder / "queue.db"), "queue", "list", "-o", "name")


def test_a_queue_beside_the_code_is_not_launched_with_it(
    queue: Program, caplog: pytest.LogCaptureFixture
) -> None:
    queue.file("train.py", "import os; print(*sorted(os.listdir()))")
    queue("launch", "-q", "q", "-u", ".", "-E", "python3 train.py", "--name", "n")
    assert "left out of the code: queue.db (a queue)" in caplog.messages
    queue.work()
    assert queue.out("logs", "n") == "train.py\n"


def test_a_directory_of_the_system_is_refused_without_an_internal_error(queue: Program) -> None:
    told = queue("launch", "-q", "q", "-u", "/proc/self", "-E", "x", code=4).stderr
    assert "hint: " in told


@pytest.mark.parametrize(
    ("words", "fill"),
    [
        (("ls",), "launchkit launch -q QUEUE"),
        (("queue", "list"), "launchkit queue create NAME"),
        (("agents",), "launchkit agent -q QUEUE"),
        (("job", "list"), "launchkit job create"),
    ],
)
def test_an_empty_list_says_what_fills_it(
    words: tuple[str, ...], fill: str, program: Program
) -> None:
    program("store", "migrate")
    assert fill in program(*words).stderr
    assert not program(*words, "-o", "json").stderr


@pytest.mark.parametrize("key", ["state_dir", "cache_dir"])
def test_a_place_that_cannot_be_written_ends_an_agent_with_the_setting(
    key: str, queue: Program
) -> None:
    config = queue.file("c.yaml", f"{key}: /proc/none\n")
    told = queue("--config", config, "agent", "-q", "q", "--exit-when-idle", code=3).stderr
    assert f"error config_invalid  {key}: /proc/none: cannot be written" in told
    assert f"LAUNCHKIT_{key.upper()}" in told


def test_a_group_without_a_command_shows_its_help(program: Program) -> None:
    assert "Usage: launchkit queue" in program("queue", code=2).output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("launch", "-q", "q", "https://ann:hush@h/x"), 2),
        (("job", "create", "https://ann:hush@h/x"), 2),
        (("ls", "--state", "https://ann:hush@h/x"), 2),
        (("queue", "show", "{{queue}}://ann:hush@h/x"), 5),
    ],
)
def test_what_is_typed_wrong_is_told_without_the_password_of_an_address(
    words: tuple[str, ...], code: int, queue: Program
) -> None:
    assert "…@h/x" in (told := queue(*words, code=code).stderr)
    assert "hush" not in told
