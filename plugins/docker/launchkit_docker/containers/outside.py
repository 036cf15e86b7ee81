"""The paths of an agent that is in a container itself, as its Engine knows them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from launchkit.errors import SubmitError
from launchkit_docker.engine.client import EngineClient, understood

MOUNTINFO = Path("/proc/self/mountinfo")
_LAID_IN = re.compile(
    r"^\S+ \S+ \S+ \S*containers/([0-9a-f]{64})/\S* /etc/(?:hosts|hostname|resolv\.conf) ",
    re.MULTILINE,
)
"""A file that Docker or Podman has laid into a container, out of a folder of its id (proc(5))."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A directory of the Engine's machine that is seen in the agent's container."""

    inside: Path
    outside: Path


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Where the agent's files are for its Engine."""

    container: str = ""
    """The name of the agent's own container; empty: it is in none of this Engine's."""
    mounts: Sequence[Mount] = field(default=())

    def path(self, inside: Path) -> Path:
        """The path by which the Engine knows a file of the agent.

        :raises SubmitError: if it has none.
        """
        if not self.container:
            return inside
        found = [mount for mount in self.mounts if inside.is_relative_to(mount.inside)]
        if not found:
            raise SubmitError(
                f"the agent runs in container {self.container}, and the Docker Engine cannot see"
                f" {inside} in it: code cannot be laid into another container",
                hint="start the agent with a volume for its state_dir: docker run -v NAME:DIR",
            )
        nearest = max(found, key=lambda mount: len(mount.inside.parts))
        return nearest.outside / inside.relative_to(nearest.inside)


async def outside(engine: EngineClient) -> Outside:
    """Look whether the agent is in a container of this Engine.

    :raises EngineError: if the Engine does not say.
    """
    container_id = own_id(await run_sync(_mountinfo))
    if container_id is None:
        return Outside()
    path, none_for = f"containers/{container_id}/json", {HTTPStatus.NOT_FOUND}
    seen = await engine.json(path, none_for=none_for)
    with understood():
        return Outside() if seen is None else _decoded(seen)


def own_id(mountinfo: str) -> str | None:
    """The id of the container whose mounts these are."""
    found = _LAID_IN.search(mountinfo)
    return found[1] if found else None


def _decoded(seen: Mapping[str, Any]) -> Outside:
    mounts = [
        Mount(inside=Path(each["Destination"]), outside=Path(each["Source"]))
        for each in seen.get("Mounts") or ()
        if each.get("Source")
    ]
    return Outside(container=str(seen["Name"]).removeprefix("/"), mounts=mounts)


def _mountinfo() -> str:
    try:
        return MOUNTINFO.read_text(errors="replace")
    except OSError:  # this is no Linux
        return ""
