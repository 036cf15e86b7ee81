"""The one door to the terminal: what others have written is shown there, and not obeyed."""

from dataclasses import dataclass
from typing import TypeAlias

import click

from launchkit.plain_text import visible, visible_line


@dataclass(frozen=True)
class Styled:
    """A part of a line in a style of launchkit's own."""

    text: str
    colour: str | None = None
    bold: bool | None = None


Part: TypeAlias = str | Styled
Line: TypeAlias = Part | tuple[Part, ...]


def put(line: Line, *, err: bool = False) -> None:
    """Print one line on stdout or stderr, whatever is in it."""
    parts = line if isinstance(line, tuple) else (line,)
    click.echo("".join(map(_shown, parts)), err=err)


def put_text(text: str, *, err: bool = False) -> None:
    """Print lines on stdout or stderr, without an empty one at the end."""
    click.echo(visible(text.removesuffix("\n")), err=err)


def _shown(part: Part) -> str:
    if isinstance(part, Styled):
        return click.style(visible_line(part.text), fg=part.colour, bold=part.bold)
    return visible_line(part)
