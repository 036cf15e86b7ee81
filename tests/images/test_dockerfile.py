"""Which Dockerfile an image is built from, and what launchkit writes if there is none."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchkit.errors import Rejected
from launchkit.images.base_images import base_images, may_be_from_scratch
from launchkit.images.build_plan import BuildPlan, plan_build, with_cache_mounts
from launchkit.testing.makers import make_launch

Tree = Callable[..., Path]

HOME = "/home/launchkit"
LOGIN = f"launchkit:x:1000:0:launchkit:{HOME}:/bin/sh"


def plan(code: Path, **fields: Any) -> BuildPlan:
    fields = {"entry_point": ("python", "main.py"), **fields}
    return plan_build(make_launch(**fields), code)


def lines(code: Path, **fields: Any) -> list[str]:
    return plan(code, **fields).dockerfile.splitlines()


def test_code_without_dependencies_needs_no_network(tree: Tree) -> None:
    assert lines(tree(**{"main.py": ""}), runtime="3.12.4")[1:] == [
        "FROM python:3.12-slim AS base",
        "USER 0",
        "",
        "FROM base",
        f"RUN mkdir -p {HOME}/src && chmod -R g=u {HOME} && echo '{LOGIN}' >> /etc/passwd",
        "ENV HOME=/home/launchkit USER=launchkit PYTHONUNBUFFERED=1",
        "WORKDIR /home/launchkit/src",
        "COPY --chown=1000:0 src/ ./",
        "USER 1000:0",
        'ENTRYPOINT ["python", "main.py"]',
    ]


def test_packages_are_installed_before_the_code_is_copied(tree: Tree) -> None:
    text = lines(tree(**{"main.py": "", "requirements.txt": "numpy"}))
    stage = text[text.index("FROM base AS environment") : text.index("FROM base")]
    assert stage == [
        "FROM base AS environment",
        "RUN python -m venv /env",
        "ENV PATH=/env/bin:$PATH",
        "WORKDIR /home/launchkit/src",
        'COPY ["src/requirements.txt", "./requirements.txt"]',
        "RUN python -m pip install --no-cache-dir -r requirements.txt",
        "",
    ]
    assert "COPY --from=environment /env /env" in text[text.index("FROM base") :]


def test_the_cache_of_pip_is_mounted_where_the_builder_can(tree: Tree) -> None:
    made = plan(tree(**{"requirements.txt": "numpy"}))
    plain, mounted = (each.dockerfile.splitlines() for each in (made, with_cache_mounts(made)))
    (install,) = [line for line in mounted if line not in plain]
    assert install == (
        "RUN --mount=type=cache,target=/var/cache/pip"
        " python -m pip install --cache-dir /var/cache/pip -r requirements.txt"
    )


def test_a_dockerfile_that_code_brings_is_sent_as_it_is(tree: Tree) -> None:
    text = "FROM python\nRUN python -m pip install --no-cache-dir numpy\n"
    made = plan(tree(**{"main.py": "", "Dockerfile.launchkit": text}))
    assert with_cache_mounts(made).dockerfile == text


def test_requirements_of_a_project_are_quoted_for_the_shell(tree: Tree) -> None:
    project = "[project]\ndependencies = [\"numpy>=2; python_version<'4'\", 'a']"
    text = lines(tree(**{"pyproject.toml": project}))
    assert (
        "RUN python -m pip install --no-cache-dir 'numpy>=2; python_version<'\"'\"'4'\"'\"'' a"
        in text
    )


def test_a_local_package_comes_with_all_of_the_code(tree: Tree) -> None:
    text = lines(tree(**{"requirements.txt": "-e .", "pyproject.toml": ""}))
    assert text[text.index("WORKDIR /home/launchkit/src") + 1] == "COPY src/ ./"


def test_the_entry_point_is_json(tree: Tree) -> None:
    words = ("sh", "-c", 'echo "$HOME" é\\\nCMD evil')
    last = lines(tree(a=""), entry_point=words)[-1]
    assert json.loads(last.removeprefix("ENTRYPOINT ")) == list(words)


def test_the_agent_decides_which_python_if_nobody_does(tree: Tree) -> None:
    assert plan(tree()).base_images == (f"python:3.{sys.version_info.minor}-slim",)


@pytest.mark.parametrize(
    ("runtime", "tag"), [("3.9", "3.9"), ("3.13.1", "3.13"), ("python3.11", "3.11")]
)
def test_the_runtime_of_the_job_is_its_python(runtime: str, tag: str, tree: Tree) -> None:
    assert plan(tree(), runtime=runtime).base_images == (f"python:{tag}-slim",)


@pytest.mark.parametrize("runtime", ["2.7", "3", "three", "3.11\nRUN true"])
def test_another_runtime_is_refused(runtime: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match=r"^runtime: "):
        plan(tree(), runtime=runtime)


@pytest.mark.parametrize(
    ("fields", "image", "warnings"),
    [
        ({"builder_args": {"base_image": "b"}}, "b", 0),
        ({"builder_args": {"accelerator": {"base_image": "a"}, "base_image": "b"}}, "a", 1),
        ({"builder_args": {"cuda": {"base_image": "c"}}}, "c", 0),
        ({"base_image": "j", "builder_args": {"cuda": {"base_image": "c"}}}, "j", 1),
    ],
)
def test_who_names_the_base_image(fields: Any, image: str, warnings: int, tree: Tree) -> None:
    found = plan(tree(), **fields)
    assert found.base_images == (image,)
    assert len(found.warnings) == warnings


def test_packages_stand_on_those_of_a_base_image(tree: Tree) -> None:
    text = lines(tree(**{"requirements.txt": ""}), base_image="torch:2")
    assert any(line.startswith("RUN python3 -m venv --system-site-packages /env") for line in text)


def test_python_is_installed_into_an_accelerator_image(tree: Tree) -> None:
    options = {"accelerator": {"base_image": "tensorflow/tensorflow:latest-gpu"}}
    text = lines(tree(a=""), builder_args=options, runtime="3.11")
    assert text[1] == "FROM tensorflow/tensorflow:latest-gpu AS base"
    assert text[3].startswith("RUN command -v apt-get >/dev/null || { echo 'launchkit: ")
    assert "builder.accelerator.base_image" in text[3]
    assert "python3.11 python3.11-venv" in text[4]
    assert text[5] == "RUN python3.11 -m venv --system-site-packages /env"


@pytest.mark.parametrize(
    ("programs", "codes", "said"),
    [
        ({}, [1, 1], "made from Debian or Ubuntu"),
        ({"apt-get": "exit 100"}, [0, 1], "have no python3.11"),
        (
            {"apt-get": "echo $*", "rm": ""},
            [0, 0],
            "--no-install-recommends python3.11 python3.11-venv",
        ),
        ({"apt-get": "exit 100", "python3.11": ""}, [0, 0], ""),
    ],
)
def test_the_first_steps_tell_what_an_accelerator_image_lacks(
    programs: dict[str, str], codes: list[int], said: str, tree: Tree
) -> None:
    bin_ = tree(**{name: f"#!/bin/sh\n{text}\n" for name, text in programs.items()})
    for name in programs:
        (bin_ / name).chmod(0o755)
    options = {"accelerator": {"base_image": "cuda"}}
    steps = [
        subprocess.run(
            ["/bin/sh", "-c", line.removeprefix("RUN ")],
            check=False,
            env={"PATH": str(bin_)},
            capture_output=True,
            text=True,
        )
        for line in lines(tree(), builder_args=options, runtime="3.11")[3:5]
    ]
    assert [step.returncode for step in steps] == codes
    assert said in "".join(step.stdout + step.stderr for step in steps)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"accelerator": {"base_image": "Ubuntu"}}, "accelerator.base_image: 'Ubuntu'"),
        ({"accelerator": {"base_image": 1}}, "accelerator.base_image: must be"),
        ({"accelerator": "image"}, "accelerator: must be a mapping"),
        ({"base_image": "a b"}, "base_image: 'a b'"),
        ({"extras": "gpu"}, "extras: must be a list"),
    ],
)
def test_a_malformed_option_is_refused_with_its_path(options: Any, path: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match=rf"^resource_args\.builder\.{path}"):
        plan(tree(), builder_args=options)


def test_a_variable_that_grows_without_measure_is_not_known() -> None:
    grown = "".join(f"ARG A{n + 1}={f'$A{n}' * 10}\n" for n in range(30))
    text = f"ARG A0=xxxxxxxxxx\n{grown}ARG B=b\nFROM $A1\nFROM $A30\nFROM $B\n"
    assert base_images(text) == ("x" * 100, "b")


def test_code_without_an_entry_point_is_refused(tree: Tree) -> None:
    with pytest.raises(Rejected, match="entry_point"):
        plan(tree(), entry_point=())


def test_requirements_that_are_ignored_are_refused(tree: Tree) -> None:
    code = tree(**{"requirements.txt": "", ".dockerignore": "*.txt"})
    with pytest.raises(Rejected, match=r"leaves out requirements\.txt"):
        plan(code)


FILES = {
    "mine/Dockerfile": "FROM chosen",
    "sub/Dockerfile.launchkit": "FROM launchkit",
    "sub/Dockerfile.wandb": "FROM wandb",
    "old/Dockerfile.wandb": "FROM wandb",
    "Dockerfile": "FROM nobody",
    "bare/main.py": "",
}


@pytest.mark.parametrize(
    ("entry_point", "dockerfile", "image", "context"),
    [
        (("python", "sub/main.py"), "mine/Dockerfile", "chosen", ""),
        (("python", "sub/main.py"), None, "launchkit", "sub"),
        (("python", "-u", "old/main.py"), None, "wandb", "old"),
        (("python", "bare/main.py"), None, "python:3.11-slim", ""),
        (("python", "-m", "sub.main"), None, "python:3.11-slim", ""),
        (("python", "../main.py"), None, "python:3.11-slim", ""),
        ((), "mine/Dockerfile", "chosen", ""),
    ],
)
def test_where_the_dockerfile_comes_from(
    entry_point: Any, dockerfile: str | None, image: str, context: str, tree: Tree
) -> None:
    code = tree(**FILES)
    found = plan(code, entry_point=entry_point, dockerfile=dockerfile, runtime="3.11")
    assert found.base_images == (image,)
    assert found.context == code / context
    assert found.generated == image.startswith("python")
    sent = {found.prefix + entry.path for entry in found.entries} | {"Dockerfile"}
    assert found.dockerfile_name in sent


def test_a_base_image_beside_a_dockerfile_is_warned_of(tree: Tree) -> None:
    found = plan(tree(D="FROM a"), dockerfile="D", base_image="b")
    assert found.warnings == ("D is used, so base_image is not",)


def test_paths_start_at_the_build_context(tree: Tree) -> None:
    code = tree(**{"app/D": "FROM a", "app/main.py": "", "other": ""})
    found = plan(code, build_context="app", dockerfile="D")
    assert [entry.path for entry in found.entries] == ["D", "main.py"]


@pytest.mark.parametrize("path", ["..", "/etc", "a/../..", "out", "out/below"])
@pytest.mark.parametrize("key", ["build_context", "dockerfile"])
def test_a_path_out_of_the_code_is_refused(key: str, path: str, tree: Tree) -> None:
    code = tree(**{"a/b": ""})
    (code / "out").symlink_to("/etc")
    with pytest.raises(Rejected, match=rf"^{key}: {path}: leads out of the code"):
        plan_build(make_launch(**{key: path}), code)


@pytest.mark.parametrize("path", ["none", "n" * 300, "n/" * 3000], ids=["none", "name", "path"])
@pytest.mark.parametrize(("key", "what"), [("build_context", "directory"), ("dockerfile", "file")])
def test_a_path_to_nothing_is_refused(key: str, what: str, path: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match=rf"^{key}: {path}: there is no such {what}"):
        plan_build(make_launch(**{key: path}), tree())


@pytest.mark.reported("F19a")
@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("FROM a", ("a",)),
        ("# FROM x\nfrom a:1 as b\nFROM b\nFROM scratch", ("a:1",)),
        ("ARG V=1\nARG N=img:$V\nFROM --platform=$BUILDPLATFORM ${N}-slim AS x", ("img:1-slim",)),
        ("ARG V\nFROM a:${V:-2}\nFROM b:$V", ("a:2",)),
        ("FROM \\\n  # why\n  a \\\n  AS x\nCOPY --from=x / /", ("a",)),
        ("FROM a\nCOPY --chown=1 --from=uv:1 / /\nCOPY --from=0 / /", ("a", "uv:1")),
        ("FROM a\nRUN --mount=type=bind,from=tool,target=/x true", ("a", "tool")),
        ("FROM a\nFROM a", ("a",)),
        ("\ufeffFROM a\r\nCOPY --from=b \\\r\n / /\r\n", ("a", "b")),
        ("FROM a\nENV X=1\u2028FROM=b", ("a",)),
        ("FROM \\\n\n  a\\\nb \\", ("ab",)),
        ("# syntax=x\n#Escape = `\nFROM a\nCOPY b C:\\\nFROM `\nc", ("a", "c")),
        ("FROM a\n \\", ("a",)),
        ('ARG V=1\nFROM "a:$V" AS x\nFROM \'b\' AS y\nFROM "x"', ("a:1", "b")),
    ],
)
def test_which_images_a_dockerfile_stands_on(text: str, images: tuple[str, ...]) -> None:
    assert base_images(text) == images


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("FROM a\nCOPY --from=$X / /", False),
        ("FROM a AS b\nFROM b\nFROM 0", False),
        ("ARG A=a\nFROM ${A}", False),
        ("FROM --platform=x scratch AS b\nFROM b", True),
        ("FROM a\nFROM \\\n\nscr\\\natch", True),
        ("ARG A=scr\nFROM ${A}atch", True),
        ("ARG A\nFROM ${A}scratch", True),
        ("ARG A=1\nFROM ${A:+scratch}", True),
        ("FROM a AS scratch\nFROM scratch", True),
        ('FROM "scratch"', True),
    ],
)
def test_whether_a_stage_may_start_from_nothing(text: str, may: bool) -> None:
    assert may_be_from_scratch(text) is may


@pytest.mark.reported("F17")
@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("ARG BASE=a:1\nFROM $BASE", ("b:2",)),
        ("ARG BASE\nFROM $BASE", ("b:2",)),
        ("ARG BASE=a:1 TAG=x\nFROM $BASE-$TAG", ("b:2-x",)),
        ("ARG BASE=a:1\nARG OF=$BASE\nFROM ${OF}-slim", ("b:2-slim",)),
        ("FROM c\nARG BASE=a:1\nFROM $BASE", ("c",)),
    ],
)
def test_a_build_argument_stands_in_for_the_default_of_one_that_is_declared(
    text: str, images: tuple[str, ...]
) -> None:
    assert base_images(text, {"BASE": "b:2", "OTHER": "x"}) == images


def test_a_dockerfile_with_a_byte_order_mark_or_another_encoding_is_planned(tree: Tree) -> None:
    code = tree()
    (code / "D").write_bytes(b"\xef\xbb\xbfFROM a\n# Ren\xe9\n")
    assert plan(code, dockerfile="D").base_images == ("a",)


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        ({"setup.py": ""}, "setup.py may ask for packages"),
        ({"Pipfile": ""}, "Pipfile may ask for packages"),
        ({"pyproject.toml": "[project]\ndynamic = ['dependencies']"}, "project.dynamic may ask"),
        ({"setup.py": "", "requirements.txt": "."}, None),
        ({"main.py": ""}, None),
    ],
)
def test_packages_that_nobody_installs_are_warned_of(
    files: dict[str, str], warning: str | None, tree: Tree
) -> None:
    warnings = plan(tree(**files)).warnings
    assert (warning is not None and warning in warnings[0]) if warning else not warnings


@pytest.mark.reported("F20")
@pytest.mark.parametrize(
    ("files", "needed"),
    [
        ({"requirements.txt": "a @ git+https://git.example.com/a.git@v1"}, True),
        ({"requirements.txt": "-e git+ssh://git@example.com/a#egg=a"}, True),
        ({"pyproject.toml": "[project]\ndependencies = ['a @ git+https://example.com/a']"}, True),
        ({"requirements.txt": "gitpython\na @ https://example.com/git+a.whl"}, False),
    ],
)
def test_git_is_installed_where_pip_needs_it_and_only_there(
    files: dict[str, str], needed: bool, tree: Tree
) -> None:
    text = lines(tree(**files))
    stage = text.index("FROM base AS environment")
    rule = [at for at, line in enumerate(text) if line.startswith("RUN command -v git ")]
    assert [stage < at < text.index("FROM base") for at in rule] == [True] * needed


@pytest.mark.parametrize("letter", ["#", "#😀"])
def test_a_dockerfile_that_is_too_large_is_refused(letter: str, tree: Tree) -> None:
    text = letter * ((1 << 20) // len(letter.encode()) + 1)
    with pytest.raises(Rejected, match="Dockerfile: has more than 1048576 bytes"):
        plan(tree(Dockerfile=text), dockerfile="Dockerfile")


def test_the_dockerfile_that_is_sent_is_the_one_that_was_read_wherever_a_link_leads(
    tree: Tree,
) -> None:
    code = tree(**{"sub/read": "FROM a\n", "sub/sub/read": "FROM other\n"})
    (code / "sub" / "D").symlink_to("../sub/read")
    found = plan(code, build_context="sub", dockerfile="D")
    assert (found.dockerfile_name, found.base_images) == ("read", ("a",))


def test_a_dockerfile_whose_name_no_builder_can_be_told_is_refused(tree: Tree) -> None:
    code = tree(D="FROM other\n")
    (code / "D\udcff").write_text("FROM a\n")
    (code / "link").symlink_to("D\udcff")
    for name in ("D\udcff", "link"):
        with pytest.raises(Rejected, match=r"^dockerfile: D\\udcff: .* must be UTF-8"):
            plan(code, dockerfile=name)
