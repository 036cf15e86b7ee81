"""What a code directory asks to have installed."""

import encodings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wandb_cases import cases

from launchkit.errors import Rejected
from launchkit.images.build_plan import plan_build, with_cache_mounts
from launchkit.images.requirements import Dependencies, find_dependencies
from launchkit.testing.makers import make_launch

Tree = Callable[..., Path]

PYPROJECT = """
[project]
name = "My_Code"
dependencies = ["numpy>=2", "torch"]
[project.optional-dependencies]
gpu = ["triton"]
docs = ["mkdocs"]
all = ["my-code[gpu, docs]", "numpy>=2"]
"""


@pytest.mark.parametrize("case", cases("req-"))
def test_dependencies_are_installed_as_wandb_does(case: dict[str, Any], tree: Tree) -> None:
    code = tree(**{"main.py": "", **dict.fromkeys(case["input"]["files"], "")})
    launch = make_launch(entry_point=("python", "main.py"))
    plan = plan_build(launch, code)
    text = (with_cache_mounts(plan) if case["input"]["buildx"] else plan).dockerfile
    expected = case["expected"]
    assert [f'"{path}"' in text for path in expected["copied"]] == [True] * len(expected["copied"])
    assert ("pip install" in text) == (expected["install"] != "none")
    assert expected["install"] == "none" or f"-r {expected['install']}" in text
    assert ("--mount=type=cache" in text) == expected["cache_mount"]


@pytest.mark.parametrize(
    ("files", "install"),
    [
        ([], None),
        (["requirements.txt", "pyproject.toml", "environment.yml"], ("-r", "requirements.txt")),
        (["pyproject.toml", "environment.yml"], ("numpy>=2", "torch")),
        (["requirements.frozen.txt"], ("-r", "requirements.frozen.txt")),
        ([".job/requirements.frozen.txt"], ("-r", ".job/requirements.frozen.txt")),
    ],
)
def test_the_first_file_decides(files: list[str], install: tuple[str, ...], tree: Tree) -> None:
    texts = {name: PYPROJECT if name == "pyproject.toml" else "" for name in files}
    found = find_dependencies(tree(**texts))
    assert (found.install if found else None) == install


def test_a_conda_environment_is_refused_with_advice(tree: Tree) -> None:
    code = tree(**{"environment.yml": "", "requirements.frozen.txt": ""})
    with pytest.raises(Rejected, match=r"^environment.yml: ") as caught:
        find_dependencies(code)
    assert "requirements.txt" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("extras", "more"),
    [((), ()), (("gpu",), ("triton",)), (("all", "gpu"), ("triton", "mkdocs"))],
)
def test_extras_of_a_project_are_added(extras: Any, more: tuple[str, ...], tree: Tree) -> None:
    found = find_dependencies(tree(**{"pyproject.toml": PYPROJECT}), extras)
    assert found is not None
    assert set(found.install) == {"numpy>=2", "torch", *more}
    assert len(found.install) == 2 + len(more)


def test_an_unknown_extra_names_the_nearest_one(tree: Tree) -> None:
    with pytest.raises(Rejected, match=r"builder\.extras: .* no extra 'gpus'") as caught:
        find_dependencies(tree(**{"pyproject.toml": PYPROJECT}), ("gpus",))
    assert caught.value.hint == "did you mean gpu?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project", "is not TOML"),
        ("project = 1", "project: must be a table"),
        ("[project]\ndependencies = 'a'", "must be a list"),
        ("[project]\ndependencies = ['-e .']", "'-e .' is not a requirement"),
        ('[project]\ndependencies = ["a\\nb"]', "is not a requirement"),
        (f"[project]\ndependencies = [0x{'f' * 5000}]", "is not TOML"),
        (f"[project]\nname = 0x{'f' * 5000}\ndependencies = ['a']", "is not TOML"),
    ],
)
def test_a_malformed_project_is_refused(text: str, message: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match=rf"^pyproject.toml: .*{message}"):
        find_dependencies(tree(**{"pyproject.toml": text}))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("requirements.txt", "a\n" * 10_001, "has more than 10000 lines"),
        ("requirements.txt", "".join(f"-r f{n}\n" for n in range(200)), ".* more than 100 files"),
        ("requirements.txt", "-r ./requirements.txt\n" * 101, ".* more than 100 files"),
        ("requirements.txt", "-r " + "a/" * 3000, ".* the path has more than 4096 characters"),
        ("pyproject.toml", ".".join("a" * 40_000) + " = 1", "has a key of more than 100 parts"),
        ("pyproject.toml", 'x = {"a" . ' + "'b' \t." * 200, "has a key of more than 100 parts"),
        *(
            ("pyproject.toml", before + '."="' * 200 + after, "has a key of more than 100 parts")
            for before, after in (
                ("a", " = 1"),
                ("a" + ".'{'" * 60 + '."\\"["' * 60, " = 1"),
                ("[a", "]"),
                ("[[a", "]]"),
                ("x = {a", " = 1}"),
                ('x = {y = """\\" \'""""", a', " = 1}"),
                ("x = {y = '''\\'''', a", " = 1}"),
                ("# it's \"\nx = 'a\\' # '\na", " = 1"),
            )
        ),
        ("pyproject.toml", "# " + "." * 200_000, "has more than 100000 characters"),
    ],
)
def test_what_would_take_long_to_read_is_refused(
    name: str, text: str, message: str, tree: Tree
) -> None:
    root = tree(**{name: text})
    with pytest.raises(Rejected, match=f"{name}: {message}"):
        find_dependencies(root)


