"""File overrides."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from local_process.runs import Make, output_of

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.images.file_overrides import (
    MOST_FILES,
    MOST_OF_ALL,
    BadOverride,
    override_files,
)
from launchkit.model import Json
from launchkit.testing import end_of
from launchkit.yaml_bounds import MOST_CHARACTERS


@pytest.mark.parametrize("name", ["conf/train.json", "conf/train.yaml", "conf/train.yml"])
def test_an_override_is_merged_into_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(json.dumps({"lr": 0.1, "model": {"depth": 3, "width": 4}, "tags": ["a"]}))
    path.chmod(0o640)
    for _ in range(2):
        override_files(tmp_path, {name: {"model": {"depth": 9}, "tags": ["é"]}})
        assert yaml.safe_load(path.read_text()) == {
            "lr": 0.1,
            "model": {"depth": 9, "width": 4},
            "tags": ["é"],
        }
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/etc/x.json", "inside the code"),
        ("../x.json", "inside the code"),
        ("a/../../x.json", "inside the code"),
        ("train.py", "only .json"),
        ("missing.json", "no such file"),
        ("link.json", "symbolic link"),
        ("broken.json", "cannot be read"),
        ("broken.yaml", "cannot be read"),
        ("list.json", "holds a list"),
    ],
)
def test_a_bad_override_is_refused_with_its_path(tmp_path: Path, name: str, said: str) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (code / "link.json").symlink_to(tmp_path / "outside.json")
    (code / "broken.json").write_text("{")
    (code / "broken.yaml").write_text("a: [")
    (code / "list.json").write_text("[]")
    with pytest.raises(BadOverride, match=said) as caught:
        override_files(code, {name: {"a": 1}})
    assert repr(name) in str(caught.value)
    assert (tmp_path / "outside.json").read_text() == "{}"


def test_an_override_writes_through_no_link_that_the_code_has_beside_the_file(
    tmp_path: Path,
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.yaml").write_text("lr: 1\n")
    outside = tmp_path / "outside"
    (code / "a.yaml.launchkit-new").symlink_to(outside)
    (code / "a.yaml.tmp").symlink_to(outside)
    override_files(code, {"a.yaml": {"lr": 2}})
    assert (code / "a.yaml").read_text() == "lr: 2\n"
    assert not (code / "a.yaml").is_symlink()
    assert not outside.exists()
    assert len([*code.iterdir()]) == 3


async def test_a_run_sees_its_overrides(runner: LocalProcessRunner, make: Make) -> None:
    submission = make("cat", "c.json", files={"c.json": '{"a": 1, "b": 2}'})
    launch = replace(submission.launch, files={"c.json": {"b": 3}})
    run = await runner.submit(replace(submission, launch=launch))
    await end_of(run)
    assert json.loads(await output_of(run)) == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "x.yaml",
            "a: &a [1, 1]\n" + "".join(f"a{n}: &a{n} [*a, *a]\n" for n in range(9)) + "[" * 999,
        ),
        ("x.yaml", "a: \0"),
        ("x.json", "[" * 100_000),
        ("x.json", '{"a":' * 900 + "1" + "}" * 900),
        ("x.json", "9" * 5000),
        ("x.json", " " * 2_000_000),
    ],
)
def test_a_file_of_the_code_that_is_too_much_is_refused(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadOverride, match=f"file override '{name}': the file"):
        override_files(tmp_path, {name: {"a": 1}})


@pytest.mark.parametrize(
    "name", ["none", "n" * 300, "n/" * 3000 + "n"], ids=["none", "name", "path"]
)
def test_a_file_that_the_code_has_not_is_not_changed(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadOverride, match="the code has no such file"):
        override_files(tmp_path, {f"{name}.json": {"a": 1}})


def linked(code: Path, count: int) -> dict[str, Json]:
    """Overrides of that many links to one file."""
    for number in range(count):
        (code / f"l{number}.json").symlink_to("x.json")
    return {f"l{number}.json": {"a": number} for number in range(count)}


def test_files_that_are_too_long_together_are_refused(tmp_path: Path) -> None:
    text = "x" * (MOST_CHARACTERS - 100)
    (tmp_path / "x.json").write_text(json.dumps({"b": text}))
    fit = MOST_OF_ALL // (2 * MOST_CHARACTERS)
    with pytest.raises(BadOverride, match=f"'l{fit}.json': with this file more than"):
        override_files(tmp_path, linked(tmp_path, fit + 1))
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": fit - 1, "b": text}


@pytest.mark.parametrize("name", ["x.json", "x.yaml"])
def test_a_file_that_would_become_too_long_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    deep = "[" * 95 + ",".join(["1"] * 100_000) + "]" * 95
    text = f'{{"a": {deep}}}' if name == "x.json" else f"a: '{'x' * 5000}'\n"
    (tmp_path / name).write_text(text)
    with pytest.raises(BadOverride, match="with this file more than"):
        override_files(tmp_path, {name: {"b": "" if name == "x.json" else "x" * MOST_OF_ALL}})
    assert (tmp_path / name).read_text() == text


def test_files_that_are_too_many_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(BadOverride, match=f"'l{MOST_FILES}.json': with it more than"):
        override_files(tmp_path, linked(tmp_path, MOST_FILES + 1))


@pytest.mark.parametrize("key", ["lr", "\ud800"])
def test_half_a_surrogate_pair_is_kept_in_json_and_refused_in_yaml(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / "a.json").write_text('{"kept": "\\ud83dé", "lr": 1}')
    (tmp_path / "a.yaml").write_text("lr: 1\n")
    override_files(tmp_path, {"a.json": {key: "\udc00"}})
    told = json.loads((tmp_path / "a.json").read_text())
    assert told == {"kept": "\ud83dé", "lr": 1} | {key: "\udc00"}
    with pytest.raises(BadOverride, match=r"'a.yaml': a text has half a surrogate pair"):
        override_files(tmp_path, {"a.yaml": {key: "\udc00"}})
    assert (tmp_path / "a.yaml").read_text() == "lr: 1\n"
