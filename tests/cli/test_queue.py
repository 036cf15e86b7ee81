"""Queues from the command line."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
import yaml
from cli.conftest import Program
from waiting import PATIENCE

CONFIG = 'env:\n  GPUS: "{{gpus}}"\n  WHERE: "zone-{{zone}}"\nnice: "{{nice_count}}"\n'
VARIABLES = "gpus: {type: integer, minimum: 1, maximum: 8, default: 1}\nzone: {type: string}\n"


def test_a_queue_is_made_shown_and_listed(program: Program) -> None:
    words = ("queue", "create", "q", "--resource", "local-process", "--prioritization")
    made = program.data(*words, "--max-concurrent", "3")
    assert (made["name"], made["prioritization"], made["max_concurrent"]) == ("q", True, 3)
    assert program.data("queue", "show", "q") == made
    assert program.data("queue", "list") == [made]
    assert program.out("queue", "list").splitlines()[1].split()[:2] == ["q", "local-process"]
    assert "local-process" in program.out("queue", "show", "q")


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_list_is_an_array_in_each_form(queue: Program, form: str, read: object) -> None:
    assert callable(read)
    assert [one["name"] for one in read(queue.out("queue", "list", "-o", form))] == ["q"]


def test_jsonl_and_name_have_a_line_for_each(queue: Program) -> None:
    queue("queue", "create", "p", "-r", "local-process")
    lines = queue.out("queue", "list", "-o", "jsonl").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["p", "q"]
    assert queue.out("queue", "list", "-o", "name") == "p\nq\n"


@pytest.mark.parametrize("stdin", [CONFIG, json.dumps(yaml.safe_load(CONFIG))])
def test_parse_gives_a_file_of_variables(program: Program, stdin: str) -> None:
    found = program("queue", "parse", "-", "-o", "yaml", stdin=stdin).stdout
    assert yaml.safe_load(found) == {
        "gpus": {"type": "integer"},
        "zone": {"type": "string"},
        "nice_count": {"type": "string"},
    }
    config, variables = program.file("c", stdin), program.file("v", found)
    words = ("queue", "create", "q", "-r", "local-process", "--config", config)
    assert program.data(*words, "--template-variables", variables)["template_variables"]


def test_parse_prints_json_and_a_table_too(program: Program) -> None:
    config = program.file("c.yaml", "a: '{{x}}'")
    assert program.data("queue", "parse", config) == {"x": {"type": "string"}}
    assert program.out("queue", "parse", config) == "NAME  TYPE\nx     string\n"


def test_fields_that_nobody_defines_are_refused_with_a_file_to_begin_with(program: Program) -> None:
    config = program.file("c.yaml", CONFIG)
    words = ("queue", "create", "q", "-r", "local-process", "--config", config)
    error = program(*words, code=3).stderr
    assert "c.yaml: has template fields that nobody defines: gpus, zone, nice_count" in error
    assert yaml.safe_load(error.partition("--template-variables:\n")[2])["zone"] == {
        "type": "string"
    }


@pytest.mark.parametrize(
    ("config", "variables", "place"),
    [
        ("a: [1\n", "", "c.yaml:1: not valid YAML"),
        ("a: 1\na: 2\n", "", "c.yaml:2: a: this key is given twice"),
        ("a: {{x}}\n", "", "c.yaml:1"),
        ("- 1\n", "", "c.yaml:1: a mapping of keys to values is wanted"),
        ('a: 1\nb: "{{x}}"\n', "y: {type: string}", "c.yaml:2: b: no variable 'x' is defined"),
        ('a: "{{x}}"\n', "x:\n  type: strin\n", "v.yaml:2: x.type"),
        ('a: "{{x}}"\n', "x: {type: integer}\nz: {tipe: integer}", "v.yaml:2: z.tipe: unknown key"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(
    program: Program, config: str, variables: str, place: str
) -> None:
    files = program.file("c.yaml", config), program.file("v.yaml", variables)
    words = ("queue", "create", "q", "-r", "local-process", "--config", files[0])
    assert place in program(*words, "--template-variables", files[1], code=3).stderr


def test_stdin_cannot_be_two_files(program: Program) -> None:
    words = ("queue", "create", "q", "-r", "x", "--config", "-", "--template-variables", "-")
    assert "both" in program(*words, code=3).stderr


def test_stdin_that_is_no_text_is_refused(program: Program) -> None:
    result = program("queue", "parse", "-", stdin=b"a: \xff", code=3)
    assert "stdin: is not UTF-8 text (byte 3)" in result.stderr


def test_a_resource_that_nothing_here_runs_is_refused_unless_it_is_meant(program: Program) -> None:
    words = ("queue", "create", "q", "-r", "kubernets")
    told = program(*words, code=3).stderr
    assert "did you mean 'kubernetes'?" in told
    assert "--allow-unknown" in told
    assert "warning: no plugin" in program(*words, "--allow-unknown").stderr


def test_a_queue_without_a_kind_is_told_which_there_are(program: Program) -> None:
    told = program("queue", "create", "q", code=2).stderr
    assert "-r KIND" in told
    assert "local-process" in told


def test_options_change_a_queue_and_show_what_changed(queue: Program) -> None:
    config, variables = (
        queue.file("c.yaml", "env: {A: '{{gpus}}'}"),
        queue.file("v.yaml", "gpus: {type: integer}"),
    )
    words = ("queue", "edit", "q", "--config", config, "--template-variables", variables)
    changed = queue(*words, "--prioritization", "--max-concurrent", "2").stderr
    assert "+max_concurrent: 2" in changed.splitlines()
    spec = queue.data("queue", "show", "q")
    assert (spec["prioritization"], spec["max_concurrent"], spec["config"]) == (
        True,
        2,
        {"env": {"A": "{{gpus}}"}},
    )
    queue("queue", "edit", "q", "--no-prioritization", "--max-concurrent", "none")
    spec = queue.data("queue", "show", "q")
    assert (spec["prioritization"], spec["max_concurrent"]) == (False, None)
    assert "template_variables" in queue.out("queue", "show", "q")


def test_a_change_that_changes_nothing_is_not_saved(queue: Program) -> None:
    assert "nothing was changed" in queue("queue", "edit", "q", "--max-concurrent", "none").stderr
    assert queue.data("queue", "show", "q")["version"] == 1


def test_a_limit_must_be_a_number_or_none(queue: Program) -> None:
    assert "none" in queue("queue", "edit", "q", "--max-concurrent", "-1", code=2).stderr


def editor(program: Program, text: str) -> str:
    """An $EDITOR that puts its lines of Python to work on `text`."""
    script = program.file(
        "editor.py", f"import sys\npath = sys.argv[1]\ntext = open(path).read()\n{text}"
    )
    return f"{sys.executable} {script}"


def edit(program: Program, monkeypatch: pytest.MonkeyPatch, how: str, **more: Any) -> str:
    monkeypatch.setenv("EDITOR", editor(program, how))
    return program("queue", "edit", "q", **more).stderr


def test_an_editor_changes_a_queue(queue: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    how = "open(path, 'w').write(text.replace('max_concurrent: null', 'max_concurrent: 7'))\n"
    how += "import os; os.utime(path, (1, 1))"
    assert "+max_concurrent: 7" in edit(queue, monkeypatch, how)
    assert queue.data("queue", "show", "q")["max_concurrent"] == 7


def test_an_edit_that_is_wrong_can_be_corrected(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = (
        "import os\n"
        "text = text.replace('max_concurrnt: 3', 'max_concurrent: 3')"
        " if 'concurrnt' in text else text.replace('max_concurrent: null', 'max_concurrnt: 3')\n"
        "open(path, 'w').write(text); os.utime(path, (1, 1))"
    )
    said = edit(queue, monkeypatch, how, stdin="y\n")
    assert "q:4: max_concurrnt: unknown key; did you mean 'max_concurrent'?" in said
    assert queue.data("queue", "show", "q")["max_concurrent"] == 3


def test_an_edit_that_is_wrong_can_be_given_up(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = "import os; open(path, 'w').write('config: 3'); os.utime(path, (1, 1))"
    edit(queue, monkeypatch, how, stdin="n\n", code=130)
    assert queue.data("queue", "show", "q")["version"] == 1


def test_an_edit_loses_against_a_change_made_meanwhile(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"{sys.executable} -m launchkit queue edit q --max-concurrent 1"
    how = (
        f"import os, subprocess; subprocess.run({other.split()}, check=True)\n"
        "open(path, 'w').write(text.replace('null', '9')); os.utime(path, (1, 1))"
    )
    assert "changed by somebody else meanwhile" in edit(queue, monkeypatch, how, code=6)
    assert queue.data("queue", "show", "q")["max_concurrent"] == 1


@pytest.mark.parametrize("end", [(), ("--for", "2h"), ("--until", "2199-01-31T08:00")])
def test_a_queue_is_paused_and_goes_on(queue: Program, end: tuple[str, ...]) -> None:
    queue("queue", "pause", "q", "--reason", "disk is full", *end)
    paused = queue.data("queue", "show", "q")["paused"]
    assert paused["reason"] == "disk is full"
    assert bool(paused["until"]) == bool(end)
    assert "disk is full" in queue.out("queue", "show", "q")
    queue("queue", "resume", "q")
    assert queue.data("queue", "show", "q")["paused"] is None


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (("--for", "soon"), "is not a time span"),
        (("--for", "36501d"), "is longer than 36500 days"),
        (("--for", "9" * 400), "is longer than 36500 days"),
        (("--for", "0"), "over already"),
        (("--until", "2001-01-01"), "over already"),
        (("--until", "never"), "--until"),
        (("--for", "1h", "--until", "2199-01-01"), "exclude each other"),
        ((), "--reason"),
    ],
)
def test_a_pause_needs_a_reason_and_an_end_to_come(
    queue: Program, end: tuple[str, ...], text: str
) -> None:
    reason = ("--reason", "x") if end else ()
    assert text in queue("queue", "pause", "q", *reason, *end, code=2).stderr


def test_a_queue_with_launches_is_removed_by_force_only(queue: Program) -> None:
    run = queue.launch("print(1)")
    assert "--force" in queue("queue", "delete", "q", code=6).stderr
    assert "1 launches" in queue("queue", "delete", "q", "--force").stderr
    assert queue.data("queue", "list") == []
    assert queue.data("show", run)["state"] == "stopped"


def test_a_template_is_yaml_in_which_everything_may_be_left_out(program: Program) -> None:
    text = program.out("queue", "template", "local-process")
    assert yaml.safe_load(text) is None
    assert "# nice: 0" in text
    assert "gpus" in program.out("queue", "template", "docker")
    assert "did you mean" in program("queue", "template", "local-proces", code=3).stderr


def test_a_queue_without_a_config_is_made_and_told_of_the_template(program: Program) -> None:
    said = program("queue", "create", "q", "-r", "local-process").stderr
    assert "its config is empty: launchkit queue template local-process prints one" in said


def test_on_a_terminal_a_config_is_offered_in_the_editor(program: Program) -> None:
    how = "open(path, 'w').write(text.replace('# nice: 0', 'nice: 7'))\n"
    how += "import os; os.utime(path, (1, 1))"
    controller, terminal = pty.openpty()
    words = ("queue", "create", "q", "-r", "local-process")
    environ = {**os.environ, "EDITOR": editor(program, how)}
    os.write(controller, b"y\n")
    subprocess.run(
        [sys.executable, "-m", "launchkit", *words],
        stdin=terminal, stdout=terminal, stderr=terminal, env=environ, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert program.data("queue", "show", "q")["config"] == {"nice": 7}


def test_an_unknown_key_is_told_when_a_queue_with_open_variables_is_made(program: Program) -> None:
    config = program.file("c.yaml", 'nise: "{{n}}"\nenv: {A: "{{n}}"}\n')
    variables = program.file("v.yaml", "n: {type: integer}")
    words = ("queue", "create", "q", "-r", "local-process", "--config", config)
    said = program(*words, "--template-variables", variables, code=4).stderr
    assert "c.yaml:1: nise: unknown key; did you mean 'nice'?" in said
    assert program.data("queue", "list") == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("# why\nlocal-process:\n  nise: 1\n", "c.yaml:3: local-process.nise: unknown key"),
        ("env: {}\nlimits:\n  memory: much\n", "c.yaml:3: limits.memory: "),
        ('{"nise": 1}', "--config:1: nise: unknown key"),
    ],
)
def test_what_a_runner_objects_to_is_told_with_its_place(
    program: Program, text: str, place: str
) -> None:
    config = text if text.startswith("{") else program.file("c.yaml", text)
    words = ("-r", "local-process", "--config", config)
    assert place in program("queue", "create", "q", *words, code=4).stderr
    program("queue", "create", "q", "-r", "local-process")
    assert place in program("queue", "edit", "q", "--config", config, code=4).stderr
