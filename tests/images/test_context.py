"""What of a code directory is sent to a builder."""

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ended import ends_when_cancelled

from launchkit.errors import BuildError, Rejected
from launchkit.images.build_plan import plan_build
from launchkit.images.context import BuildPlan, list_context, tar_chunks
from launchkit.testing.makers import make_launch

Tree = Callable[..., Path]


def paths(root: Path, dockerfile: str | None = None) -> list[str]:
    return [entry.path for entry in list_context(root, dockerfile)]


def planned(code: Path) -> BuildPlan:
    return plan_build(make_launch(entry_point=("python", "a.py")), code)


@pytest.mark.parametrize(
    ("rules", "sent"),
    [
        ("", "a.py d d/b.py d/e d/e/c.txt e f.txt"),
        ("# d\n\n  d  \n", "a.py e f.txt"),
        ("\ufeff/d/\r\n", "a.py e f.txt"),
        ("*.py", "d d/b.py d/e d/e/c.txt e f.txt"),
        ("**/*.py", "d d/e d/e/c.txt e f.txt"),
        ("**/e", "a.py d d/b.py f.txt"),
        ("d/**", "a.py d e f.txt"),
        ("d/**/c.txt", "a.py d d/b.py d/e e f.txt"),
        ("?.py\nd/[a-c].py", "d d/e d/e/c.txt e f.txt"),
        ("[^a].txt", "a.py d d/b.py d/e d/e/c.txt e"),
        ("*\n!d/e", "d d/e d/e/c.txt"),
        ("*\n!d\nd/e", "d d/b.py"),
        ("d\n!d/b.py", "a.py d d/b.py e f.txt"),
        ("d\n!**/c.txt\nf.txt", "a.py d d/e d/e/c.txt e"),
        ("!a.py\na.py", "d d/b.py d/e d/e/c.txt e f.txt"),
        ("./d/../a.py", "d d/b.py d/e d/e/c.txt e f.txt"),
        (r"a\.py", "d d/b.py d/e d/e/c.txt e f.txt"),
        ("*", ""),
        (".", "a.py d d/b.py d/e d/e/c.txt e f.txt"),
    ],
)
def test_dockerignore_leaves_out_what_docker_leaves_out(rules: str, sent: str, tree: Tree) -> None:
    code = tree(**{"a.py": "", "d/b.py": "", "d/e/c.txt": "", "f.txt": "", "e/": ""})
    own = tree(root=code, **{".dockerignore": f"{rules}\n.dockerignore"})
    assert " ".join(paths(own)) == sent


@pytest.mark.parametrize("line", ["[", "a\\", "!", "[b-a]"])
def test_a_malformed_rule_is_refused_with_its_line(line: str, tree: Tree) -> None:
    with pytest.raises(Rejected, match=r"^\.dockerignore:2: "):
        paths(tree(**{".dockerignore": f"ok\n{line}"}))


def test_the_dockerfile_and_its_rules_are_sent_even_if_they_are_ignored(tree: Tree) -> None:
    code = tree(**{".dockerignore": "*", "sub/Dockerfile": "", "sub/a": ""})
    assert paths(code, "sub/Dockerfile") == [".dockerignore", "sub", "sub/Dockerfile"]


def test_rules_of_a_dockerfile_stand_above_those_of_the_directory(tree: Tree) -> None:
    code = tree(**{".dockerignore": "a", "D": "", "D.dockerignore": "b", "a": "", "b": ""})
    assert paths(code, "D") == [".dockerignore", "D", "D.dockerignore", "a"]


def test_git_is_left_out_unless_it_is_asked_for(tree: Tree) -> None:
    code = tree(**{".git/HEAD": "", "sub/.git": "", "a": ""})
    assert paths(code) == ["a", "sub"]
    tree(root=code, **{".dockerignore": "!.git"})
    assert paths(code) == [".dockerignore", ".git", ".git/HEAD", "a", "sub"]


def test_links_are_sent_as_they_are_written(tree: Tree) -> None:
    code = tree(**{"d/a": "text"})
    (code / "out").symlink_to("/etc/hostname")
    (code / "way").symlink_to("d")
    found = {entry.path: entry.target for entry in list_context(code, None)}
    assert found == {"d": "", "d/a": "", "out": "/etc/hostname", "way": "d"}


