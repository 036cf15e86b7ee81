"""Queues as code: what `apply` makes of a file."""

import pytest
import yaml
from cli.conftest import Program

A = """\
name: a
resource: local-process
config:
  nice: "{{niceness}}"
template_variables:
  niceness: {type: integer, default: 5}
"""
B = "name: b\nresource: local-process\nmax_concurrent: 2\n"
BOTH = f"{A}---\n{B}"


def applied(program: Program, text: str, *words: str) -> dict[str, str]:
    rows = program.data("apply", "-f", program.file("queues.yaml", text), *words)
    return {row["name"]: row["action"] for row in rows}


def names(program: Program) -> list[str]:
    return program.out("queue", "list", "-o", "name").split()


def as_list(*texts: str) -> str:
    return yaml.safe_dump([yaml.safe_load(text) for text in texts])


@pytest.mark.parametrize("text", [BOTH, as_list(A, B), f"{as_list(A)}---\n{B}---\n"])
def test_queues_are_made_of_lists_mappings_and_several_documents(
    program: Program, text: str
) -> None:
    assert applied(program, text) == {"a": "create", "b": "create"}
    assert applied(program, text) == {"a": "unchanged", "b": "unchanged"}
    assert program.data("queue", "show", "b")["max_concurrent"] == 2


def test_what_show_and_list_print_as_yaml_is_what_apply_reads(program: Program) -> None:
    applied(program, BOTH)
    listed, shown = (
        program.out("queue", *words, "-o", "yaml") for words in (("list",), ("show", "a"))
    )
    assert applied(program, listed) == {"a": "unchanged", "b": "unchanged"}
    assert applied(program, shown) == {"a": "unchanged"}
    program("queue", "delete", "a")
    assert applied(program, shown) == {"a": "create"}
    assert program.out("queue", "show", "a", "-o", "yaml") == shown


def test_a_change_is_shown_line_by_line_and_made(program: Program) -> None:
    applied(program, BOTH)
    file = program.file("queues.yaml", B.replace("2", "3"))
    result = program("apply", "-f", file)
    assert {"-max_concurrent: 2", "+max_concurrent: 3"} < {*result.stderr.splitlines()}
    assert result.stdout == "NAME  ACTION\nb     update\n"
    assert program.data("queue", "show", "b")["version"] == 2


def test_a_dry_run_changes_nothing(program: Program) -> None:
    applied(program, A)
    assert applied(program, B, "--prune", "--dry-run") == {"b": "create", "a": "delete"}
    assert names(program) == ["a"]


def test_stdin_can_be_the_file(program: Program) -> None:
    program("apply", "-f", "-", stdin=BOTH)
    assert names(program) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{B}---\nresource: x\n", "queues.yaml:5: name: this key is required"),
        (f"{B}---\n- 3\n", "queues.yaml:5: [0]: a queue is a mapping with name and resource"),
        (f"{B}---\n{A}  nicenes: {{type: integer}}\n", "template variable nicenes: no field"),
        (f"{B}---\n{A}colour: red\n", "queues.yaml:11: colour: unknown key"),
        (f"{B}---\n{B}", "queues.yaml:5: name: queue b is there twice"),
        (f"{B}---\nname: ../c\nresource: x", "queues.yaml:5: name: queue name '../c'"),
        (f"{B}---\n{A.replace('nice:', 'nise:')}", "queues.yaml:8: config.nise: unknown key"),
        (f"{B}---\n{A.replace('2', 'true: 2}')}: [", "not valid YAML"),
        (f"{B}config: {{when: 2020-01-01}}", "queues.yaml:4: config.when: a date cannot be kept"),
        (B.replace("2", "-2"), "queues.yaml:3: max_concurrent: must be 0 to"),
        (B.replace("2", str(2**31)), "max_concurrent: must be 0 to"),
    ],
)
def test_nothing_is_changed_if_a_part_is_wrong(program: Program, text: str, problem: str) -> None:
    program("store", "migrate")
    result = program("apply", "-f", program.file("queues.yaml", text), code=3)
    assert problem in result.stderr
    assert names(program) == []


def test_a_file_that_is_none_is_named(program: Program) -> None:
    assert "is a directory" in program("apply", "-f", str(program.folder), code=3).stderr
    assert "cannot be read" in program("apply", "-f", "none.yaml", code=3).stderr


@pytest.mark.parametrize(
    ("words", "stdin", "code", "left"),
    [
        (("--yes",), None, 0, ["b"]),
        ((), "y\n", 0, ["b"]),
        ((), "n\n", 130, ["a"]),
        ((), "", 130, ["a"]),
    ],
)
def test_a_queue_that_is_not_in_the_file_is_removed_when_that_is_confirmed(
    program: Program, words: tuple[str, ...], stdin: str | None, code: int, left: list[str]
) -> None:
    applied(program, A)
    file = program.file("queues.yaml", B)
    program("apply", "-f", file, "--prune", *words, stdin=stdin, code=code)
    assert names(program) == left


def test_a_queue_with_launches_is_not_removed_without_force(queue: Program) -> None:
    run = queue.launch("print(1)")
    file = queue.file("queues.yaml", B)
    words = ("apply", "-f", file, "--prune", "--yes")
    assert "1 launches waiting and 0 under way" in queue(*words, code=6).stderr
    assert names(queue) == ["q"]
    queue(*words, "--force")
    assert names(queue) == ["b"]
    assert queue.data("show", run)["state"] == "stopped"


def test_an_empty_file_does_not_remove_everything(queue: Program) -> None:
    file = queue.file("queues.yaml", "")
    assert "has no queues" in queue("apply", "-f", file, "--prune", "--yes", code=3).stderr
    assert names(queue) == ["q"]


def test_a_key_that_the_runner_does_not_know_is_refused_when_a_queue_is_made_or_changed(
    queue: Program,
) -> None:
    config = queue.file("c.yaml", "nise: 3")
    words = ("queue", "create", "p", "-r", "local-process", "--config", config)
    assert "did you mean 'nice'" in queue(*words, code=4).stderr
    assert "did you mean 'nice'" in queue("queue", "edit", "q", "--config", config, code=4).stderr
    assert names(queue) == ["q"]
