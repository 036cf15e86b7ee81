"""`launchkit agent`."""

import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import click
from anyio.abc import TaskStatus

from launchkit import __version__
from launchkit.agent import Agent
from launchkit.cli.failures import INTERRUPTED
from launchkit.cli.options import chosen, common_options
from launchkit.cli.session import run
from launchkit.errors import ConfigError, PluginError
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings, load_settings, missing_components
from launchkit.steps.remotes import without_credentials

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
REPEAT_SECONDS = (300.0, 20.0)
"""How often the status line is repeated; the second with -v. As W&B does."""

status_log = logging.getLogger("launchkit.status")


@click.command()
@click.option(
    "-q", "--queue", "queues", multiple=True, metavar="NAME", help="A queue; repeat it for more."
)
@click.option("-j", "--max-jobs", type=int, metavar="N", help="At once; -1 is without limit.")
@click.option("-c", "--config", metavar="FILE", help="The settings.")
@click.option("--exit-when-idle", is_flag=True, help="End when the queues give nothing more.")
@click.option("-v", "--verbose", "verbosity", count=True, help="Say more; -vv says everything.")
@click.option("-l", "--log-file", metavar="FILE", help="Log there; - is stdout.")
@common_options
def agent(
    *,
    queues: Sequence[str],
    max_jobs: int | None,
    config: str | None,
    exit_when_idle: bool,
    verbosity: int,
    log_file: str | None,
) -> None:
    """Take launches from queues and run them.

    The first SIGINT or SIGTERM lets what is under way end; the second ends the agent at once, and
    the next agent goes on with the runs that survive it.
    """
    plugins = Plugins()
    flags = {
        "queues": list(queues) or None,
        "max_jobs": max_jobs,
        "verbosity": verbosity or None,
        "backend": chosen("backend"),
        "entity": chosen("entity"),
    }
    loaded = load_settings(config or chosen("config"), flags=flags, plugins=plugins)
    with logging_to(log_file, loaded.settings.verbosity):
        for warning in loaded.warnings:
            status_log.warning("%s", warning)
        check_components(loaded.settings, plugins)
        worker = Agent(
            loaded.settings,
            plugins=plugins,
            exit_when_idle=exit_when_idle,
            on_status=lambda line: status_log.info("%s", line),
        )
        status_log.info("%s", first_line(worker.name, loaded.settings))
        signals = run(lambda: serve(worker))
    if signals > 1:
        raise click.exceptions.Exit(INTERRUPTED)


def first_line(name: str, settings: AgentSettings) -> str:
    """What an agent says when it starts."""
    limit = "without limit" if settings.max_jobs < 0 else f"at most {settings.max_jobs} at once"
    backend = without_credentials(settings.backend_url())
    queues = ", ".join(settings.queues)
    return f"launchkit {__version__}: agent {name} serves {queues}, {limit}; backend {backend}"


def check_components(settings: AgentSettings, plugins: Plugins) -> None:
    """:raises PluginError: naming all components that the settings want but are not installed."""
    missing = missing_components(settings, plugins)
    if missing:
        hints = "; ".join(dict.fromkeys(error.hint for error in missing if error.hint))
        raise PluginError("\n".join(error.message for error in missing), hint=hints or None)


async def serve(worker: Agent) -> int:
    """Run an agent until it ends; gives how many signals it got."""
    received: list[int] = []
    async with anyio.create_task_group() as tasks:
        await tasks.start(_obey, worker, received)
        tasks.start_soon(_repeat, worker)
        await worker.run()
        tasks.cancel_scope.cancel()
    return len(received)


async def _obey(
    worker: Agent, received: list[int], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            if len(received) == 1:
                status_log.info("stopping when all that is under way has ended; again: at once")
                worker.stop()
            else:
                status_log.info("stopping at once")
                worker.abort()


async def _repeat(worker: Agent) -> None:
    pause = REPEAT_SECONDS[bool(worker.settings.verbosity)]
    while True:
        await anyio.sleep(pause)
        status_log.info("%s", worker.status)


@contextmanager
def logging_to(place: str | None, verbosity: int) -> Iterator[None]:
    """Log to a file, to stdout for `-`, else to stderr, for the time of the context.

    :raises ConfigError: if the file cannot be written.
    """
    handler = _handler(place)
    formatter = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    formatter.converter = time.gmtime
    formatter.default_time_format, formatter.default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"
    handler.setFormatter(formatter)
    root, ours = logging.getLogger(), logging.getLogger("launchkit")
    root.addHandler(handler)
    ours.setLevel(LEVELS[min(verbosity, len(LEVELS) - 1)])
    status_log.setLevel(logging.INFO if not chosen("quiet") else logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _handler(place: str | None) -> logging.Handler:
    if place is None:
        return logging.StreamHandler()
    if place == "-":
        return logging.StreamHandler(sys.stdout)
    try:
        return logging.FileHandler(Path(place).expanduser(), encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"--log-file {place}: cannot be written: {exc.strerror}") from exc
