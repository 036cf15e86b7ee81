"""What a queue's config may say, and what comes of it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from local_process.runs import Make, command_line, output_of, printed
from niceness import nicer_by

from launchkit.builtin.local_process.args import parse_size
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import Rejected
from launchkit.model import Image, Secret
from launchkit.model.launch import OWN_ENV
from launchkit.testing import end_of

PROC = Path("/proc")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("4GiB", 4 << 30),
        ("4Gi", 4 << 30),
        ("4g", 4 << 30),
        ("1.5 KiB", 1536),
        ("2MB", 2_000_000),
        ("7B", 7),
    ],
)
def test_sizes_are_read(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "GiB", "4 potatoes", "-1", -1, True, None, 1.5, "9" * 400, 10**40, "1e9", "9" * 40 + "T"],
)
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"4GiB|no system counts"):
        parse_size(text)


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"env": {"A": "1", "B": None}},
        {"env": ["A=1", "B"]},
        {"setup": "pip install -r requirements.txt"},
        {"setup": ["make", "env"]},
        {"setup": {"command": "make env", "inputs": ["Makefile"]}},
        {"limits": {"memory": "4GiB", "cpu_time": 60, "open_files": 100}, "nice": 5},
        {"inherit_env": False},
        {"inherit_env": ["CONDA_PREFIX"]},
    ],
)
def test_a_good_config_is_accepted(args: Mapping[str, object]) -> None:
    LocalProcessRunner().check_args(args)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"limits": {"memroy": "4GiB"}}, "limits.memroy: unknown key; did you mean 'memory'?"),
        ({"limit": {}}, "limit: unknown key; did you mean 'limits'?"),
        ({"limits": {"memory": "much"}}, "limits.memory: a size is"),
        ({"limits": {"cpu_time": 0}}, "limits.cpu_time"),
        ({"nice": 40}, "nice"),
        ({"setup": ""}, "the command is empty"),
        ({"setup": {"comand": "x"}}, "comand: unknown key"),
        ({"env": 3}, "env"),
    ],
)
def test_a_bad_config_is_rejected_with_the_key(args: Mapping[str, object], said: str) -> None:
    with pytest.raises(Rejected) as caught:
        LocalProcessRunner().check_args(args)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "program", "code", "evidence"),
    [
        ({"memory": "300MiB"}, "x = bytearray(1 << 30)", "user_exit", "MemoryError"),
        ({"cpu_time": 1}, "while True: pass", "cpu_limit", ""),
        ({"open_files": 20}, "f = [open('/dev/null') for _ in range(30)]", "user_exit", "Errno 24"),
        ({"file_size": "4K"}, "open('x', 'wb').write(b'x' * 10**6)", "user_exit", "Errno 27"),
    ],
)
async def test_limits_hold(
    runner: LocalProcessRunner,
    make: Make,
    limits: Mapping[str, object],
    program: str,
    code: str,
    evidence: str,
) -> None:
    submission = make("python", "-c", program, resource_args={"limits": limits})
    status = await end_of(await runner.submit(submission))
    assert status.verdict
    assert status.verdict.code == code
    assert evidence in "\n".join(status.verdict.evidence)


async def test_niceness_is_given_to_the_run(runner: LocalProcessRunner, make: Make) -> None:
    submission = make("nice", resource_args={"nice": 7})
    run = await runner.submit(submission)
    await end_of(run)
    assert await output_of(run) == f"{nicer_by(7)}\n".encode()


async def environment(runner: LocalProcessRunner, make: Make, **args: object) -> dict[str, str]:
    run = await runner.submit(make("/usr/bin/env", "-0", env={"MINE": "1"}, resource_args=args))
    await end_of(run)
    log = (await output_of(run)).decode()
    lines = [line for line in log.splitlines(keepends=True) if not line.startswith("launchkit: ")]
    return dict(line.split("=", 1) for line in "".join(lines).split("\0") if line)


async def test_a_run_inherits_the_agents_environment_but_not_its_secrets(
    runner: LocalProcessRunner, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_TOKEN", "hush")
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    env = await environment(runner, make)
    expected = {k: v for k, v in os.environ.items() if not k.startswith("LAUNCHKIT_")}
    tag = env.pop("LAUNCHKIT_PROCESS_TAG")
    assert tag.startswith("lk-")
    assert env == {**expected, "MINE": "1"}


async def test_what_a_local_run_is_told_of_itself_is_launchkits_own(
    runner: LocalProcessRunner, make: Make
) -> None:
    env = await environment(runner, make, setup="true")
    assert {name for name in env if name.startswith("LAUNCHKIT_")} == {
        "LAUNCHKIT_PROCESS_TAG",
        "LAUNCHKIT_SETUP_DIR",
    }
    assert env.keys() - os.environ.keys() - {"MINE"} <= OWN_ENV


@pytest.mark.parametrize(
    ("inherit", "seen"), [(False, False), (["OTHER"], False), (["CONDA_PREFIX"], True)]
)
async def test_what_a_run_inherits_can_be_limited(
    runner: LocalProcessRunner,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    inherit: object,
    seen: bool,
) -> None:
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    env = await environment(runner, make, inherit_env=inherit)
    assert ("CONDA_PREFIX" in env) is seen
    assert env["PATH"] == os.environ["PATH"]


async def test_secrets_reach_the_run_but_neither_the_disk_nor_a_command_line(
    runner: LocalProcessRunner, make: Make
) -> None:
    secret = Secret("hunter-2")
    submission = make("sh", "-c", "echo $SECRET | wc -c; sleep 300", env={"SECRET": secret})
    run = await runner.submit(submission)
    await printed(run, b"9\n")
    assert not any("hunter-2" in command_line(int(pid.name)) for pid in PROC.glob("[0-9]*"))
    await run.cancel(5)
    for path in Path(run.ref).rglob("*"):
        assert path.is_dir() or b"hunter-2" not in path.read_bytes()


def test_render_shows_the_request_and_masks_secrets(make: Make) -> None:
    submission = make(
        "python",
        "train.py",
        env={"A": "1", "KEY": Secret("hunter2")},
        resource_args={"limits": {"memory": "1KiB"}, "setup": "make"},
    )
    assert LocalProcessRunner().render(submission) == {
        "command": ["python", "train.py"],
        "cwd": ".",
        "env": {"A": "1", "KEY": "…"},
        "setup": "make",
        "limits": {"memory": 1024},
        "nice": 0,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": ()}, "no entry point"),
        ({"command": ("a\0b",)}, "NUL"),
        ({"image": Image(ref="busybox")}, "image"),
        ({"code": None}, "needs code"),
        ({"env": {"A=B": "1"}}, "'A=B'"),
        ({"resource_args": {"x": 1}}, "x: unknown key"),
        ({"resource_args": {"setup": {"command": "make", "inputs": ["lock"]}}}, "'lock'"),
    ],
)
async def test_what_cannot_run_here_is_rejected_before_it_starts(
    runner: LocalProcessRunner, make: Make, change: Mapping[str, object], said: str
) -> None:

    submission = replace(make("true"), **change)  # type: ignore[arg-type]
    with pytest.raises(Rejected) as caught:
        await runner.submit(submission)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["/tmp", "../up", "no-such-dir", "link", "n" * 300])
async def test_a_working_directory_outside_the_code_is_rejected(
    runner: LocalProcessRunner, make: Make, name: str
) -> None:
    submission = make("true", working_dir=name)
    assert submission.code
    (submission.code / "link").symlink_to("/tmp")
    with pytest.raises(Rejected, match="working directory"):
        await runner.submit(submission)
