"""How the program ends: exit codes, and what is said about an error. All in one place."""

import errno
import os
import sys
from types import TracebackType
from typing import NoReturn

import click

from launchkit import errors
from launchkit.cli.door import put_text
from launchkit.cli.lazy import LazyGroup
from launchkit.cli.options import wants_traceback, without_secrets
from launchkit.plain_text import visible_line

DONE = 0
LAUNCH_FAILED = 1
USAGE = 2
TIMED_OUT = 8
UNEXPECTED = 70
MACHINE = 71
INTERRUPTED = 130

CODES: dict[type[Exception], int] = {
    errors.ConfigError: 3,
    errors.PluginError: 3,
    errors.Rejected: 4,
    errors.LaunchError: LAUNCH_FAILED,
    errors.NotFound: 5,
    errors.Conflict: 6,
    errors.QueueError: 7,
    TimeoutError: TIMED_OUT,
    Exception: UNEXPECTED,
}
"""The exit code of each kind of error; the nearest base class counts."""

MEANINGS = {
    DONE: "done",
    LAUNCH_FAILED: "the launch failed or was stopped (--wait, --logs, wait); doctor found an error",
    USAGE: "the command was typed wrong",
    3: "a configuration is invalid, or a plugin is missing",
    4: "refused: a rule of the queue or of launchkit says no",
    5: "there is no queue, job or launch of that name",
    6: "conflict: it exists already, is in use, or was changed meanwhile",
    7: "the queue cannot be reached",
    TIMED_OUT: "timed out",
    UNEXPECTED: "a fault of launchkit",
    MACHINE: "this machine says no: its disk is full, or a file may not be opened",
    INTERRUPTED: "interrupted",
}

_FREE = "free some disk space, or choose another place"
_OPEN = "let more files be open at once: ulimit -n"
NEXT = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EROFS: "choose another place",
    errno.EACCES: "let this user have it, or choose another place",
    errno.EPERM: "let this user do it, or choose another place",
    errno.ENAMETOOLONG: "choose another name",
    errno.ELOOP: "look where these symbolic links lead",
    errno.ENOTDIR: "a part of this path is no directory",
    errno.EMFILE: _OPEN,
    errno.ENFILE: _OPEN,
    errno.ENOMEM: "free some memory",
    errno.EIO: "look at the disk, and at what the kernel says of it",
}
"""What to do when the operating system says no, for reasons that are no fault of launchkit."""

PAGES = "docs/reference"
EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {n:>3}  {text}" for n, text in MEANINGS.items())
EPILOG += f"\n\nCodes of errors, and what to do, are in {PAGES}/errors.md."


def exit_code(exc: BaseException) -> int:
    """The exit code for an error that ends the program."""
    if isinstance(exc, OSError) and exc.errno in NEXT:
        return MACHINE
    return next((CODES[kind] for kind in type(exc).__mro__ if kind in CODES), UNEXPECTED)


def describe(exc: BaseException) -> str:
    """An error as people read it: what happened, and what to do next."""
    word = getattr(exc, "code", "timed_out" if isinstance(exc, TimeoutError) else "internal")
    lines = str(exc).split("\n") if str(exc) else ["the time is over"]
    text = "\n".join([f"error {word}  {lines[0]}", *(f"  {line}" for line in lines[1:])])
    hint = getattr(exc, "hint", None)
    return f"{text}\n{_indented('hint: ' + hint)}" if hint else text


def describe_usage(exc: click.UsageError) -> str:
    """A command that was typed wrong, as people read it."""
    lines = [f"error usage  {exc.format_message()}"]
    if exc.ctx is not None:
        lines.append(f"  {exc.ctx.get_usage().partition(chr(10))[0]}")
        lines.append(f"  hint: {_missing(exc)}see {exc.ctx.command_path} --help")
        lines += [f"  docs: {page}" for page in [_page_of(exc.ctx)] if page]
    return "\n".join(lines)


def _missing(exc: click.UsageError) -> str:
    """What a parameter is that was left out."""
    if not isinstance(exc, click.MissingParameter) or exc.param is None or exc.ctx is None:
        return ""
    metavar = exc.param.make_metavar(exc.ctx)
    if isinstance(exc.param, click.Option):
        about = (exc.param.help or "").rstrip(".")
        return f"add {exc.param.opts[-1]} {metavar} ({about[:1].lower()}{about[1:]}); "
    if metavar.startswith("REF"):
        return "name a launch by its id or name, which `launchkit ls` lists; "
    return ""


def _page_of(context: click.Context) -> str | None:
    """Where the documentation speaks of a command; a plugin's is not told."""
    words: list[str] = []
    while context.parent:
        words.insert(0, str(context.info_name))
        context = context.parent
    if not words:
        return f"{PAGES}/cli.md"
    known = isinstance(context.command, LazyGroup) and words[0] in context.command.commands_at
    return f"{PAGES}/cli.md#launchkit-{'-'.join(words)}" if known else None


class reported:  # noqa: N801 - reads as a verb: with reported()
    """Turn an error that ends the program into lines on stderr and an exit code; help and exits
    pass.
    """

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(exc, click.Abort | KeyboardInterrupt):
            _say("interrupted")
            sys.exit(INTERRUPTED)
        if isinstance(exc, BrokenPipeError):
            _close_quietly()
        if isinstance(exc, click.UsageError) and not isinstance(
            exc, click.exceptions.NoArgsIsHelpError
        ):
            _say(describe_usage(exc))
            sys.exit(USAGE)
        if isinstance(exc, Exception) and not isinstance(
            exc, click.ClickException | click.exceptions.Exit
        ):
            _say(_ended(exc))
            sys.exit(exit_code(exc))


def _ended(exc: Exception) -> str:
    """What is said of an error; where it is from, too, if that is wanted and nobody raised it on
    purpose.
    """
    code = exit_code(exc)
    if code not in {UNEXPECTED, MACHINE}:
        return describe(exc)
    if wants_traceback():
        import traceback

        return "".join(traceback.format_exception(exc)).rstrip()
    return _refused(exc) if isinstance(exc, OSError) and code == MACHINE else _unexpected(exc)


def _refused(exc: OSError) -> str:
    where = f"{exc.filename}: " if exc.filename is not None else ""
    said = visible_line(f"{where}{exc.strerror}")
    return f"error machine  {said}\n  hint: {NEXT[exc.errno or 0]}"


def _unexpected(exc: Exception) -> str:
    whose = errors.source(exc)
    said = visible_line(f"{type(exc).__name__}: {exc}")
    return (
        f"error internal  {said}{f' ({whose})' * bool(whose)}\n"
        "  hint: please report it, with what LAUNCHKIT_DEBUG=1 makes it print"
    )


def _close_quietly() -> NoReturn:
    """Whoever read the output has enough; what is left must not raise again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(DONE)


def _say(text: str) -> None:
    from launchkit.addresses import masked

    put_text(masked(without_secrets(text)), err=True)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
