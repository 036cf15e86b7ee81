"""`launchkit agent`."""

import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import anyio
import click
from anyio.abc import TaskGroup, TaskStatus

from launchkit import __version__
from launchkit.addresses import masked_url
from launchkit.agent import Agent
from launchkit.cli.absent import absent_file
from launchkit.cli.failures import INTERRUPTED
from launchkit.cli.lazy import LazyGroup
from launchkit.cli.names import queue_names
from launchkit.cli.options import chosen, common_options
from launchkit.cli.session import loaded_settings, run
from launchkit.errors import ConfigError, PluginError, hiding, without_known
from launchkit.home import expanded
from launchkit.observe import Journal, formatter_for, journal
from launchkit.plugins import Plugins
from launchkit.private_files import begin_file
from launchkit.settings import AgentSettings, missing_components

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
REPEAT_SECONDS = (300.0, 20.0)
"""How often the status line is repeated; the second with -v. As W&B does."""

FORCE_SECONDS = 45.0
"""From the second signal: all that launchkit does then has ended before that."""

logger = logging.getLogger("launchkit.status")


STEERING = {
    "drain": ("launchkit.cli.agents:drain", "Let an agent end when what it has has ended."),
    "pause": ("launchkit.cli.agents:pause", "Give an agent nothing more until it is resumed."),
    "resume": ("launchkit.cli.agents:resume", "Give an agent that is paused launches again."),
}


@click.group(cls=LazyGroup, commands_at=STEERING, invoke_without_command=True)
@click.option(
    "-q",
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME",
    shell_complete=queue_names,
    help="A queue; repeat it for more.",
)
@click.option("-j", "--max-jobs", type=int, metavar="N", help="At once; -1 is without limit.")
@click.option("-c", "--config", metavar="FILE", help="The settings.")
@click.option("--exit-when-idle", is_flag=True, help="End when the queues give nothing more.")
@click.option("-v", "--verbose", "verbosity", count=True, help="Say more; -vv says everything.")
@click.option("-l", "--log-file", metavar="FILE", help="Log there; - is stdout.")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "human", "json"]),
    help="How to log; auto is for people on a terminal, else JSON lines.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Serve /metrics, /livez and /readyz there; 0 takes a free port.",
)
@common_options
@click.pass_context
def agent(
    context: click.Context,
    /,
    *,
    queues: Sequence[str],
    config: str | None,
    exit_when_idle: bool,
    verbosity: int,
    log_file: str | None,
    **given: object,
) -> None:
    """Take launches from queues and run them.

    The first SIGINT or SIGTERM lets what is under way end; the second ends the agent at once, and
    the next agent goes on with the runs that survive it. What a plugin holds up is given 45 s
    then, or until a third. The commands below are for agents that run already, on any machine.
    """
    if context.invoked_subcommand is not None:
        return
    plugins = Plugins()
    flags = {
        **given,
        "queues": list(queues) or None,
        "verbosity": verbosity or None,
    }
    loaded = loaded_settings(plugins, config=config, flags=flags)
    with hiding(loaded.hide), logging_to(log_file, loaded.settings):
        for warning in (*loaded.warnings, *loaded.runner_problems.values()):
            logger.warning("%s", warning, extra={"action": "settings"})
        check_components(loaded.settings, plugins)
        worker = Agent(
            loaded.settings,
            plugins=plugins,
            runner_problems=loaded.runner_problems,
            exit_when_idle=exit_when_idle,
            on_status=lambda line: log.info("%s", line, action="status"),
        )
        log = journal(logger, worker.name)
        log.info("%s", first_line(worker.name, loaded.settings), action="start")
        if path := absent_file(loaded.settings):
            log.info("%s is not there: it is made, without a queue", path, action="start")
        signals = run(lambda: serve(worker, log))
    if signals > 1:
        raise click.exceptions.Exit(INTERRUPTED)


def first_line(name: str, settings: AgentSettings) -> str:
    """What an agent says when it starts."""
    limit = "without limit" if settings.max_jobs < 0 else f"at most {settings.max_jobs} at once"
    backend = masked_url(settings.backend_url())
    queues = ", ".join(settings.queues)
    return f"launchkit {__version__}: agent {name} serves {queues}, {limit}; backend {backend}"


def check_components(settings: AgentSettings, plugins: Plugins) -> None:
    """:raises PluginError: naming all components that the settings want but are not installed."""
    missing = missing_components(settings, plugins)
    if missing:
        hints = "; ".join(dict.fromkeys(error.hint for error in missing if error.hint))
        raise PluginError("\n".join(error.message for error in missing), hint=hints or None)


async def serve(worker: Agent, log: Journal) -> int:
    """Run an agent until it ends; gives how many signals it got."""
    received: list[int] = []
    async with anyio.create_task_group() as tasks:
        await tasks.start(_obey, worker, log, received, tasks)
        tasks.start_soon(_repeat, worker, log)
        await worker.run()
        tasks.cancel_scope.cancel()
    return len(received)


async def _obey(
    worker: Agent,
    log: Journal,
    received: list[int],
    tasks: TaskGroup,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            if len(received) == 1:
                message = "stopping when all that is under way has ended; again: at once"
                log.info(message, action="stop")
                worker.stop()
            elif len(received) == 2:
                log.info("stopping at once; again: by force", action="abort")
                worker.abort()
                tasks.start_soon(_force, log, FORCE_SECONDS)
            else:
                tasks.start_soon(_force, log, 0)


async def _force(log: Journal, seconds: float) -> None:
    """End as if killed, once the time is over: a plugin may shield a wait, and wait for ever."""
    await anyio.sleep(seconds)
    log.warning("something does not end: this agent ends as if it were killed", action="abort")
    os._exit(INTERRUPTED)


async def _repeat(worker: Agent, log: Journal) -> None:
    pause = REPEAT_SECONDS[bool(worker.settings.verbosity)]
    while True:
        await anyio.sleep(pause)
        log.info("%s", worker.status, action="status")


@contextmanager
def logging_to(place: str | None, settings: AgentSettings) -> Iterator[None]:
    """Log to a file, to stdout for `-`, else to stderr, for the time of the context; without the
    secrets that are known where something is told.

    :raises ConfigError: if the file cannot be written.
    """
    handler = _handler(place)
    handler.setFormatter(formatter_for(settings.log_format, handler.stream))
    handler.addFilter(_hide_known)
    root, ours = logging.getLogger(), logging.getLogger("launchkit")
    root.addHandler(handler)
    ours.setLevel(LEVELS[min(settings.verbosity, len(LEVELS) - 1)])
    logger.setLevel(logging.INFO if not chosen("quiet") else logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _hide_known(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_known(record.getMessage()), None
    return True


def _handler(place: str | None) -> "logging.StreamHandler[TextIO] | logging.FileHandler":
    if place is None:
        return logging.StreamHandler()
    if place == "-":
        return logging.StreamHandler(sys.stdout)
    path = expanded(place)
    try:
        begin_file(path)
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"--log-file {place}: cannot be written: {exc.strerror}") from exc
