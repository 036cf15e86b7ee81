"""Data on stdout: tables for people, and json, jsonl, yaml or names for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from textwrap import indent
from typing import TYPE_CHECKING, Any

from launchkit.cli.door import Styled, put, put_text
from launchkit.cli.options import say
from launchkit.cli.present import Data
from launchkit.plain_text import visible, visible_json, visible_line

if TYPE_CHECKING:
    import yaml

NOTHING = "-"
WIDEST = 200
"""Characters of a column that others stand beside."""
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
    fill: str | None = None
    """What a person is told to do who sees none of them."""


def show_all(rows: Sequence[Data], form: str, layout: Layout) -> None:
    """Print many things."""
    if form == "json":
        put_text(as_json(rows))
    elif form == "jsonl":
        for row in rows:
            put(as_json_line(row))
    elif form == "yaml":
        put_text(as_yaml(list(rows)))
    elif form == "name":
        for row in rows:
            put(str(row[layout.name]))
    else:
        show_table(table_cells(rows, layout), layout, whole=form == "wide")
        if layout.fill and not rows:
            say(layout.fill)


@contextmanager
def in_pages(form: str, layout: Layout) -> Iterator[Callable[[Sequence[Data]], None]]:
    """Print what `show_all` prints, page by page: a table and YAML when all is there, the rest as
    it comes.
    """
    if form == "json":
        with _json_list() as show:
            yield show
    elif form in {"jsonl", "name"}:
        yield lambda rows: show_all(rows, form, layout)
    else:
        pages: list[Data] = []
        yield pages.extend
        show_all(pages, form, layout)


@contextmanager
def _json_list() -> Iterator[Callable[[Sequence[Data]], None]]:
    last: str | None = None

    def show(rows: Sequence[Data]) -> None:
        nonlocal last
        for row in rows:
            put_text("[" if last is None else f"{last},")
            last = indent(as_json(row), "  ")

    yield show
    put_text("[]" if last is None else f"{last}\n]")


def show_one(row: Data, form: str, layout: Layout) -> None:
    """Print one thing: an object where `show_all` prints a list of one."""
    if form == "json":
        put_text(as_json(row))
    elif form == "yaml":
        put_text(as_yaml(row))
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
            put(line)


def table_cells(rows: Sequence[Data], layout: Layout) -> list[list[str]]:
    """The texts of a table."""
    return [[_cell(column.text(row)) for column in layout.columns] for row in rows]


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines in which the cells of each column start at the same place, but behind one that is very
    long: all rows would be as long as it.
    """
    shown = [[visible_line(cell) for cell in row] for row in rows]
    sizes = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    widths = [min(size, WIDEST) for size in sizes]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def as_json(value: object) -> str:
    """JSON for reading."""
    return visible_json(json.dumps(value, indent=2, ensure_ascii=_is_narrow()))


def as_json_line(value: object) -> str:
    """JSON on one line."""
    return visible_json(json.dumps(value, ensure_ascii=_is_narrow()))


def _is_narrow() -> bool:
    """Whether stdout has not all letters: JSON has an escape of its own for those."""
    return "utf" not in sys.stdout.encoding.lower()


def as_yaml(value: object) -> str:
    """YAML in the order of the data."""
    import yaml

    return yaml.dump(
        value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False
    )


@cache
def _dumper() -> type["yaml.SafeDumper"]:
    """One that writes out what would not be seen as itself."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts with such characters stand in double quotes, in ASCII."""

        def write_double_quoted(self, text: str, split: bool = True) -> None:
            before, self.allow_unicode = self.allow_unicode, visible(text) == text
            super().write_double_quoted(text, split)
            self.allow_unicode = before

    def represent(dumper: Dumper, text: str) -> yaml.Node:
        style = None if visible(text) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper


def styled(state: str) -> Styled:
    """A state in its colour."""
    return Styled(state, STATE_STYLES.get(state))


def _cell(value: object) -> str:
    if value is None or value in ("", [], ()):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return visible_line(text.replace("\n", " "))


def get(*path: str) -> Callable[[Mapping[str, Any]], object]:
    """A function that takes the value at *path* out of a row; None where it is not."""

    def value(row: Mapping[str, Any]) -> object:
        found: Any = row
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    return value