def test_a_pipe_is_refused_with_its_path_unless_it_is_ignored(tree: Tree) -> None:
    code = tree(**{"d/": ""})
    os.mkfifo(code / "d" / "pipe")
    with pytest.raises(Rejected, match=r"^d/pipe: "):
        paths(code)
    tree(root=code, **{".dockerignore": "**/pipe"})
    assert paths(code) == [".dockerignore", "d"]


def test_files_without_end_are_refused_unless_they_are_ignored(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.images.context.MOST_ENTRIES", 3)
    code = tree(**{"a": "", "b/1": "", "b/2": ""})
    with pytest.raises(Rejected, match=r"^b/2: with it more than 3 files and directories"):
        list_context(code, None)
    (code / ".dockerignore").write_text("b/2\n.dockerignore\n")
    assert len(list_context(code, None)) == 3


def test_paths_that_are_too_long_together_are_refused_unless_they_are_ignored(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.images.context.MOST_PATH_BYTES", 20)
    code = tree(**{".dockerignore": ".dockerignore\n", "é": ""})
    (code / "link").symlink_to("somewhere-else")
    (code / "m").touch()
    with pytest.raises(Rejected, match=r"^é: with it the paths of .* have more than 20 bytes"):
        list_context(code, None)
    tree(root=code, **{".dockerignore": "*\n!m"})
    assert paths(code) == ["m"]


def test_the_stream_is_a_tar_without_owners_and_times(tree: Tree) -> None:
    code = tree(**{"a.py": "text", "run.sh": "go", "d/": ""})
    (code / "run.sh").chmod(0o700)
    (code / "link").symlink_to("a.py")
    data = b"".join(tar_chunks(planned(code)))
    assert len(data) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {info.name: info for info in tar}
        assert {name: oct(info.mode) for name, info in found.items()} == {
            "Dockerfile": "0o644",
            "src/a.py": "0o644",
            "src/d": "0o755",
            "src/link": "0o777",
            "src/run.sh": "0o755",
        }
        assert all((info.mtime, info.uid, info.gid) == (0, 0, 0) for info in found.values())
        assert found["src/link"].linkname == "a.py"
        assert tar.extractfile("src/a.py").read() == b"text"  # type: ignore[union-attr] # a file


def test_gnu_tar_reads_long_and_foreign_names(tree: Tree) -> None:
    name = "ü" * 100 + "/" + "x" * 120
    code = tree(**{name: "", "a.py": ""})
    done = subprocess.run(
        ["tar", "-t", "--quoting-style=literal"],
        input=b"".join(tar_chunks(planned(code))),
        capture_output=True,
        check=True,
    )
    assert f"src/{name}" in done.stdout.decode().splitlines()


def test_a_large_file_is_streamed_in_small_pieces(tree: Tree) -> None:
    code = tree(**{"a.py": ""})
    with (code / "big").open("wb") as file:
        file.truncate(5 * 1024**2 + 1)
    sizes = [len(chunk) for chunk in tar_chunks(planned(code))]
    assert sum(sizes) > 5 * 1024**2
    assert max(sizes) <= 1024**2


@pytest.mark.parametrize("text", ["", "longer than before"])
def test_a_file_that_changes_after_the_plan_fails_the_build(text: str, tree: Tree) -> None:
    code = tree(**{"a.py": "before"})
    plan = planned(code)
    (code / "a.py").write_text(text)
    with pytest.raises(BuildError, match=r"^a.py: changed while it was packed"):
        list(tar_chunks(plan))


def test_a_file_that_became_a_link_fails_the_build(tree: Tree) -> None:
    code = tree(**{"a.py": "before"})
    plan = planned(code)
    (code / "a.py").unlink()
    (code / "a.py").symlink_to("/etc/hostname")
    with pytest.raises(BuildError, match=r"^a.py: cannot be read"):
        list(tar_chunks(plan))


def test_a_context_that_is_gone_after_the_plan_fails_the_build(tree: Tree) -> None:
    code = tree(**{"a.py": "before"})
    plan = planned(code)
    code.rename(code.with_name("elsewhere"))
    with pytest.raises(BuildError, match=r"cannot be read: No such file or directory"):
        list(tar_chunks(plan))


async def test_a_context_is_listed_and_read_no_longer_than_it_is_wanted(tree: Tree) -> None:
    code = tree(**{"a.py": "", ".dockerignore": "*"})
    assert await ends_when_cancelled(partial(list_context, code, None))
    plan = planned(code)
    assert await ends_when_cancelled(lambda: list(tar_chunks(plan)))
