"""An image that stands in for Kaniko's executor: Buildah of this machine, behind the same flags."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from docker_engine import Engine
from services import skip_without

SCRIPT = Path(__file__).with_name("executor")
APPLETS = ("sh", "cat", "tar", "gzip", "mkdir", "sleep", "dd", "wget", "sed")
FOLDERS = ("tmp", "run", "root", "var/tmp", "var/lib")
FILES = {
    "etc/containers/policy.json": json.dumps({"default": [{"type": "insecureAcceptAnything"}]}),
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
}


@contextmanager
def executor_image(engine: Engine, folder: Path) -> Iterator[str]:
    """The name of such an image that an Engine has; removed at the end. A test on a machine that
    has no Buildah is skipped.
    """
    buildah = shutil.which("buildah")
    if buildah is None:
        skip_without("buildah, which stands in for Kaniko's executor")
    name = f"launchkit-test-executor-{uuid4().hex[:8]}:1"
    path = folder / "executor.tar"
    with tarfile.open(path, "w") as tar:
        for program in (buildah, *_libraries(buildah)):
            tar.add(Path(program).resolve(), program.lstrip("/"))
        tar.add("/bin/busybox", "bin/busybox")
        tar.add(SCRIPT, "kaniko/executor")
        for folder_name in FOLDERS:
            member = tarfile.TarInfo(folder_name)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for applet in APPLETS:
            member = tarfile.TarInfo(f"bin/{applet}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(member)
        for file, text in FILES.items():
            member = tarfile.TarInfo(file)
            member.size = len(text)
            tar.addfile(member, BytesIO(text.encode()))
    engine.load(path, name)
    path.unlink()
    try:
        yield name
    finally:
        engine.remove(name)


def _libraries(program: str) -> list[str]:
    """The files that the loader would load for a program, and the loader."""
    done = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", done.stdout)
