"""Jobs from the command line."""

import json
import os
import signal
from typing import Any

import anyio
import pytest
from cli.conftest import Program
from waiting import PATIENCE

from launchkit import connect
from launchkit.codec import plain
from launchkit.model import GitSource, JobVersion, Recipe


def test_a_job_of_a_repository_has_the_commit_and_a_name(queue: Program, repository: str) -> None:
    words = ("job", "create", "git", repository, "-E", "python train.py")
    job = queue.data(*words, "-g", "v1", "-r", "3.11", "-a", "prod", "-a", "old")
    assert job["name"].startswith("job-file_")
    assert job["name"].endswith("_train.py")
    assert (job["version"], job["aliases"]) == (0, ["latest", "old", "prod"])
    recipe = job["recipe"]
    assert (recipe["source"]["ref"], recipe["runtime"]) == ("v1", "3.11")
    assert recipe["entry_point"] == ["python", "train.py"]


def test_a_branch_in_a_recipe_of_python_becomes_its_commit(queue: Program, repository: str) -> None:
    source = GitSource(remote=repository, ref="v1")

    async def create() -> tuple[JobVersion, bool]:
        async with connect(os.environ["LAUNCHKIT_BACKEND"]) as client:
            return await client.create_job("train", Recipe(source=source))

    made, _ = anyio.run(create)
    by_words = queue.data("job", "create", "git", repository, "-E", "x", "-g", "v1")
    assert plain(made.recipe.source) == by_words["recipe"]["source"]
    assert by_words["recipe"]["source"]["commit"]


def test_who_asks_at_a_repository_is_not_told_where_jobs_are_listed(queue: Program) -> None:
    source = GitSource(remote="https://s3cret@example.com/o/r.git", commit="1" * 40)

    async def create() -> None:
        async with connect(os.environ["LAUNCHKIT_BACKEND"]) as client:
            await client.create_job("train", Recipe(source=source))

    anyio.run(create)
    told = queue.out("job", "list", "-o", "wide")
    assert "https://…@example.com/o/r.git" in told
    assert "s3cret" not in told


def test_a_job_of_a_directory_is_launched_and_runs(queue: Program) -> None:
    code = queue.code("print('from a job')")
    made = queue("job", "create", "code", code, "-E", "python3 train.py", "-n", "train")
    assert "made train:v0" in made.stderr
    run = queue.out("launch", "-q", "q", "-j", "train", "-o", "name").strip()
    queue.work()
    assert queue.out("logs", run) == "from a job\n"
    assert queue.data("show", run)["job"] == "train:v0"


def test_the_same_job_is_not_a_new_version(queue: Program) -> None:
    words = ("job", "create", "image", "registry.example/team/app:1", "-n", "app")
    queue(*words)
    assert "app:v0 is the same already" in queue(*words).stderr
    assert queue.data(*words, "-D", "Dockerfile.x", "-b", "sub")["version"] == 1
    assert [job["version"] for job in queue.data("job", "list", "app")] == [1, 0]
    assert queue.out("job", "list", "-o", "name") == "app:v1\n"


def test_a_job_is_named_after_its_image(queue: Program) -> None:
    assert queue.data("job", "create", "image", "registry.example/app:1")["name"] == (
        "job-registry.example_app"
    )


@pytest.mark.parametrize(
    ("image", "aliases"),
    [
        ("registry.example:5000/app:1.0", ["1.0", "latest"]),
        ("app:latest", ["latest"]),
        ("app", ["latest"]),
        ("app:v3", ["latest"]),
        (f"app:nightly@sha256:{'a' * 64}", ["latest", "nightly"]),
    ],
)
def test_the_tag_of_an_image_is_an_alias_of_the_jobs_version(
    image: str, aliases: list[str], queue: Program
) -> None:
    assert queue.data("job", "create", "image", image, "-n", "app")["aliases"] == aliases
    assert queue.data("job", "show", f"app:{aliases[0]}")["reference"] == "app:v0"


def test_a_job_is_shown(queue: Program) -> None:
    queue("job", "create", "image", "img", "-n", "app")
    assert queue.data("job", "show", "app:latest")["reference"] == "app:v0"
    assert "image: img" in queue.out("job", "show", "app:v0")
    assert "see: launchkit job list" in queue("job", "show", "app:v7", code=5).stderr


def test_a_schema_guards_the_config_of_launches(images: Program) -> None:
    schema = images.file("schema.json", json.dumps({"properties": {"lr": {"type": "number"}}}))
    images("job", "create", "image", "img", "-n", "app", "--schema", schema)
    words = ("launch", "-q", "q", "-j", "app", "-c")
    images(*words, '{"overrides": {"run_config": {"lr": 0.1}}}')
    refused = images(*words, '{"overrides": {"run_config": {"lr": "much"}}}', code=4)
    assert "config.lr: 'much' is not of type 'number'" in refused.stderr


def test_options_of_wandb_that_mean_nothing_here_are_said_to_be_ignored(queue: Program) -> None:
    said = queue("job", "create", "image", "img", "-p", "vision", "-d", "about").stderr
    assert "--project is ignored" in said
    assert "--description is ignored" in said


def test_a_base_image_is_kept(queue: Program) -> None:
    code = queue.code("print(1)")
    job = queue.data("job", "create", "code", code, "-B", "python:3.12", "-n", "x", "-E", "python")
    assert job["recipe"]["base_image"] == "python:3.12"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("git", "."), 2, "for a directory: job create code"),
        (("code", "https://example.com/x"), 2, "for a repository: job create git"),
        (("code", "nowhere"), 4, "nowhere"),
        (("image", "img", "-r", "2.7"), 2, "Python version"),
        (("image", "img", "-B", "x"), 2, "-B"),
        (("image", "img", "-a", "v3"), 3, "looks like a version number"),
        (("image", "img", "--schema", "[]"), 3, "cannot be read"),
        (("git", "file:///nowhere/at/all"), 1, "error fetch_failed"),
    ],
)
def test_what_cannot_be_a_job_is_refused(
    queue: Program, words: tuple[str, ...], code: int, text: str
) -> None:
    result: Any = queue("job", "create", *words, code=code)
    assert text in result.stderr


def test_a_program_whose_starter_ignores_its_children_runs_git(
    queue: Program, repository: str
) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        program = queue.start("job", "create", "git", repository, "-n", "x", "-E", "python")
    finally:
        signal.signal(signal.SIGCHLD, before)
    said, told = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, told
    assert "x" in said
