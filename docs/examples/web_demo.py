"""The web app with something in it: a queue service, an agent, three queues, and launches that
wait, run, are held, and have ended well and badly. It goes on until it is interrupted.

Everything is kept in a temporary directory, which goes with it, as do all processes, also at
SIGTERM.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

CODE = Path(__file__).parent / "web"
PATIENCE_SECONDS = 120
ENOUGH = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LAUNCH_FAILED = 1
CONFIG = """\
env:
  INSTANCE: "{{aws_instance}}"
  EPOCHS: "{{epochs}}"
"""
VARIABLES = """\
aws_instance: {type: string, enum: [ml.p3.2xlarge, ml.m4.xlarge], description: what it trains on}
epochs: {type: integer, minimum: 1, maximum: 1000, default: 5}
"""
QUEUES = (
    "train --resource local-process --prioritization --config q.yaml --template-variables v.yaml",
    "sweep --resource local-process --max-concurrent 1",
    "night --resource local-process",
)
LONG = "--set-var epochs=1000 --env EPOCH_SECONDS=2"
BRIEF = (
    "-q train --name resnet-lr3 --set-var aws_instance=ml.m4.xlarge",
    "-q train --name bert-finetune --set-var aws_instance=ml.p3.2xlarge --env BREAKS_AT=3",
)
LAUNCHES = (
    f"-q train --name vit-large --set-var aws_instance=ml.p3.2xlarge --priority high {LONG}",
    f"-q train --name unet-urgent --set-var aws_instance=ml.m4.xlarge --priority critical {LONG}",
    "-q sweep --name sweep-1 --env EPOCHS=1000 --env EPOCH_SECONDS=3",
    "-q sweep --name sweep-2",
    "-q sweep --name sweep-3",
    "-q night --name nightly-eval",
    "-q night --name checked-by-hand",
    "-q night --name not-needed",
)
AFTERWARDS = (
    "hold checked-by-hand --reason 'look at the data first'",
    "stop not-needed --reason 'was launched twice'",
)
LAST = "stop --all --yes --now --reason 'the demo is over' --queue"


class Enough(BaseException):
    """Somebody said that it is enough: no fault, so nothing that handles faults may take it."""


@contextmanager
def until_enough() -> Iterator[None]:
    """Leave what is inside at the first signal; after it, signals change nothing."""

    def ignore(_number: int, _frame: object) -> None:
        """Unlike `SIG_IGN`, this is not handed down to the commands that end things."""

    def told(_number: int, _frame: object) -> None:
        handle(ignore)
        raise Enough

    handle(told)
    try:
        yield
    except Enough:
        print("demo: ends what it has begun", flush=True)
    finally:
        handle(ignore)


def handle(handler: Callable[[int, object], None]) -> None:
    """Call *handler* at each signal that says that it is enough."""
    for number in ENOUGH:
        signal.signal(number, handler)


def end(process: subprocess.Popen[bytes]) -> None:
    """Tell a process to end; what does not is killed."""
    for number in (
        signal.SIGTERM,
        signal.SIGTERM,
        signal.SIGKILL,
    ):  # an agent hurries at the second
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
            return
    process.wait()


class Demo:
    """A folder with a service, and commands that reach it."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.token_file = home / "admin-token"
        own = {
            name: value for name, value in os.environ.items() if not name.startswith("LAUNCHKIT_")
        }
        self.env = {
            **own,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "LAUNCHKIT_BACKEND": f"http://127.0.0.1:{port}",
            "LAUNCHKIT_TOKEN_FILE": str(self.token_file),
            "LAUNCHKIT_ENTITY": "demo",
        }
        self.url = self.env["LAUNCHKIT_BACKEND"]

    def run(self, command: str) -> None:
        """Show a command of launchkit, and run it."""
        print(f"$ launchkit {command}", flush=True)
        words = [sys.executable, "-m", "launchkit", "--quiet", *shlex.split(command)]
        done = subprocess.run(
            words,
            cwd=self.home,
            env=self.env,
            check=False,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        if done.returncode not in {0, LAUNCH_FAILED}:
            sys.exit(f"demo: this ended with exit code {done.returncode}: {command}")

    @contextmanager
    def beside(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command for as long as the context lasts; what it says goes into a file."""
        words = [sys.executable, "-m", "launchkit", *shlex.split(command)]
        with (self.home / f"{shlex.split(command)[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                words,
                cwd=self.home,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo: what it has begun, it ends
            )
        try:
            yield process
        finally:
            end(process)

    def wait_until_ready(self, service: subprocess.Popen[bytes]) -> None:
        """Wait until the service answers, and not another one that has its port."""
        until = time.monotonic() + PATIENCE_SECONDS
        while service.poll() is None and time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if self.token_file.exists() and httpx.get(f"{self.url}/readyz").is_success:
                    return
            time.sleep(0.1)
        said = (self.home / "server.log").read_text()
        sys.exit(f"demo: the service does not answer; --port names another port:\n{said}")


def make_queues(demo: Demo) -> None:
    """Make the queues: one with a template, one with a limit, one that is paused."""
    (demo.home / "q.yaml").write_text(CONFIG)
    (demo.home / "v.yaml").write_text(VARIABLES)
    for queue in QUEUES:
        demo.run(f"queue create {queue}")
    demo.run("queue pause night --reason 'runs from 22:00 on'")


def launch_all(demo: Demo) -> None:
    """Make a job, and launches of it."""
    code = shlex.quote(str(CODE))
    demo.run(f"job create code {code} --name train --entry-point 'python train.py'")
    for launch in BRIEF:
        demo.run(f"launch -j train {launch}")
    demo.run("wait resnet-lr3 bert-finetune")
    for launch in LAUNCHES:
        demo.run(f"launch -j train {launch}")
    for command in AFTERWARDS:
        demo.run(command)


def stop_all(demo: Demo) -> None:
    """Stop what still waits and runs: an agent waits for its runs."""
    for queue in QUEUES:
        try:
            demo.run(f"{LAST} {queue.split()[0]}")
        except SystemExit as error:
            print(error, flush=True)


def show(demo: Demo, port: int) -> None:
    """Fill the web app, and show it until it is enough."""
    with ExitStack() as stack, until_enough():
        data = f"--data {shlex.quote(str(demo.home / 'data'))}"
        token = f"--admin-token-file {shlex.quote(str(demo.token_file))}"
        service = stack.enter_context(demo.beside(f"server --port {port} {data} {token}"))
        demo.wait_until_ready(service)
        make_queues(demo)
        stack.enter_context(demo.beside("agent -q train -q sweep --max-jobs 3"))
        stack.callback(stop_all, demo)
        launch_all(demo)
        print(f"\ndemo: open {demo.url}/e/demo\nand sign in with this token:", flush=True)
        print(demo.token_file.read_text().strip(), flush=True)
        print("Ctrl-C ends it.", flush=True)
        while True:
            signal.pause()


def main() -> None:
    """Show the web app until somebody says that it is enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8700)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="launchkit-web-") as folder:
        show(Demo(Path(folder), given.port), given.port)


if __name__ == "__main__":
    main()
