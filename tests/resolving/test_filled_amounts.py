"""What macros and template variables become together is bounded, however often they are named."""

import tracemalloc
from collections.abc import Callable

import pytest

from launchkit.errors import Rejected
from launchkit.model import ImageSource, LaunchSpec, QueueSpec, Recipe, Variable
from launchkit.model.claims import MOST_WARNINGS
from launchkit.resolving.macros import fill_macros
from launchkit.resolving.nested import MOST_FILLED
from launchkit.resolving.resolve import validate_launch

RECIPE = Recipe(source=ImageSource(image="img"))
TEXT = {"v": Variable(type="string")}
MOST_MEMORY = 50 * 2**20


def by_variable() -> None:
    queue = QueueSpec(
        name="q", resource="any", config={"env": ["A=" + "{{v}} " * 999]}, variables=TEXT
    )
    validate_launch(queue, LaunchSpec(recipe=RECIPE, template_variables={"v": "%2e" * 3333}))


def by_default() -> None:
    variables = {"v": Variable(type="string", default="%2e" * 3333)}
    config = {"env": [f"A{number}=" + "{{v}} " * 10 for number in range(90)]}
    queue = QueueSpec(name="q", resource="any", config=config, variables=variables)
    validate_launch(queue, LaunchSpec(recipe=RECIPE))


def by_name() -> None:
    queue = QueueSpec(name="q", resource="any", config={"env": ["A=" + "${run_name} " * 40_000]})
    validate_launch(queue, LaunchSpec(recipe=RECIPE, name="a%2e" * 31))


def by_macro() -> None:
    fill_macros({"env": {"A": "${run_name}" * 360_000}}, {"run_name": "\N{SNAKE}" * 512})


def by_many_macros() -> None:
    fill_macros({str(number): "${a}" for number in range(20_000)}, {"a": ""})


@pytest.mark.parametrize("fill", [by_variable, by_default, by_name, by_macro, by_many_macros])
def test_what_becomes_too_much_once_it_is_filled_is_refused_before(
    fill: Callable[[], None],
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match=f"more than {MOST_FILLED} characters"):
            fill()
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_a_long_text_with_a_few_values_in_it_is_filled() -> None:
    text = "x" * 200_000 + "${a}" * 100
    filled, _ = fill_macros({"script": text}, {"a": "value"})
    assert filled["script"].endswith("value")


def test_of_very_many_unknown_macros_the_first_are_told_in_short() -> None:
    text = "".join(f"${{a{number}x}}" for number in range(10_000))
    tracemalloc.start()
    try:
        _, warnings = fill_macros({"A" * 900_000: text}, {})
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert len(warnings) == MOST_WARNINGS
    assert max(map(len, warnings)) < 500