def test_no_codec_of_a_long_name_is_asked_for(tree: Tree) -> None:
    known = {*encodings._cache}  # type: ignore[attr-defined] # what Python keeps
    root = tree(**{"requirements.txt": f"# coding: {'n' * 100_000}\nnumpy\n"})
    with pytest.raises(Rejected, match=r"unknown encoding: ") as caught:
        find_dependencies(root)
    assert len(str(caught.value)) < 300
    assert {*encodings._cache} == known  # type: ignore[attr-defined] # as above


def test_a_codec_that_may_take_any_time_is_not_used(tree: Tree) -> None:
    root = tree(**{"requirements.txt": "# coding: punycode\nnumpy\n"})
    with pytest.raises(Rejected, match=r"requirements\.txt: .* unknown encoding: punycode"):
        find_dependencies(root)


def test_files_that_requirements_include_are_needed_too(tree: Tree) -> None:
    code = tree(
        **{
            "requirements.txt": "-r reqs/gpu.txt # more\n-chttps://example.com/c.txt\nnumpy\n",
            "reqs/gpu.txt": "--constraint=../constraints.txt\ntorch\n",
            "constraints.txt": "torch==2.5\n",
        }
    )
    found = find_dependencies(code)
    assert found == Dependencies(
        files=("requirements.txt", "reqs/gpu.txt", "constraints.txt"),
        install=("-r", "requirements.txt"),
    )


@pytest.mark.reported("F16a")
@pytest.mark.parametrize(
    "line",
    [
        ".",
        "-e .",
        "./wheels/a.whl",
        "libs/own",
        "a @ file:///x",
        "-f wheels",
        ".[gpu]",
        "mypkg-1.0-py3-none-any.whl",
        "mypkg-1.0.tar.gz ; python_version > '3'",
    ],
)
def test_a_local_package_needs_all_of_the_code(line: str, tree: Tree) -> None:
    found = find_dependencies(tree(**{"requirements.txt": f"numpy\n{line}\n"}))
    assert found is not None
    assert found.files == (".",)


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=2 # see docs/x",
        "a @ https://example.com/a.whl",
        "https://example.com/a-1.0-py3-none-any.whl",
        "a.zipped",
        "git+https://example.com/a",
        "-i https://x/y",
        "--find-links=https://x/y",
    ],
)
def test_packages_from_elsewhere_need_the_file_only(line: str, tree: Tree) -> None:
    found = find_dependencies(tree(**{"requirements.txt": f"{line}\n"}))
    assert found is not None
    assert found.files == ("requirements.txt",)


@pytest.mark.parametrize("path", ["../other.txt", "/etc/other.txt"])
def test_requirements_from_outside_of_the_code_are_refused(path: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match="not inside the code directory"):
        find_dependencies(tree(**{"requirements.txt": f"-r {path}\n"}))


@pytest.mark.reported("F14")
@pytest.mark.parametrize(
    "data",
    [
        "-r more.txt\n".encode("utf-16"),
        b"\xef\xbb\xbf-r more.txt\r\n",
        "# -*- coding: latin-1 -*-\n# René\n-r more.txt\n".encode("latin-1"),
        "numpy\u2028-r more.txt".encode(),
        b"-r \\\r\n more.txt",
    ],
)
def test_requirements_are_read_as_pip_reads_them(data: bytes, tree: Tree) -> None:
    code = tree(**{"more.txt": ""})
    (code / "requirements.txt").write_bytes(data)
    found = find_dependencies(code)
    assert found is not None
    assert found.files == ("requirements.txt", "more.txt")


@pytest.mark.parametrize("data", [b"Ren\xe9", b"# coding: no-such\n"])
def test_requirements_in_no_known_encoding_are_refused(data: bytes, tree: Tree) -> None:
    code = tree()
    (code / "requirements.txt").write_bytes(data)
    with pytest.raises(Rejected, match=r"^requirements\.txt: cannot be read: ") as caught:
        find_dependencies(code)
    assert "UTF-8" in (caught.value.hint or "")


POETRY = "[tool.poetry]\nname = 'd'\n[tool.poetry.dependencies]\npython = '^3.11'\n"


@pytest.mark.reported("F18a")
def test_dependencies_of_poetry_are_refused_with_advice(tree: Tree) -> None:
    with pytest.raises(Rejected, match=r"^pyproject\.toml: tool\.poetry\.dep") as caught:
        find_dependencies(tree(**{"pyproject.toml": f"{POETRY}numpy = '^1.26'\n"}))
    assert "poetry export" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": POETRY},
        {"pyproject.toml": f"{POETRY}numpy = '1'", "requirements.txt": ""},
        {"pyproject.toml": f"{POETRY}numpy = '1'", "requirements.frozen.txt": ""},
    ],
)
def test_poetry_is_no_obstacle_where_pip_knows_what_to_install(
    files: dict[str, str], tree: Tree
) -> None:
    found = find_dependencies(tree(**files))
    assert (found is None) == (len(files) == 1)


def test_a_link_out_of_the_code_is_not_read(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[secret")
    code = tree(**{"main.py": ""})
    (code / "pyproject.toml").symlink_to(tmp_path / "secret")
    assert find_dependencies(code) is None
