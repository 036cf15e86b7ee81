"""Tags of images: equal for what builds to the same image, and for nothing else."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchkit.images.build_plan import plan_build
from launchkit.images.tag import image_tag
from launchkit.testing.makers import make_launch

Tree = Callable[..., Path]

BUILD: dict[str, Any] = {
    "base_digests": {"python:3.11-slim": "sha256:1"},
    "platform": None,
    "build_args": {},
    "builder_version": "1",
}


def tag(code: Path, *, entry_point: tuple[str, ...] = ("python", "a.py"), **changes: Any) -> str:
    launch = make_launch(entry_point=entry_point, runtime="3.11")
    return image_tag(plan_build(launch, code), **{**BUILD, **changes})


def test_a_tag_is_twenty_hex_digits(tree: Tree) -> None:
    assert re.fullmatch("[0-9a-f]{40}", tag(tree(**{"a.py": "x"})))


def test_the_same_code_elsewhere_at_another_time_has_the_same_tag(tree: Tree) -> None:
    one, other = (tree(**{"a.py": "x", "d/b": "y"}) for _ in range(2))
    os.utime(other / "a.py", (1, 1))
    (other / "a.py").chmod(0o600)
    (other / "d").chmod(0o700)
    assert tag(one) == tag(other)


def test_this_tag_never_changes_by_itself(tree: Tree) -> None:
    assert (
        tag(tree(**{"a.py": "x", "Dockerfile.launchkit": "FROM scratch"}))
        == "6815c788f4def4a541b3371dd789f5ddc9345c4a"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda code: (code / "a.py").write_text("z"),
        lambda code: (code / "a.py").chmod(0o755),
        lambda code: (code / "a.py").rename(code / "c.py"),
        lambda code: (code / "new").mkdir(),
        lambda code: (code / "new").symlink_to("a.py"),
        lambda code: (code / "requirements.txt").write_text("numpy"),
        lambda code: (code / "Dockerfile.launchkit").write_text("FROM scratch"),
    ],
)
def test_another_source_has_another_tag(change: Callable[[Path], None], tree: Tree) -> None:
    code = tree(**{"a.py": "x"})
    before = tag(code)
    change(code)
    assert tag(code) != before


@pytest.mark.parametrize(
    "changes",
    [
        {"base_digests": {"python:3.11-slim": "sha256:2"}},
        {"platform": "linux/arm64"},
        {"build_args": {"A": "1"}},
        {"builder_version": "2"},
        {"entry_point": ("python", "b.py")},
    ],
)
def test_another_build_has_another_tag(changes: dict[str, Any], tree: Tree) -> None:
    code = tree(**{"a.py": "x"})
    assert tag(code, **changes) != tag(code)


def test_what_is_ignored_does_not_count(tree: Tree) -> None:
    code = tree(**{"a.py": "x", ".dockerignore": "*.log"})
    before = tag(code)
    tree(root=code, **{"run.log": "text", ".git/index": "text"})
    assert tag(code) == before
