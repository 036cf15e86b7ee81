"""The main job, from an empty directory to two trained models; each command is shown first.

Everything is kept in a temporary directory: the queue's file, the agent's state, the repository.
Where a Docker Engine answers, images are built and run there; else the jobs are
local processes. Ends with a code other than 0 if anything is not as it should be.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiodocker
import anyio
from launchkit_docker.builder import DockerBuilder

TRAIN = Path(__file__).parent / "train"

PYTHON = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
"""What images for this Python are built on."""

PROCESSES = """\
env:
  EFFORT: "{{effort}}"
limits:
  cpu_time: "{{cpu_seconds}}"
"""
CONTAINERS = """\
env: ["EFFORT={{effort}}"]
ulimit: ["cpu={{cpu_seconds}}"]
volume: HOME/results:/results
"""
VARIABLES = """\
effort: {type: string, enum: [quick, thorough], default: quick}
cpu_seconds: {type: integer, minimum: 1, maximum: 600, default: 60}
"""
LAUNCH = """\
overrides:
  run_config: {epochs: 12, learning_rate: 0.2}
"""


class Demo:
    """A directory with its own queue and its own settings, and commands that run in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        results = home / "results"
        results.mkdir()
        self.seen_as = str(results)
        results.chmod(0o777)  # containers write as another user
        self.env = {name: value for name, value in os.environ.items() if not _ours(name)}
        self.env["LAUNCHKIT_CONFIG"] = str(home / "launch-config.yaml")
        settings = {
            "backend": f"sqlite:///{home / 'queue.db'}",
            "state_dir": str(home / "state"),
            "cache_dir": str(home / "cache"),
        }
        self.write("launch-config.yaml", json.dumps(settings))

    def write(self, name: str, text: str) -> None:
        """Put a file into the directory."""
        (self.home / name).write_text(text)

    def show(self, command: str) -> None:
        """Show a command and run it; what it prints goes where this program's output goes."""
        self._done(command, None)

    def run(self, command: str, *, quiet: bool = False) -> str:
        """Show a command and run it; give what it printed, and unless *quiet* show that too."""
        printed = self._done(command, subprocess.PIPE)
        print("…" if quiet else printed.rstrip(), flush=True)
        return printed

    def _done(self, command: str, stdout: int | None) -> str:
        print(f"\n$ {command}", flush=True)
        words = shlex.split(command)
        if words[0] == "launchkit":
            words = [sys.executable, "-m", *words]
        done = subprocess.run(
            words, cwd=self.home, env=self.env, stdout=stdout, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"demo: this ended with exit code {done.returncode}: {command}")
        return done.stdout or ""


async def docker_is_ready() -> bool:
    """Whether a Docker Engine answers that has, or can get, what images are built on."""
    if not await DockerBuilder().works_here():
        print("Runs local processes, not containers: no Docker Engine answers", flush=True)
        return False
    try:
        async with aiodocker.Docker() as engine:
            if not await is_there(engine, PYTHON):
                print(f"Docker gets {PYTHON}; this may take a minute", flush=True)
                await engine.images.pull(PYTHON)
    except (aiodocker.DockerError, OSError, ValueError) as exc:
        print(f"Runs local processes, not containers: {exc}", flush=True)
        return False
    return True


async def is_there(engine: aiodocker.Docker, image: str) -> bool:
    """Whether the Engine has an image already."""
    try:
        await engine.images.inspect(image)
    except aiodocker.DockerError as exc:
        if exc.status != 404:
            raise
        return False
    return True


async def remove_image(name: str) -> None:
    """Leave nothing behind; the layers below it stay for as long as Docker wants."""
    async with aiodocker.Docker() as engine:
        await engine.images.delete(name)


def make_repository(demo: Demo) -> str:
    """A git repository with the training script; gives its address."""
    shutil.copytree(TRAIN, demo.home / "train")
    demo.show("git -C train init --quiet --initial-branch main")
    demo.show("git -C train add train.py")
    who = "-c user.name=demo -c user.email=demo@example.com"
    demo.show(f"git -C train {who} commit --quiet --message 'Fit a line'")
    return (demo.home / "train").as_uri()


def launch(demo: Demo, uri: str, name: str, options: str) -> str:
    """Launch the training script; gives the launch's id."""
    return demo.run(
        f"launchkit launch -q train -u {uri} -E 'python train.py' -c launch.yaml --name {name}"
        f" --env RESULT={demo.seen_as}/{name}.json {options} --output name"
    ).strip()


def require(holds: bool, what: str) -> None:
    """End the demo unless *holds*."""
    if not holds:
        sys.exit(f"demo: this does not hold: {what}")


def check(demo: Demo, item_id: str, name: str) -> dict[str, Any]:
    """See that a launch did all that it should; gives what is known of it."""
    item: dict[str, Any] = json.loads(
        demo.run(f"launchkit show {item_id} --output json", quiet=True)
    )
    require(item["state"] == "finished", f"{name} is {item['state']}: {item['verdict']}")
    require(item["exit_code"] == 0, f"{name} ended with exit code {item['exit_code']}")
    result = json.loads((demo.home / "results" / f"{name}.json").read_text())
    require(result["loss"] < 1, f"{name} has learned: {result}")
    return item


def main() -> None:
    """Run the demo in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="launchkit-demo-") as folder:
        demo = Demo(Path(folder))
        uri = make_repository(demo)
        containers = anyio.run(docker_is_ready)
        queue = CONTAINERS.replace("HOME", folder) if containers else PROCESSES
        resource = "local-container" if containers else "local-process"
        demo.write("queue.yaml", queue)
        demo.write("variables.yaml", VARIABLES)
        demo.write("launch.yaml", LAUNCH)
        demo.show(
            f"launchkit queue create train --resource {resource} --config queue.yaml"
            " --template-variables variables.yaml --prioritization"
        )
        if containers:
            demo.seen_as = "/results"
        patient = launch(demo, uri, "patient", "--priority low --set-var effort=thorough")
        urgent = launch(demo, uri, "urgent", "--priority high --set-var cpu_seconds=30")
        demo.show("launchkit ls")
        demo.show("launchkit agent -q train --exit-when-idle")
        demo.show(f"launchkit show {urgent}")
        log = demo.run(f"launchkit logs {urgent}")
        require("epoch 12" in log, "the log is complete")
        first, second = check(demo, urgent, "urgent"), check(demo, patient, "patient")
        require(first["started_at"] < second["started_at"], "what was urgent ran first")
        if containers:
            anyio.run(remove_image, first["resolved"]["image"])
        print("\ndemo: all is as it should be; next: docs/tutorial/first-launch.md")


def _ours(name: str) -> bool:
    return name.startswith(("LAUNCHKIT_", "WANDB_"))


if __name__ == "__main__":
    main()
