"""What `launchkit doctor` tells of the Docker Engine."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Finding
from launchkit.plain_text import shortened
from launchkit_docker.engine.client import EngineClient, EngineError, understood
from launchkit_docker.gpus.inventory import find_gpus

ANSWER_SECONDS = 5.0
LOW_SPACE = 5 * 1024**3
NVIDIA = "nvidia"
PODMAN = "Podman"
PODMAN_LACKS = (
    "it has no BuildKit and no log driver `local`, and may lose an event, so that an end is noticed"
    " up to a minute later"
)


async def engine_findings(engine: EngineClient) -> Sequence[Finding]:
    """Whether it answers, whether it can give GPUs to containers, and whether its disk has room."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            about = await engine.info()
            version = await engine.json("version")
        with understood():
            what, size, root = engine_name(version), _size(about), Path(about["DockerRootDir"])
            gives = NVIDIA in (about.get("Runtimes") or {})
            gives_by_default = about.get("DefaultRuntime") == NVIDIA
    except (EngineError, TimeoutError) as exc:
        hint = "start it, or let this user reach its socket (group docker); see DOCKER_HOST"
        message = f"no Docker Engine answers: {exc}"
        return [Finding(level="warning", subject="docker", message=message, hint=hint)]
    found = [Finding(level="ok", subject="docker", message=f"{what} {size}")]
    if what == PODMAN:
        found.append(_podman())
    found.append(_gpus(await find_gpus(), gives=gives))
    if gives_by_default:
        found.append(_given_by_default())
    if not engine.is_local:
        return found
    return [*found, *await run_sync(_room, root)]


def _size(about: Mapping[str, Any]) -> str:
    memory = about["MemTotal"] / 2**30
    version, cpus = shortened(str(about["ServerVersion"])), shortened(str(about["NCPU"]))
    return f"{version} answers, {cpus} CPUs, {memory:.0f} GiB of memory"


def engine_name(version: Mapping[str, Any]) -> str:
    """What answers, by its answer to `GET /version`."""
    names = [str(each.get("Name", "")) for each in version.get("Components") or ()]
    return PODMAN if any(name.startswith(PODMAN) for name in names) else "Docker Engine"


def _podman() -> Finding:
    """What its service, which speaks Docker's API, cannot do."""
    return Finding(
        level="warning",
        subject="docker by Podman",
        message=PODMAN_LACKS,
        hint="run Docker's own Engine where that counts",
    )


def _gpus(found: Mapping[str, str], *, gives: bool) -> Finding:
    """What there is, and whether the Engine can give it to containers."""
    listed = ", ".join(f"{index} ({uuid})" for index, uuid in found.items())
    if found and not gives:
        return Finding(
            level="warning",
            subject="docker GPUs",
            message=f"the Engine cannot give them to containers: {listed}",
            hint="install the NVIDIA container toolkit, and add its runtime to the Engine",
        )
    nothing = "nvidia-smi lists none" if gives else "none"
    return Finding(level="ok", subject="docker GPUs", message=listed or nothing)


def _given_by_default() -> Finding:
    """That a variable gives GPUs, too, whoever has them."""
    return Finding(
        level="warning",
        subject="docker GPUs by default",
        message="the Engine's default runtime gives each container the GPUs that its variable"
        " NVIDIA_VISIBLE_DEVICES names, as images and launches set it, also those of other runs",
        hint="take default-runtime out of the Engine's daemon.json: queues get GPUs by gpus",
    )


def _room(root: Path) -> Sequence[Finding]:
    """What is left of the disk with the images, if it can be seen."""
    try:
        free = shutil.disk_usage(root).free
    except OSError:
        return ()
    message = f"{root} has {free / 1024**3:.1f} GiB free"
    if free >= LOW_SPACE:
        return [Finding(level="ok", subject="docker disk", message=message)]
    hint = "remove images that are not used: docker image prune"
    return [Finding(level="warning", subject="docker disk", message=message, hint=hint)]
