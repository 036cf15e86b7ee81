"""`launchkit launch`: every flag, on a real queue."""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
import pytest
from cli.conftest import WAIT, Program, read_until
from waiting import PATIENCE

from launchkit.client import connect
from launchkit.model import LaunchSpec

KEYS = [
    *("id", "run_id", "name", "queue", "entity", "project", "state", "attempt", "priority"),
    *("author", "position", "reason", "exit_code", "verdict", "created_at", "started_at"),
    *("ended_at", "ref", "agent", "job", "message", "stop_requested"),
]
IMAGE = ("launch", "-q", "q", "-d", "img")


def spec_of(ref: str) -> LaunchSpec:
    async def found() -> LaunchSpec:
        async with connect() as client:
            return (await client.launched(ref)).item.spec

    return anyio.run(found)


def launched(program: Program, *words: str) -> str:
    return program.out(*words, "-o", "name").strip()


def test_an_item_has_its_keys_and_what_to_do_next_is_said(images: Program) -> None:
    result = images(*IMAGE, "--name", "first", "-p", "vision", "-o", "json")
    item = images.data("ls")[0]
    assert result.stderr.startswith(f"next: launchkit logs -f {item['id']} · launchkit show ")
    assert item["run_id"] in result.stdout
    assert (item["name"], item["project"], item["queue"], item["state"]) == (
        "first",
        "vision",
        "q",
        "queued",
    )
    assert (item["position"], item["priority"], item["attempt"]) == (1, "medium", 1)
    assert [*item] == KEYS


@pytest.mark.parametrize(
    "words", [("launch", "-d", "img"), ("launch", "-q", "-d", "img"), ("launch", "-d", "img", "-q")]
)
def test_a_bare_q_and_none_mean_the_queue_default(program: Program, words: tuple[str, ...]) -> None:
    assert "-q NAME" in program(*words[:1], "-d", "img", code=5).stderr
    program("queue", "create", "default", "-r", "local-container")
    assert program.data(*words)["queue"] == "default"


def test_flags_become_the_request(queue: Program, tmp_path: Path) -> None:
    args = queue.file("args.yaml", "nice: 3")
    words = [
        "-E",
        "python 'my train.py'",
        "-a",
        "--lr",
        "-a",
        "0.1",
        "--env",
        "A=1=2",
        "--env",
        "B",
    ]
    times = ["--start-timeout", "90", "--run-timeout", "2h", "--stop-grace", "1.5m"]
    times += ["--place-timeout", "1h"]
    built = ["-B", "base", "--build-context", "sub", "-D", "Dockerfile.x"]
    named = ["--name", "x", "-r", "local-process", "--async", "-R", args]
    queue("launch", "-q", "q", "-u", queue.code("print(1)"), *words, *times, *built, *named)
    spec = spec_of("x")
    over = spec.overrides
    assert (over.entry_point, over.args) == (("python", "my train.py"), ("--lr", "0.1"))
    assert (over.env, over.resource_args) == ({"A": "1=2", "B": None}, {"nice": 3})
    assert (over.dockerfile, spec.recipe.base_image, spec.recipe.build_context) == (
        "Dockerfile.x",
        "base",
        "sub",
    )
    assert asdict(spec.timeouts) == {
        "place": 3600,
        "start": 90,
        "run": 7200,
        "stop_grace": 90,
    }


def test_a_job_that_is_built_in_another_way_is_not_launched_by_its_name(
    queue: Program,
) -> None:
    job = ["job", "create", "code", queue.code("print(1)"), "-n", "j", "-B", "a", "-E", "python"]
    queue(*job)
    queue("launch", "-q", "q", "-j", "j", "--name", "same", "-B", "a")
    assert spec_of("same").job == "j:v0"
    warned = queue("launch", "-q", "q", "-j", "j", "--name", "other", "-B", "b")
    assert "this is not job j:v0" in warned.stderr
    spec = spec_of("other")
    assert (spec.job, spec.recipe.base_image) == (None, "b")


def test_a_launch_spec_may_be_text_and_flags_change_it(images: Program) -> None:
    over = '{"run_config": {"lr": 1}, "files": {"a.json": {"x": 2}}}'
    text = f'{{"job": "j", "queue": "q", "overrides": {over}}}'
    images("launch", "-c", text, "-d", "img", "--name", "x", "-R", '{"memory": "1g"}')
    spec = spec_of("x")
    assert (spec.overrides.config, spec.overrides.files) == ({"lr": 1}, {"a.json": {"x": 2}})
    assert (spec.job, spec.overrides.resource_args) == (None, {"memory": "1g"})


