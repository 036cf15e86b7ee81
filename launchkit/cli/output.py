"""Data on stdout: tables for people, and json, jsonl, yaml or names for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from launchkit.cli.present import Data, clean

NOTHING = "-"
STATE_STYLES = {
    "finished": "green",
    "failed": "red",
    "stopped": "yellow",
    "running": "cyan",
    "starting": "cyan",
    "held": "magenta",
    "ok": "green",
    "warning": "yellow",
    "error": "red",
}


@dataclass(frozen=True)
class Column:
    """One column of a table: its title, and the text of a row's cell."""

    title: str
    text: Callable[[Data], object]
    rank: int = 0
    """On a narrow terminal the highest ones are left out first; 0 never is."""
    below: bool = False
    """Whether it goes below its row there."""


@dataclass(frozen=True)
class Layout:
    """How one kind of thing is shown: its columns, and the key that names it."""

    columns: Sequence[Column]
    name: str


def show_all(rows: Sequence[Data], form: str, layout: Layout) -> None:
    """Print many things."""
    if form == "json":
        click.echo(as_json(rows))
    elif form == "jsonl":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    elif form == "yaml":
        click.echo(as_yaml(list(rows)), nl=False)
    elif form == "name":
        for row in rows:
            click.echo(row[layout.name])
    else:
        show_table(table_cells(rows, layout), layout, whole=form == "wide")


def show_one(row: Data, form: str, layout: Layout) -> None:
    """Print one thing: an object where `show_all` prints a list of one."""
    if form == "json":
        click.echo(as_json(row))
    elif form == "yaml":
        click.echo(as_yaml(row), nl=False)
    else:
        show_all([row], form, layout)


def show_table(rows: Sequence[Sequence[str]], layout: Layout, *, whole: bool) -> None:
    """Print a table: one that fits on a terminal, all of it elsewhere or if the user wants it."""
    if sys.stdout.isatty() and not whole:
        from rich.console import Console

        from launchkit.cli.fitting import fitted

        console = Console()
        console.print(fitted(rows, layout.columns, console), soft_wrap=True)
    else:
        for line in aligned([[column.title for column in layout.columns], *rows]):
            click.echo(line)


def table_cells(rows: Sequence[Data], layout: Layout) -> list[list[str]]:
    """The texts of a table."""
    return [[_cell(column.text(row)) for column in layout.columns] for row in rows]


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines in which the cells of each column start at the same place."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def as_json(value: object) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_yaml(value: object) -> str:
    """YAML in the order of the data."""
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False)


def styled(state: str) -> str:
    """A state in its colour."""
    return click.style(state, fg=STATE_STYLES.get(state))


def _cell(value: object) -> str:
    if value is None or value in ("", [], ()):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return clean(str(value)).replace("\n", " ")


def get(*path: str) -> Callable[[Mapping[str, Any]], object]:
    """A function that takes the value at *path* out of a row; None where it is not."""

    def value(row: Mapping[str, Any]) -> object:
        found: Any = row
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    return value
