"""From values to data: pure functions."""

import pytest

from launchkit.cli.output import WIDEST, aligned
from launchkit.cli.present import moment, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-3, "0s"), (59.6, "1m"), (90, "1m 30s"), (7500, "2h 5m"), (273600, "3d 4h")],
)
def test_a_time_span_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [(None, None), (0, "1970-01-01T00:00:00.000Z"), (1.5, "1970-01-01T00:00:01.500Z")],
)
def test_a_moment_is_iso_8601_in_utc(at: float | None, text: str | None) -> None:
    assert moment(at) == text


def test_cells_of_a_column_start_at_the_same_place() -> None:
    assert list(aligned([("A", "B"), ("long", "x")])) == ["A     B", "long  x"]


def test_rows_are_not_made_as_long_as_the_longest_cell_of_all() -> None:
    long = "x" * 100_000
    lines = list(aligned([("A", "B"), *[("a", "b")] * 100, (long, "c")]))
    assert lines[:2] == [f"A{' ' * (WIDEST - 1)}  B", f"a{' ' * (WIDEST - 1)}  b"]
    assert lines[-1] == f"{long}  c"
