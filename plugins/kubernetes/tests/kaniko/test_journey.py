"""A launch that goes all the way: from a git repository to an image, to a Job that runs it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import launchkit_kubernetes
from waiting import until

import launchkit
from launchkit import Agent, LaunchHandle
from launchkit.model import ItemState
from launchkit.plugins import Plugins
from launchkit.settings import load_settings

from .conftest import LOGIN, Left
from .registries import NearRegistry

DOCKERFILE = 'FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT ["/bin/busybox"]\n'
ENTRY = ["/bin/busybox", "sh", "-c", "echo it ran in the image"]


def repository(root: Path) -> str:
    root.mkdir()
    shutil.copy("/bin/busybox", root / "busybox")
    (root / "Dockerfile.launchkit").write_text(DOCKERFILE)
    for command in ("init --quiet -b main", "add .", "commit --quiet -m code"):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", root, *who, *command.split()], check=True)
    return root.as_uri()


def config(folder: Path, settings: dict[str, Any], near: NearRegistry, word: str) -> Path:
    access = {key: settings[key] for key in ("config_file", "namespace")}
    user, password = LOGIN
    path = folder / "launch-config.yaml"
    content = {
        "backend": f"sqlite:///{folder}/launchkit.db",
        "queues": ["q"],
        "state_dir": str(folder / "state"),
        "cache_dir": str(folder / "cache"),
        "builder": {"type": "kaniko", **settings},
        "registry": {
            "type": "oci",
            "uri": f"{near.host}/{word}",
            "username": user,
            "password": password,
        },
        "runners": {"kubernetes": access},
    }
    path.write_text(json.dumps(content))
    return path


async def printed(run: LaunchHandle) -> str:
    return "\n".join([line async for line in run.logs(follow=True)])


async def test_a_repository_becomes_an_image_and_a_job_and_the_next_launch_builds_nothing(
    settings: dict[str, Any], near: NearRegistry, word: str, tmp_path: Path, left: Left
) -> None:
    loaded = load_settings(config(tmp_path, settings, near, word), environ={}).settings
    uri = repository(tmp_path / "repository")
    async with launchkit.connect(f"sqlite:///{tmp_path}/launchkit.db") as client:
        spec = {"ttlSecondsAfterFinished": 0}
        await client.create_queue("q", "kubernetes", {"spec": spec})
        plugins = Plugins(launchkit_kubernetes, entry_points=False)
        async with Agent(loaded, plugins=plugins):
            for expected in ("building image", "is there already: nothing to build"):
                run = await client.launch("q", uri=uri, entry_point=ENTRY)
                with anyio.fail_after(150):
                    ended = await run.wait()
                told = await printed(run)
                assert ended.state is ItemState.FINISHED, told
                assert expected in told
                assert told.rstrip().endswith("it ran in the image")
            await until(lambda: not [one for one in left() if not one.startswith("secrets/")])