def test_a_launch_spec_may_name_the_entity(program: Program) -> None:
    program("queue", "create", "q", "-r", "local-container", "-e", "me")
    words = ("launch", "-q", "q", "-d", "img", "-c", '{"entity": "me"}')
    assert program.data(*words)["entity"] == "me"
    assert "of other" in program(*words, "-e", "other", code=5).stderr


def test_the_name_may_stand_in_the_environment(
    images: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_NAME", "from-env")
    assert images.data(*IMAGE)["name"] == "from-env"


@pytest.mark.parametrize("flag", ["--ref", "-g", "--git-version"])
def test_a_git_ref_is_resolved_to_its_commit(queue: Program, repository: str, flag: str) -> None:
    ref = launched(
        queue, "launch", "-q", "q", "-u", repository, flag, "v1", "-E", "python train.py"
    )
    source: Any = (spec_of(ref)).recipe.source
    assert (source.remote, source.ref, len(source.commit)) == (repository, "v1", 40)


@pytest.mark.parametrize(
    ("level", "word"), [("critical", "critical"), ("HIGH", "high"), ("3", "low")]
)
def test_a_priority_is_a_word_or_a_number(program: Program, level: str, word: str) -> None:
    program("queue", "create", "q", "-r", "local-container", "--prioritization")
    assert program.data(*IMAGE, "-P", level)["priority"] == word


def test_template_variables_get_their_type_and_keep_their_bounds(program: Program) -> None:
    config, variables = (
        program.file("c", "cpus: '{{nice}}'"),
        program.file("v", "nice: {type: integer, maximum: 3}"),
    )
    program(
        "queue",
        "create",
        "q",
        "-r",
        "local-container",
        "--config",
        config,
        "--template-variables",
        variables,
    )
    program(*IMAGE, "-v", "nice=2")
    assert "must be at most 3, not 9" in program(*IMAGE, "--set-var", "nice=9", code=4).stderr
    assert "did you mean 'nice'?" in program(*IMAGE, "-v", "nise=1", code=4).stderr
    assert "needs a value" in program(*IMAGE, code=4).stderr
    assert "of type integer" in program(*IMAGE, "-v", "nice=much", code=4).stderr


def test_an_idempotency_key_launches_once(images: Program) -> None:
    first = launched(images, *IMAGE, "--idempotency-key", "k")
    assert launched(images, *IMAGE, "--idempotency-key", "k") == first
    assert "another request" in images(*IMAGE, "-a", "x", "--idempotency-key", "k", code=6).stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-d", "img", "-j", "x"), "exclude each other"),
        (("-j", "x", "--ref", "main"), "--ref is for git repositories"),
        (("-u", "."), "-E 'COMMAND'"),
        (("-d", "img", "-E", "a 'b"), "No closing quotation"),
        (("-d", "img", "-P", "urgent"), "critical, high, medium, low"),
        (("-d", "img", "--env", "=x"), "NAME=VALUE"),
        (("-d", "img", "--run-timeout", "soon"), "time span"),
        (("-d", "img", "--async", "--wait"), "exclude each other"),
        (("-d", "img", "--logs", "-o", "json"), "stdout"),
        (("-c", '{"uri": "x", "job": "y"}'), "job and uri"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    images: Program, words: tuple[str, ...], text: str
) -> None:
    assert text in images("launch", "-q", "q", *words, code=2).stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-d", "img", "-R", "[1]"), "[1]: cannot be read"),
        (("-d", "img", "-R", "{"), "--resource-args:1: not valid YAML"),
        (("-d", "img", "-r", "kubernetes"), "queue q is of kind local-container, not kubernetes"),
        (("-j", "other/project/train"), "belongs to other; this is default"),
        (("-d", "img", "-c", '{"entty": "x"}'), "did you mean 'entity'?"),
    ],
)
def test_what_is_written_wrong_is_a_configuration_error(
    images: Program, words: tuple[str, ...], text: str
) -> None:
    assert text in images("launch", "-q", "q", *words, code=3).stderr


def test_a_job_may_be_named_as_wandb_does(images: Program) -> None:
    images("job", "create", "image", "img", "-n", "train")
    assert (
        images.data("launch", "-q", "q", "-j", "default/vision/train:latest")["job"] == "train:v0"
    )


def start_waiting(queue: Program, script: str, *more: str) -> Any:
    entry = f"{sys.executable} -u train.py"
    words = ("launch", "-q", "q", "-u", queue.code(script), "-E", entry)
    return queue.start(*words, *more)


