"""Launches that are held, put back, launched again, put forward, and stopped by the queue."""

import pytest
from cli.conftest import Program


def state(program: Program, run: str) -> str:
    return str(program.data("show", run)["state"])


def test_a_launch_that_is_held_waits_for_requeue(queue: Program) -> None:
    run = queue.launch("print(1)")
    held = queue.data("hold", run, "--reason", "bad data")[0]
    assert held["state"] == "held"
    assert held["reason"].endswith(": bad data")
    queue.work()
    assert state(queue, run) == "held"
    assert queue.data("requeue", run)[0]["state"] == "queued"
    queue.work()
    assert state(queue, run) == "finished"


def test_a_launch_that_has_ended_is_launched_again(queue: Program) -> None:
    run = queue.launch("print(1)", "--name", "mine", "--env", "A=1")
    queue.work()
    result = queue("requeue", run, "-o", "name")
    again = result.stdout.strip()
    assert f"{run} is launched again as {again}" in result.stderr
    assert queue.data("show", again)["events"][0]["cause"] == f"again: {run}"
    queue.work()
    first, second = queue.data("show", run), queue.data("show", again)
    assert (first["name"], first["state"]) == (second["name"], second["state"])
    assert first["resolved"]["env"] == second["resolved"]["env"]
    assert first["run_id"] != second["run_id"]


def test_a_launch_that_is_queued_stays_as_it_is(queue: Program) -> None:
    run = queue.launch("print(1)")
    result = queue("requeue", run, "-o", "name")
    assert (result.stdout.strip(), result.stderr) == (run, f"{run} is queued already\n")


@pytest.mark.parametrize(
    "words", [("requeue",), ("hold", "--reason", "x"), ("priority", "high")], ids=lambda w: w[0]
)
def test_what_is_under_way_is_not_changed(program: Program, words: tuple[str, ...]) -> None:
    program("queue", "create", "q", "-r", "local-process", "--prioritization")
    gate = program.folder / "gate"
    script = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"
    run = program.launch(script)
    with program.start("agent", "-q", "q", "--exit-when-idle") as agent:
        while state(program, run) != "running":
            assert agent.poll() is None
        error = program(words[0], run, *words[1:], code=6).stderr
        assert f"launch {run} is under way: running" in error
        gate.touch()
        agent.communicate()


def test_a_priority_puts_a_launch_forward(program: Program) -> None:
    program("queue", "create", "q", "-r", "local-process", "--prioritization")
    first, second = program.launch("1"), program.launch("2")
    assert program.data("priority", second, "critical")[0]["position"] == 1
    assert program.data("show", first)["position"] == 2
    assert program.data("show", second)["events"][-1]["cause"] == "critical, was medium"
    assert "must be one of" in program("priority", second, "urgent", code=2).stderr


def test_a_priority_is_refused_where_the_queue_takes_none(queue: Program) -> None:
    run = queue.launch("1")
    assert "no prioritization" in queue("priority", run, "high", code=4).stderr


def three(program: Program) -> list[str]:
    """Two launches in queue q, one of them held, and one in queue p."""
    program("queue", "create", "p", "-r", "local-process")
    runs = [program.launch("1"), program.launch("2"), program.launch("3", queue="p")]
    program("hold", runs[1], "--reason", "x")
    return runs


@pytest.mark.parametrize(
    ("words", "stdin", "stopped"),
    [
        (("--yes",), None, [0, 1]),
        (("--yes", "--state", "held"), None, [1]),
        (("--yes", "--state", "running"), None, []),
        ((), "q\n", [0, 1]),
    ],
)
def test_all_launches_of_a_queue_are_stopped(
    queue: Program, words: tuple[str, ...], stdin: str | None, stopped: list[int]
) -> None:
    runs = three(queue)
    said = queue("stop", "--all", "-q", "q", "-o", "name", *words, stdin=stdin).stdout.split()
    assert sorted(said) == sorted(runs[n] for n in stopped)
    assert [n for n, run in enumerate(runs) if state(queue, run) == "stopped"] == stopped


@pytest.mark.parametrize(
    ("words", "stdin", "code"), [((), "p\n", 130), ((), "", 130), (("--dry-run",), None, 0)]
)
def test_nothing_is_stopped_unless_the_queue_is_named_again(
    queue: Program, words: tuple[str, ...], stdin: str | None, code: int
) -> None:
    runs = three(queue)
    result = queue("stop", "--all", "-q", "q", *words, stdin=stdin, code=code)
    assert [state(queue, run) for run in runs] == ["queued", "held", "queued"]
    assert (runs[1] in result.stdout) == bool(words)


@pytest.mark.parametrize(
    "words", [(), ("--all",), ("x", "--all", "-q", "q"), ("x", "-q", "q"), ("x", "--state", "held")]
)
def test_stop_must_know_what_is_meant(queue: Program, words: tuple[str, ...]) -> None:
    assert "--all" in queue("stop", *words, code=2).stderr


def test_a_launch_moves_to_another_queue_and_runs_there(queue: Program) -> None:
    queue("queue", "create", "r", "-r", "local-process")
    run = queue.launch("print(1)")
    assert queue.data("move", run, "--to", "r")[0]["queue"] == "r"
    queue("agent", "-q", "r", "--exit-when-idle")
    assert state(queue, run) == "finished"


def test_a_queue_that_is_not_there_moves_nothing(queue: Program) -> None:
    run = queue.launch("print(1)")
    assert "no queue 'r'" in queue("move", run, "--to", "r", code=5).stderr
    assert queue.data("show", run)["queue"] == "q"
