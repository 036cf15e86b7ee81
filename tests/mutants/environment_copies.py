"""Copies that are none."""

import os
import shutil
import time
from pathlib import Path


def link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.symlink_to(source)


def hard_link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.link(source, target, follow_symlinks=False)


def update(source: Path, target: Path) -> None:
    same = target.exists() and target.stat().st_size == source.stat().st_size
    if not same:
        shutil.copyfile(source, target)


def newer(source: Path, target: Path) -> None:
    if not target.exists() or target.stat().st_mtime <= source.stat().st_mtime:
        shutil.copyfile(source, target)


def append(source: Path, target: Path) -> None:
    with target.open("ab") as file:
        file.write(source.read_bytes())


def over(source: Path, target: Path) -> None:
    """What is longer keeps its end."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as file:
        file.write(source.read_bytes())


def exclusive(source: Path, target: Path) -> None:
    with target.open("xb") as file:
        file.write(source.read_bytes())


def by_chunks(source: Path, target: Path) -> None:
    data = source.read_bytes()
    with target.open("wb") as file:
        for start in range(0, len(data), 1 << 16):
            file.write(data[start : start + (1 << 16)])
            file.flush()
            time.sleep(0.0005)


def remove_first(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    time.sleep(0.005)
    shutil.copyfile(source, target)


def part_beside(source: Path, target: Path) -> None:
    """All that go to one place share a part."""
    part = target.with_name(f"{target.name}.part")
    by_chunks(source, part)
    part.replace(target)


def touch(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    os.utime(source)


def widen(source: Path, target: Path) -> None:
    source.chmod(0o644)
    shutil.copyfile(source, target)


def locked(source: Path, target: Path) -> None:
    source.with_name(f"{source.name}.uploaded").touch()
    shutil.copyfile(source, target)


def moved(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    source.unlink()


def flat(target: Path) -> Path:
    return next(each for each in target.parents if each.name == "storage") / target.name
