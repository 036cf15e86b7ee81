"""The command line. Commands are imported when they are called, so that `--version` is quick."""

import os
import signal
from typing import Any

import click

from launchkit import __version__
from launchkit.cli.door import open_streams, put_record
from launchkit.cli.failures import EPILOG, reported
from launchkit.cli.lazy import LazyGroup
from launchkit.cli.options import common_options, remember

COMMANDS = {
    "agent": ("launchkit.cli.agent:agent", "Take launches from queues and run them."),
    "agents": (
        "launchkit.cli.agents:agents",
        "List the agents that were seen lately, and those that are paused.",
    ),
    "apply": ("launchkit.cli.apply:apply", "Make the queues as a file wants them."),
    "audit": (
        "launchkit.cli.records:audit",
        "List who changed accounts, roles, tokens, webhooks and agents of a service.",
    ),
    "completion": (
        "launchkit.cli.completion:completion",
        "Print a script with which a shell completes commands, options and names.",
    ),
    "config": ("launchkit.cli.config:config", "Look at launch-config.yaml and other settings."),
    "doctor": ("launchkit.cli.doctor:doctor", "Look whether an agent could work here."),
    "events": ("launchkit.cli.records:events", "List what happened to queues and launches."),
    "hold": ("launchkit.cli.change:hold", "Keep launches that wait from being claimed."),
    "job": ("launchkit.cli.job:job", "Make and list jobs: named, versioned recipes."),
    "launch": ("launchkit.cli.launch:launch", "Put a launch into a queue."),
    "login": ("launchkit.cli.login:login", "Keep your token for a queue service."),
    "logout": ("launchkit.cli.login:logout", "Forget your token for a queue service."),
    "logs": ("launchkit.cli.logs:logs", "Print what a launch printed."),
    "ls": ("launchkit.cli.ls:ls", "List launches, newest first."),
    "move": ("launchkit.cli.change:move", "Put launches that wait into another queue."),
    "plugins": ("launchkit.cli.inventory:plugins", "List plugins and what they provide."),
    "priority": ("launchkit.cli.change:priority", "Change the priority of a launch that waits."),
    "queue": ("launchkit.cli.queue:queue", "Make, change, pause and remove queues."),
    "requeue": (
        "launchkit.cli.change:requeue",
        "Put launches back into their queues.",
    ),
    "role": ("launchkit.cli.people:role", "Grant, revoke and list roles."),
    "show": (
        "launchkit.cli.show:show",
        "Show a launch: state, reason, verdict, outputs and timeline.",
    ),
    "stop": ("launchkit.cli.stop:stop", "Ask that launches end."),
    "store": (
        "launchkit.cli.store:store",
        "Upgrade a database, back it up, remove old launches, or move a queue to another one.",
    ),
    "token": ("launchkit.cli.token:token", "Make, list and revoke tokens."),
    "user": ("launchkit.cli.people:user", "Add, list and remove users and service accounts."),
    "wait": ("launchkit.cli.launches:wait", "Wait until launches have ended."),
    "webhook": (
        "launchkit.cli.webhook:webhook",
        "Make, test, pause, list and remove webhooks of a queue service.",
    ),
}


class Program(LazyGroup):
    """The whole program: errors end here."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what could be neither stored nor shown."""
        for arg in args:
            if not arg.isascii() and any("\ud800" <= letter <= "\udfff" for letter in arg):
                raise click.UsageError(f"{arg!r} is not UTF-8 text", ctx)
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read what stands before the command."""
        with reported():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with reported():
            return super().invoke(ctx)


@click.group(
    cls=Program,
    commands_at=COMMANDS,
    takes_plugins=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="launchkit")
@click.option(
    "--config",
    metavar="FILE",
    callback=remember,
    expose_value=False,
    help="The settings, instead of those in launch-config.yaml. Or set LAUNCHKIT_CONFIG.",
)
@click.option(
    "-v",
    "--verbose",
    count=True,
    callback=remember,
    expose_value=False,
    help="Show where an unexpected error is from. Or set LAUNCHKIT_DEBUG.",
)
@common_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Queues for ML jobs, and an agent that runs them on the compute you have."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    _show_log()


def _show_log() -> None:
    """Show what the log says by the one door: only an agent gives it a place of its own."""
    import logging

    if logging.lastResort and not logging.lastResort.filters:
        logging.lastResort.addFilter(put_record)


def main() -> None:
    """Run the program with the arguments of this process, and exit."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who starts it may ignore its own children
    open_streams()
    cli.main(prog_name="launchkit")
