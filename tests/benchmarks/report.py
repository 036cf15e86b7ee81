"""Figures, as a table, as JSON, and beside those of an earlier run."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured value; *aim* is what the project wants it to be, in words."""

    name: str
    value: float
    unit: str
    aim: str = ""


Benchmark = Callable[[], Iterable[Figure]]


def show(figures: Iterable[Figure], before: Mapping[str, float]) -> None:
    """Print a table; with the earlier value and the ratio where there is one."""
    table = Table("figure", "value", "unit", "aim", *(("before", "ratio") if before else ()))
    for figure in figures:
        row = [figure.name, f"{figure.value:,.4g}", figure.unit, figure.aim]
        if before:
            old = before.get(figure.name)
            row += [f"{old:,.4g}", f"{figure.value / old:.2f}"] if old else ["", ""]
        table.add_row(*row)
    Console(width=120).print(table)


def save(figures: Iterable[Figure], path: Path) -> None:
    """Keep the values for a later comparison."""
    path.write_text(json.dumps({figure.name: figure.value for figure in figures}, indent=2))


def load(path: Path) -> dict[str, float]:
    """The values of a saved run."""
    return dict(json.loads(path.read_text()))


def percentile(values: Iterable[float], share: float) -> float:
    """The value that *share* of all stay at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
