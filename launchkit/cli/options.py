"""Options that commands share, and what the user chose with them before or after the command."""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from launchkit.cli.door import Line, put, put_text

if TYPE_CHECKING:
    from launchkit.abc import Finding

F = TypeVar("F", bound=Callable[..., Any])

TABLES = ("table", "wide")
FORMS = (*TABLES, "json", "jsonl", "yaml", "name")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
MOST_DAYS = 36_500


def remember(ctx: click.Context, param: click.Parameter, value: object) -> object:
    """Keep a value for the whole command line: what stands after the command wins."""
    if value:
        ctx.meta[f"launchkit.{param.name}"] = value
    return value


def chosen(name: str) -> Any:
    """What was given for a shared option, or None."""
    context = click.get_current_context(silent=True)  # there is none while options are read
    return context.meta.get(f"launchkit.{name}") if context else None


def without_secrets(text: str) -> str:
    """A text with `…` for the secrets of the settings that the command works with, if it has read
    any.
    """
    hide: Callable[[str], str] | None = chosen("hide")
    return hide(text) if hide else text


def wants_traceback() -> bool:
    """Whether the user wants to see where an unexpected error is from."""
    return bool(os.environ.get("LAUNCHKIT_DEBUG") or chosen("verbose"))


def common_options(command: F) -> F:
    """--backend, --entity, --quiet and --no-input: they may stand before or after the command's
    name.
    """
    for option in (
        click.option(
            "--quiet",
            is_flag=True,
            callback=remember,
            expose_value=False,
            help="Print data and errors only.",
        ),
        click.option(
            "--no-input",
            is_flag=True,
            callback=remember,
            expose_value=False,
            help="Never ask: refuse what would need an answer.",
        ),
        click.option(
            "-e",
            "--entity",
            metavar="NAME",
            callback=remember,
            expose_value=False,
            help="The owner of queues, jobs and launches. Or set LAUNCHKIT_ENTITY.",
        ),
        click.option(
            "--backend",
            metavar="URL",
            callback=remember,
            expose_value=False,
            help="The queue, such as sqlite:///PATH. Or set LAUNCHKIT_BACKEND.",
        ),
    ):
        command = option(command)
    return command


def may_ask(instead: str) -> None:
    """Look whether a question may be put.

    :raises UsageError: if not, with what to give *instead*.
    """
    if chosen("no_input"):
        raise click.UsageError(f"this needs an answer, and --no-input forbids to ask; {instead}")


def output_option(command: F) -> F:
    """-o/--output, given to the command as `form`."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(FORMS),
        default="table",
        show_default=True,
        help="How to print the result.",
    )(command)


def say(text: str) -> None:
    """Tell the user something that is not data: on stderr, unless --quiet."""
    if chosen("quiet"):
        return
    if ":/" in text:
        from launchkit.addresses import masked

        text = masked(text)
    put_text(text, err=True)


def say_finding(found: "Finding | None") -> None:
    """Tell what is to be looked at, though the command did what it should."""
    if found is not None:
        say(f"{found.level}: {found.subject}: {found.message}")
        say(f"  hint: {found.hint}")


def say_next(*commands: str) -> None:
    """Tell which commands may come next. The line does nothing if it is pasted into a shell."""
    say(f"next: {' · '.join(f'launchkit {command}' for command in commands)}")


def say_line(line: Line) -> None:
    """The same for one line, with launchkit's own styles in it."""
    if not chosen("quiet"):
        put(line, err=True)


def duration(text: str) -> float:
    """Seconds of a time span: `90`, `90s`, `15m`, `2h`, `1d`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not match:
        raise click.BadParameter(f"{text!r} is not a time span such as 90, 90s, 15m, 2h or 1d")
    seconds = float(match[1]) * SECONDS[match[2]]
    if seconds > MOST_DAYS * SECONDS["d"]:
        raise click.BadParameter(f"it is longer than {MOST_DAYS} days")
    return seconds
