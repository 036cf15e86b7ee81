from typing import Any

import pytest
from wandb_cases import cases

from launchkit.resolving.macros import fill_macros


@pytest.mark.parametrize(
    "case", [*cases("macro-none"), *cases("macro-keys"), *cases("macro-handle")]
)
def test_macros_are_filled_as_wandb_does(case: dict[str, Any]) -> None:
    given = case["input"]
    filled, _ = fill_macros(given["template"], given["values"])
    expected = case["expected"] if case["stance"] == "match" else "name="
    assert filled == expected


def test_macros_are_filled_at_any_depth_and_other_values_stay() -> None:
    value = {"a": [{"b": "${x}-${x}"}, 1, None, True], "c": "$x ${ x } $${x}"}
    filled, warnings = fill_macros(value, {"x": "1"})
    assert filled == {"a": [{"b": "1-1"}, 1, None, True], "c": "$x ${ x } $1"}
    assert warnings == ()


def test_an_unknown_macro_stays_and_its_place_is_told_once() -> None:
    filled, warnings = fill_macros({"a": {"b": ["${oops} ${oops}"]}}, {"x": "1"})
    assert filled == {"a": {"b": ["${oops} ${oops}"]}}
    assert warnings == ("a.b[0]: unknown macro ${oops} is left as it is",)


@pytest.mark.parametrize("text", ["${a${x}}", "${a${x}b${x}c}", "${${x}}", "1${a${b${x}}}2"])
def test_a_macro_inside_a_macro_stays_as_it_is_with_a_warning(text: str) -> None:
    filled, warnings = fill_macros({"k": text}, {"x": "1", "a1": "no", "a": "no"})
    assert filled == {"k": text}
    assert len(warnings) == 1
    assert "macros do not nest" in warnings[0]


def test_what_a_macro_puts_in_is_never_taken_for_a_macro() -> None:
    filled, warnings = fill_macros({"k": "${a}${b}x}"}, {"a": "${b}", "b": "${", "x": "no"})
    assert filled == {"k": "${b}${x}"}
    assert warnings == ()
