"""The one door to the terminal: what others have written is shown there, and not obeyed."""

import os
import re
import sys
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeAlias

import click

from launchkit.errors import without_known
from launchkit.plain_text import visible, visible_line

if TYPE_CHECKING:
    import logging

RESET = "\x1b[0m"
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True)
class Styled:
    """A part of a line in a style of launchkit's own."""

    text: str
    colour: str | None = None
    bold: bool | None = None


@dataclass
class _Screen:
    """What the output of a run may have left on the terminal."""

    shared: bool = False
    """Any colours: also those that another thread writes meanwhile."""
    mid_line: bool = False


_SCREEN = _Screen()
Part: TypeAlias = str | Styled
Line: TypeAlias = Part | tuple[Part, ...]


def open_streams() -> None:
    """Lead nowhere what a parent has closed, in the order in which the system gives out numbers;
    have a letter that stdout does not have written as an escape.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def put(line: Line, *, err: bool = False) -> None:
    """Print one line on stdout or stderr, whatever is in it."""
    parts = line if isinstance(line, tuple) else (line,)
    click.echo(_afresh(err) + "".join(map(_shown, parts)), err=err)


def put_text(text: str, *, err: bool = False) -> None:
    """Print lines on stdout or stderr, without an empty one at the end."""
    click.echo(_afresh(err) + visible(text.removesuffix("\n")), err=err)


def put_record(record: "logging.LogRecord") -> bool:
    """Print what the log has to say to a command that keeps none, and have nobody else print it."""
    put(without_known(record.getMessage()), err=True)
    if record.exc_info:
        from traceback import format_exception

        put_text("".join(format_exception(record.exc_info[1])), err=True)
    return False


def put_output(text: str) -> None:
    """Write what `LogText` has made of a run's output on the terminal that stdout is."""
    _SCREEN.shared = True
    if seen := _COLOURS.sub("", text):
        _SCREEN.mid_line = not seen.endswith("\n")
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _afresh(err: bool) -> str:
    """What a line of launchkit's own begins with, so that no run has a say in how it looks."""
    if not _SCREEN.shared or not (sys.stderr if err else sys.stdout).isatty():
        return ""
    begin = f"{RESET}\n" if _SCREEN.mid_line else RESET
    _SCREEN.mid_line = False
    return begin


def _shown(part: Part) -> str:
    if isinstance(part, Styled):
        return click.style(visible_line(part.text), fg=part.colour, bold=part.bold)
    return visible_line(part)
