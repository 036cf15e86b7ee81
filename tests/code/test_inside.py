"""Code that is listed and packed while somebody changes it, or that is nested deep."""

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copy2, copystat
from typing import IO, Any

import pytest
from sources.trees import surveyed

from launchkit.code.copy_tree import copy_tree
from launchkit.code.ignore_file import MOST_BYTES, MOST_LINES
from launchkit.code.ignore_rules import MOST_RULES
from launchkit.code.inside import inside
from launchkit.code.pack import pack
from launchkit.code.remove_tree import remove_tree
from launchkit.code.survey import Entry
from launchkit.code.tar_stream import CHUNK, tar_chunks
from launchkit.errors import Rejected
from launchkit.images.context import list_context


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for name in ("code/sub/secret", "code/train.py", "foreign/secret"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "code"


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory with directories in each other, as many as a path may have."""
    root = tmp_path / "deep"
    root.mkdir()
    nest(root, 1500)
    yield root
    remove_tree(root)


def nest(root: Path, depth: int) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT, 0o600, dir_fd=here))
    os.close(here)


def packed(root: Path, entries: Sequence[Entry]) -> bytes:
    with inside(root) as tree:
        return b"".join(tar_chunks(tree, entries, ".launchkitignore"))


class Swapping(type(Path())):  # type: ignore[misc] # a path of this system
    """The file of an archive; who opens it puts a link in the place of the code."""

    def open(self, *args: Any, **options: Any) -> IO[Any]:
        code = self.parent / "code"
        code.rename(self.parent / "before")
        code.symlink_to("foreign")
        opened: IO[Any] = super().open(*args, **options)
        return opened


def test_code_whose_own_directory_became_a_link_after_it_was_listed_is_packed_as_it_was(
    code: Path, tmp_path: Path
) -> None:
    (code / "secret").write_text("its own")
    (tmp_path / "foreign" / "secret").write_text("foreign")
    pack(code, Swapping(tmp_path / "archive"))
    with tarfile.open(tmp_path / "archive") as tar:
        found = tar.extractfile("secret")
        assert found
        assert found.read() == b"its own"


def test_a_directory_that_became_a_link_after_it_was_listed_is_refused(code: Path) -> None:
    entries = surveyed(code)
    (code / "sub").rename(code / "before")
    (code / "sub").symlink_to("../foreign")
    (code / "../foreign/secret").write_text("code/sub/secret"[::-1])
    with pytest.raises(Rejected, match="sub/secret: cannot be read"):
        packed(code, entries)


@pytest.mark.parametrize("look", ["names", "facts", "target", "open"])
@pytest.mark.parametrize("depth", [1, 1200])
def test_what_stands_in_a_directory_that_was_moved_out_is_not_looked_at(
    code: Path, look: str, depth: int
) -> None:
    nest(code, depth)
    nested = "/".join("d" * depth)
    with inside(code) as tree:
        assert tree.names(nested) == ["file"]
        above = os.open(code / "/".join("d" * (depth // 2)), os.O_RDONLY)
        os.rename("d", code / "../foreign/d", src_dir_fd=above)
        os.close(above)
        moved = (code / "../foreign/d").resolve()
        within = os.open(moved / "/".join("d" * (depth - depth // 2 - 1)), os.O_RDONLY)
        os.symlink("secret", "link", dir_fd=within)
        os.close(within)
        ends = {"names": "", "target": "/link"}
        before = len([*Path("/proc/self/fd").iterdir()])
        with pytest.raises(Rejected, match="was moved or replaced"):
            getattr(tree, look)(nested + ends.get(look, "/file"))
        assert len([*Path("/proc/self/fd").iterdir()]) == before
    remove_tree(moved)
    remove_tree(code)


@pytest.mark.parametrize("moved", ["sub/secret", "sub"])
def test_what_is_moved_out_while_it_is_packed_is_refused(
    code: Path, tmp_path: Path, moved: str
) -> None:
    secret = code / "sub" / "secret"
    secret.write_bytes(bytes(3 * CHUNK))
    entries = [one for one in surveyed(code) if one.path == "sub/secret"]
    with inside(code) as tree:
        chunks = tar_chunks(tree, entries, ".launchkitignore")
        assert [len(next(chunks)) for _ in range(2)] == [512, CHUNK]
        (code / moved).rename(tmp_path / "elsewhere")
        with pytest.raises(Rejected, match=r"sub/secret: it, or .* was moved or replaced"):
            b"".join(chunks)


def test_a_file_that_became_a_directory_after_it_was_listed_is_refused(code: Path) -> None:
    entries = surveyed(code)
    (code / "train.py").unlink()
    (code / "train.py").mkdir()
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(Rejected, match=r"train.py: cannot be read: Is a directory"):
        packed(code, entries)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_link_is_no_way_into_a_directory(code: Path) -> None:
    (code / "way").symlink_to("../foreign")
    with inside(code) as tree:
        for look in (tree.names, lambda path: tree.facts(f"{path}/secret")):
            with pytest.raises(NotADirectoryError) as error:
                look("way")  # type: ignore[operator] # each takes a path
            assert error.value.filename.startswith("way")


@pytest.mark.parametrize(
    ("bound", "most"), [("MOST_NAMES", 5), ("MOST_NAME_BYTES", 11)], ids=["names", "bytes"]
)
def test_names_are_too_many_or_too_long_in_all_directories_together(
    bound: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("a", "é"):
            (tmp_path / folder / name).touch()
    monkeypatch.setattr(f"launchkit.code.inside.{bound}", most)
    with inside(tmp_path) as tree:
        assert [tree.names(folder) for folder in ("", "one")] == [["one", "two"], ["a", "é"]]
        with pytest.raises(Rejected, match=f"^two: with what is in it .* more than {most}"):
            tree.names("two")
    monkeypatch.setattr(f"launchkit.code.inside.{bound}", most + 2)
    copy_tree(tmp_path, tmp_path.with_name("copy"), put_file=copy2, put_mode=copystat)
    monkeypatch.setattr(f"launchkit.code.inside.{bound}", most)
    for call in (surveyed, lambda root: list_context(root, None)):
        with pytest.raises(Rejected, match=r"^two: "):
            call(tmp_path)
    with pytest.raises(Rejected, match=r"^two: "):
        copy_tree(tmp_path, tmp_path.with_name("other"), put_file=copy2, put_mode=copystat)


def test_as_many_directories_are_read_as_there_are(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"d{number}" / "e").mkdir(parents=True)
    with inside(tmp_path) as tree:
        before = len([*Path("/proc/self/fd").iterdir()])
        assert [tree.names(f"d{number}/e") for number in range(100)] == [[]] * 100
        assert len([*Path("/proc/self/fd").iterdir()]) - before < 40


def test_code_that_is_nested_deep_is_packed(deep: Path, tmp_path: Path) -> None:
    entries = surveyed(deep)
    assert len(entries) == 1501
    with tarfile.open(fileobj=io.BytesIO(packed(deep, entries))) as tar:
        assert len(tar.getnames()) == 1501
    pack(deep, tmp_path / "archive")
    assert len(list_context(deep, None)) == 1501


def test_code_that_is_nested_deeper_than_a_path_is_refused_by_name(tmp_path: Path) -> None:
    root = tmp_path / "deeper"
    root.mkdir()
    nest(root, 3000)
    for listed in (lambda: surveyed(root), lambda: list_context(root, None)):
        with pytest.raises(Rejected, match=r"^… \(\d+ characters\): the path has \d+ bytes"):
            listed()
    remove_tree(root)


@pytest.mark.parametrize("text", ["x" * MOST_BYTES + "\n", "\n" * MOST_LINES, "*a" * 3000])
@pytest.mark.parametrize("name", [".gitignore", ".launchkitignore", ".dockerignore"])
def test_rules_without_end_are_refused(code: Path, name: str, text: str) -> None:
    (code / name).write_text(f"{text}x")
    with pytest.raises(Rejected, match=rf"^{name}: has more than"):
        list_context(code, None) if name == ".dockerignore" else surveyed(code)


def ruled(folder: Path, lines: Sequence[str], name: str = ".gitignore") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines))
    (folder / "file").touch()


def test_rules_of_all_levels_above_a_file_are_bounded_together(code: Path) -> None:
    many = [f"x{n}" for n in range(MOST_LINES)]
    ruled(code, many)
    ruled(code / "a", many, ".launchkitignore")
    for beside in ("b", "c"):
        ruled(code / beside, many)
    assert len(surveyed(code)) == 14
    ruled(code / "a" / "d", ["one more"])
    with pytest.raises(Rejected, match=r"^a/d/\.gitignore: with it more than 4000 rules hold"):
        surveyed(code)


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (MOST_RULES // MOST_LINES, [f"x{n}" for n in range(MOST_LINES)]),
        (16, ["#" + "x" * 4000] * 15),
    ],
)
def test_the_ignore_files_of_all_directories_are_bounded_together(
    code: Path, files: int, lines: Sequence[str]
) -> None:
    for number in range(files):
        ruled(code / f"d{number:02}", lines)
    surveyed(code)
    ruled(code / "last", lines)
    with pytest.raises(Rejected, match=r"^last/\.gitignore: with it the ignore files of the code"):
        surveyed(code)


def test_a_file_of_rules_that_has_no_end_on_the_disk_is_not_read_to_it(code: Path) -> None:
    with (code / ".gitignore").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Rejected, match=r"^\.gitignore: has more than"):
        surveyed(code)
