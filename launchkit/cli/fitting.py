"""Tables on a terminal. Nothing is cut: what has no room goes below its row, is left out, or is
wrapped.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from launchkit.cli.output import NOTHING, STATE_STYLES, Column

GAP = 2
NARROWEST = 8
"""Characters that a column keeps, however narrow the terminal is."""


def fitted(rows: Sequence[Sequence[str]], columns: Sequence[Column], console: Console) -> Text:
    """A table as wide as the terminal."""
    table = [[column.title for column in columns], *rows]
    widths = [max(map(cell_len, cells)) for cells in zip(*table, strict=True)]
    beside, below = _chosen(columns, widths, console.width)
    room = _narrowed([widths[n] for n in beside], console.width)
    lines = [*_lines([Text(columns[n].title, style="bold") for n in beside], room, console)]
    for row in rows:
        cells = [Text(row[n], style=STATE_STYLES.get(row[n], "")) for n in beside]
        lines += _lines(cells, room, console)
        for n in below:
            if row[n] != NOTHING:
                told = Text(f"{columns[n].title.lower()}: {row[n]}")
                lines += _lines([Text(), told], [0, console.width - GAP], console)
    return Text("\n").join(lines)


def _chosen(
    columns: Sequence[Column], widths: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """Which columns stand beside each other, and which below each row."""
    beside = [*range(len(columns))]
    if _total([widths[n] for n in beside]) <= width:
        return beside, []
    below = [n for n in beside if columns[n].below]
    beside = [n for n in beside if not columns[n].below]
    for n in sorted(beside, key=lambda n: -columns[n].rank):
        if columns[n].rank and _total([widths[n] for n in beside]) > width:
            beside.remove(n)
    return beside, below


def _narrowed(widths: list[int], width: int) -> list[int]:
    """Widths of which the widest were taken from until all have room."""
    widths = [min(one, max(width, NARROWEST)) for one in widths]
    while _total(widths) > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _lines(cells: Sequence[Text], widths: Sequence[int], console: Console) -> Iterator[Text]:
    """Cells beside each other, each in as many lines as it needs."""
    wrapped = [cell.wrap(console, max(width, 1)) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*wrapped):
        line, end = Text(), 0
        for part, width in zip(parts, widths, strict=True):
            if part is not None:
                line.pad_right(end - line.cell_len)
                line.append_text(part)
                line.rstrip()
            end += width + GAP
        yield line
