"""A stand-in for the official Python images, made of the interpreter that runs the tests.

It lets builds and jobs be tested where no registry with the official ones can be reached: the
interpreter and its standard library, the shared libraries that they need, and BusyBox.
"""

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker_engine import Engine
from shared import in_use, one_at_a_time

BUSYBOX = Path("/bin/busybox")
APPLETS = ("cat", "chmod", "cp", "echo", "env", "false", "id", "kill", "ls", "mkdir", "rm", "sh")
MORE_APPLETS = ("sleep", "test", "touch", "true", "wc")
LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "lib2to3", "turtledemo", "__pycache__"}
FOREIGN = {"site-packages", "dist-packages", "ensurepip"}
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
REF = f"python:{VERSION}-slim"


LABEL = "launchkit.stand-in"


@contextmanager
def available(engine: Engine, folder: Path) -> Iterator[str]:
    """The name of the image: the official one where the engine has it, else one like it, which
    goes with the last of the test runs that use it.
    """
    with in_use("python-image") as is_last:
        with one_at_a_time("python-image-load"):
            if not engine.has(REF):
                write_image(folder / "python.tar")
                engine.load(folder / "python.tar", REF, f"LABEL {LABEL}=1")
        yield REF
        if is_last() and LABEL in engine.labels(REF):
            engine.remove(REF)


def write_image(path: Path) -> None:
    """Write the file system of the image as a tar file."""
    program = Path(sys.base_prefix, "bin", f"python{VERSION}").resolve()
    library = Path(sys.base_prefix, "lib", f"python{VERSION}")
    modules = sorted(library.glob("lib-dynload/*.so"))
    files = {program, *modules, *shared_libraries(program, *modules), *sources(library), BUSYBOX}
    with tarfile.open(path, "w", dereference=True) as tar:
        for file in sorted(files):
            tar.add(file, arcname=str(file).lstrip("/"), recursive=False)
        directory(tar, "tmp", 0o1777)
        text(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\n")
        text(tar, "etc/group", "root:x:0:\n")  # BuildKit looks for it
        for name in (*APPLETS, *MORE_APPLETS):
            link(tar, f"bin/{name}", "busybox")
        for name in {"python", "python3", f"python{VERSION}"} - {program.name}:
            link(tar, f"usr/local/bin/{name}", str(program))
        link(tar, f"usr/local/bin/{program.name}", str(program))


def shared_libraries(*programs: Path) -> set[Path]:
    """The libraries that the loader would take for them, and the loader."""
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"(?:=> |^\s+)(/[^\s:]+)", told, re.MULTILINE)
    return {Path(name) for name in found if Path(name).is_file()}


def sources(library: Path) -> Iterator[Path]:
    """The files of the standard library, without those of other packages."""
    for file in library.rglob("*"):
        parts = set(file.relative_to(library).parts)
        config = any(part.startswith("config-") for part in parts)
        if not (parts & (LEFT_OUT | FOREIGN) or config or file.is_dir() or file.suffix == ".a"):
            yield file


def directory(tar: tarfile.TarFile, name: str, mode: int) -> None:
    """Add an empty directory."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def text(tar: tarfile.TarFile, name: str, content: str) -> None:
    """Add a small file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content.encode()), 0o644
    tar.addfile(info, io.BytesIO(content.encode()))


def link(tar: tarfile.TarFile, name: str, target: str) -> None:
    """Add a symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)