@pytest.mark.parametrize(
    ("script", "code", "state"), [("", 0, "finished"), ("raise SystemExit(3)", 1, "failed")]
)
def test_wait_ends_with_the_launch_and_its_exit_code(
    queue: Program, script: str, code: int, state: str
) -> None:
    process = start_waiting(queue, script, "--wait", "-o", "json")
    read_until(process, lambda line: " queued " in line)
    queue.work()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert f'"state": "{state}"' in out
    assert any(f"  {state} " in line for line in err.splitlines())


def test_logs_puts_the_output_alone_on_stdout(queue: Program) -> None:
    process = start_waiting(queue, "print('one'); print('two')", "--logs")
    read_until(process, lambda line: " queued " in line)
    queue.work()
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "one\ntwo\n")


@pytest.mark.parametrize("flag", ["--wait", "--logs"])
def test_a_launch_goes_on_when_its_waiter_is_interrupted(queue: Program, flag: str) -> None:
    process = start_waiting(queue, "print(1)", flag)
    read_until(process, lambda line: " queued " in line)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    run = queue.data("ls")[0]
    assert (process.returncode, run["state"]) == (130, "queued")
    assert f"the launch goes on; to end it: launchkit stop {run['id']}\ninterrupted\n" in err


def test_a_stopped_launch_is_code_1_for_its_waiter(queue: Program) -> None:
    process = start_waiting(queue, WAIT, "--wait")
    read_until(process, lambda line: " queued " in line)
    queue("stop", queue.data("ls")[0]["id"])
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 1


def test_a_terminal_shows_what_a_launch_waits_for(images: Program) -> None:
    ours, theirs = os.openpty()
    words = ("launch", "-q", "q", "-d", "img", "--name", "mine", "--wait")
    command = [sys.executable, "-m", "launchkit", *words]
    pid = os.posix_spawn(
        sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 2)]
    )
    os.close(theirs)
    shown = b""
    while b"no agent is online for queue q" not in shown.replace(b"\r\n", b""):
        shown += os.read(ours, 4096)
    images("stop", "mine")
    with suppress(OSError):  # how Linux says that the other end is closed
        while data := os.read(ours, 4096):
            shown += data
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(ours)
    assert b"mine stopped after" in shown, "what is told beside an event is as new as the event"


def test_a_kind_may_be_named_by_any_of_its_words(images: Program) -> None:
    assert images.data("launch", "-q", "q", "-d", "img", "-r", "docker")["state"] == "queued"


def test_a_dry_run_shows_what_would_be_launched_and_launches_nothing(queue: Program) -> None:
    words = ("launch", "-q", "q", "-u", queue.code("1"), "-E", "python train.py", "--env", "A=b c")
    data = queue.data(*words, "--dry-run")
    assert (data["entry_point"], data["env"]) == (["python", "train.py"], {"A": "b c"})
    assert data["source"]["kind"] == "archive"
    rows = [line.split(maxsplit=1) for line in queue.out(*words, "--dry-run").splitlines()]
    shown = {row[0]: row[1] for row in rows}
    assert shown["entry_point"].split() == ["python", "train.py", "launch"]
    assert shown["env.A"].split() == ["b", "c", "launch"]
    assert queue.data("ls") == []


def test_a_dry_run_is_refused_as_the_launch_would_be(images: Program) -> None:
    assert "name one" not in images(*IMAGE, "--dry-run").stderr
    told = images(*IMAGE, "-R", '{"gpu": 1}', "--dry-run", code=4).stderr
    assert "did you mean 'gpus'?" in told


@pytest.mark.parametrize(
    ("script", "whose", "code"),
    [("raise SystemExit(7)", "job", 7), ("raise SystemExit(7)", "launchkit", 1), ("1", "job", 0)],
)
def test_who_waits_may_have_the_exit_code_of_the_job_and_is_told_why_it_failed(
    script: str, whose: str, code: int, queue: Program
) -> None:
    process = start_waiting(queue, script, "--wait", "--exit-code", whose)
    read_until(process, lambda line: " queued " in line)
    queue.work()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    run = queue.data("ls")[0]["id"]
    assert ("user_exit  " in err) == bool(code)
    assert (f"next: launchkit show {run} · launchkit logs {run}" in err) == bool(code)


def test_programs_are_told_that_no_agent_serves_the_queue(images: Program) -> None:
    told = images(*IMAGE, "-o", "name").stderr
    assert "warning: no agent serves queue q now; start one: launchkit agent -q q" in told
