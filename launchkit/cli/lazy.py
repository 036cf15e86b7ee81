"""A group whose commands are imported when they are called; its help imports none of them."""

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

SYNONYMS = {
    "cancel": "stop",
    "delete": "stop",
    "describe": "show",
    "get": "show",
    "info": "show",
    "jobs": "job",
    "kill": "stop",
    "list": "ls",
    "log": "logs",
    "ps": "ls",
    "queues": "queue",
    "restart": "requeue",
    "retry": "requeue",
    "run": "launch",
    "runs": "ls",
    "start": "launch",
    "status": "show",
    "submit": "launch",
    "tail": "logs",
    "worker": "agent",
}
"""Words of other programs, and ours for them."""

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from launchkit.plugins import Plugins


class LazyGroup(click.Group):
    """*commands_at* maps a name to `module:attribute` and a line of help.

    With *takes_plugins*, plugins may add commands: they are loaded when a name is asked for that
    the group does not know, and `launchkit plugins` lists what they add.
    """

    def __init__(
        self,
        *args: Any,
        commands_at: dict[str, tuple[str, str]],
        takes_plugins: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at
        self._takes_plugins = takes_plugins

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names that need no plugin."""
        return sorted({*self.commands_at, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; ask the plugins for one that is not known."""
        if cmd_name in self.commands_at:
            module, _, attribute = self.commands_at[cmd_name][0].partition(":")
            command: click.Command = getattr(_loaded(module), attribute)
            return command
        if self._takes_plugins and cmd_name not in self.commands and not cmd_name.startswith("-"):
            self.commands.update(plugin_commands())
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As always, with a suggestion for a name that is nearly right."""
        name = args[0]
        unknown = not name.startswith("-") and self.get_command(ctx, name) is None
        if unknown and not ctx.resilient_parsing:
            from launchkit.catalogue import install_hint, package_of
            from launchkit.codec import suggest

            if self._takes_plugins and (package := package_of("command", name)):
                ctx.fail(f"the command {name!r} is not installed; {install_hint(package)}")
            known = self.list_commands(ctx)
            ours = SYNONYMS.get(name)
            near = ours if ours in known else suggest(name, known)
            ctx.fail(f"no such command {name!r}." + (f" Did you mean {near!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete names of commands, without importing one, and options."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=about)
            for name, about in self._abouts().items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._abouts().items()))

    def _abouts(self) -> dict[str, str]:
        """A line about each command, by name."""
        lines = {name: command.get_short_help_str(80) for name, command in self.commands.items()}
        return dict(
            sorted((lines | {n: about for n, (_, about) in self.commands_at.items()}).items())
        )


def _loaded(module: str) -> ModuleType:
    """Import a module. What is loaded stays, so that no garbage is looked for in it, now or later:
    that would be a tenth of the time of a short command.
    """
    if module in sys.modules:
        return sys.modules[module]
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def plugin_commands(plugins: "Plugins | None" = None) -> dict[str, click.Command]:
    """The commands that plugins add, by name."""
    from launchkit.plugins import Plugins

    scratch = click.Group()
    (plugins or Plugins()).add_commands(scratch)
    return dict(scratch.commands)
