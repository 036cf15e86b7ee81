"""Of a long document a page shows the beginning, whatever it is made of."""

from typing import Any

import pytest
from launchkit_server.web.beginnings import Beginning
from launchkit_server.web.filters import SHOWN, shown_yaml


def test_a_document_that_is_not_long_is_shown_as_it_is() -> None:
    told = {"a": [1, None, 2.5, True], "b": {"c": "x" * 300}, "d": "", "e": []}
    assert Beginning(SHOWN).of(told) == told


def test_of_a_long_document_the_beginning_is_shown() -> None:
    told = {"a": "x" * 60 + "y" * 60, "b": [1] * 9, "c": 1, "d": 2}
    assert Beginning(130).of(told) == {"a": f"{'x' * 59} … {'y' * 59}", "…": "…"}
    assert Beginning(60).of({"b": [1] * 9, "c": 1}) == {"b": [1, 1, 1, 1, 1, "…"], "…": "…"}


@pytest.mark.parametrize(
    "told",
    [
        {"a": "\x01" * 1_000_000},
        {"\x01" * 1_000_000: 1},
        {"a": [1] * 100_000},
        {"a": [[]] * 100_000},
        {f"k{n}": "y\n" * 20 for n in range(100_000)},
    ],
    ids=["text", "key", "numbers", "lists", "texts"],
)
def test_no_document_is_written_at_greater_length_than_a_page_shows(told: dict[str, Any]) -> None:
    assert len(shown_yaml(told)) < 10 * SHOWN
