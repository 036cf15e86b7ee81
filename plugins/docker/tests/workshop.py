"""Code that becomes an image without a network, and scripts that become runs."""

import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import anyio
from docker_engine import Engine
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.model import BuildRequest, Submission
from launchkit.testing import make_submission

WAITS = "trap 'exit 0' TERM; echo ready; sleep 600 & wait"
"""Says so when it waits, and ends well when it is told to."""

Make: TypeAlias = Callable[..., BuildRequest]
"""Makes a request from the lines of a Dockerfile and other fields."""

BUSYBOX = Path("/bin/busybox")
SHELL = "FROM scratch\nCOPY busybox /bin/\n"
OWN_SHELL = "FROM scratch\nLABEL {0}={1}\nCOPY busybox label /bin/\n"
LABEL = "launchkit-test"
"""A label that says which test an image is of."""
TOUCH = 'RUN ["/bin/busybox", "touch", "/made"]\n'


def write_code(path: Path, dockerfile: str, *, label: str = "", **files: str) -> Path:
    """A directory whose Dockerfile starts from busybox alone, so that `RUN [...]` works. With a
    label of its own it shares no layer with others, who might remove it during the build.
    """
    path.mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, path / "busybox")
    (path / "label").write_text(label)
    shell = OWN_SHELL.format(LABEL, label) if label else SHELL
    (path / "Dockerfile").write_text(shell + dockerfile)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


class Scripts:
    """Makes submissions of shell scripts, and looks at their containers from outside."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self.image = engine, image
        self.label = f"launchkit-test={uuid4().hex}"

    def __call__(self, script: str, **options: object) -> Submission:
        args = {"network": "none", "label": self.label}
        args |= {name.replace("_", "-"): value for name, value in options.items()}
        return make_submission("/bin/sh", "-c", script, image=self.image, resource_args=args)

    def inspect(self, name: str) -> dict[str, Any] | None:
        """The container of that name, if there is one."""
        answer = self.engine.http.get(f"/containers/{name}/json")
        found: dict[str, Any] = answer.json()
        return found if answer.is_success else None

    def do(self, name: str, action: str) -> None:
        """Have something done to a container by somebody else."""
        self.engine.http.post(f"/containers/{name}/{action}").raise_for_status()

    def remove(self) -> None:
        """Remove all containers."""
        self.engine.remove_containers(**dict([self.label.split("=")]))


async def read(run: Run, offset: int = 0, to: bytes | None = None) -> bytes:
    """What the run prints, to its end or the first piece with *to*."""
    data = b""
    with anyio.fail_after(PATIENCE):
        async with aclosing(run.logs(offset)) as chunks:
            async for chunk in chunks:
                assert chunk.offset == offset + len(data)
                data += chunk.data
                if to and to in data:
                    break
    return data
