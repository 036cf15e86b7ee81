"""How much a queue may be."""

from dataclasses import replace
from typing import Any

import pytest

from launchkit.errors import ConfigError
from launchkit.model import QueueSpec, Variable
from launchkit.resolving.known_secrets import MOST_CHARACTERS_OF_SECRETS
from launchkit.resolving.nested import LONGEST_KEY, MOST_CHARACTERS_OF_A_QUEUE, MOST_VALUES
from launchkit.resolving.queue_checks import check_queue, check_secrets

LONG = "x" * MOST_CHARACTERS_OF_A_QUEUE
NUMBERS = [10**99] * 9_400
MANY = [0] * (MOST_VALUES - 2)  # the list and the config are values, too


def queue(config: dict[str, Any], *descriptions: str) -> QueueSpec:
    """A queue with a field for each variable."""
    variables = {
        f"v{number}": Variable(type="string", description=text)
        for number, text in enumerate(descriptions)
    }
    fields = {"fields": "".join(f"{{{{{name}}}}}" for name in variables)} if variables else {}
    return QueueSpec(name="q", resource="docker", config={**fields, **config}, variables=variables)


@pytest.mark.parametrize(
    "config", [{"a": LONG[:-1]}, {"b": {"a": ["", {"b": LONG[:-6]}]}}, {"a": MANY}, {"a": NUMBERS}]
)
def test_a_config_may_be_as_long_as_a_file_of_it(config: dict[str, Any]) -> None:
    check_queue(queue(config))


@pytest.mark.parametrize(
    "config",
    [
        {"a": LONG},
        {LONG: "b"},
        {LONG: {"a": 1}},
        {LONG[1:]: [{"a": {"b": 1}}]},
        {"a": [*MANY, 0]},
        {"a": [*NUMBERS, LONG[:30_000]]},
    ],
)
def test_a_config_that_is_too_large_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^config: has more than 20000 values, or 1000000 char"):
        check_queue(queue(config))


def test_variables_that_are_too_large_together_are_refused() -> None:
    half = LONG[: len(LONG) // 2]
    check_queue(queue({}, half))
    with pytest.raises(ConfigError, match=r"^variables: has more than 20000 values, or 1000000 ch"):
        check_queue(queue({}, half, half))


def test_a_queue_with_more_in_secrets_than_is_looked_for_is_refused_with_what_to_do() -> None:
    check_secrets(queue({"API_TOKEN": "s" * MOST_CHARACTERS_OF_SECRETS}))
    text = " ".join(f"TOKEN_{number}=secret{number:05}" for number in range(36_000))
    for config in ({"env": {"A": text}}, {"TOKENS": ["s" * 60_000, "t" * 60_000]}):
        with pytest.raises(ConfigError, match=r"^config: has more than 100000 char") as caught:
            check_secrets(queue(config))
        assert "${NAME}" in str(caught.value.hint)


def test_a_long_key_above_many_values_counts_for_each() -> None:
    check_queue(queue({"k" * 100: [0] * 10_000, "k" * LONGEST_KEY: 0}))
    with pytest.raises(ConfigError, match="in the paths to them"):
        check_queue(queue({"k" * 900: [0] * 3_000}))
    with pytest.raises(ConfigError, match="in the paths to them"):
        check_queue(queue({"k" * (LONGEST_KEY + 1): 0}))


def with_patterns(*patterns: str) -> QueueSpec:
    made = queue({}, *("" for _ in patterns))
    variables = {
        name: replace(made.variables[name], pattern=pattern)
        for name, pattern in zip(made.variables, patterns, strict=True)
    }
    return replace(made, variables=variables)


def test_the_patterns_of_a_queue_are_bounded_together() -> None:
    check_queue(with_patterns(*(f"[a-z]{{1,9}}-{number}" for number in range(900))))
    with pytest.raises(ConfigError, match=r"v\d+\.pattern: all patterns take too long together"):
        check_queue(with_patterns(*(f"(?:a?){{240}}b|c{number}" for number in range(900))))


def test_a_pattern_that_no_value_can_be_compared_with_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"v0\.pattern: it has more than 2000 steps"):
        check_queue(with_patterns("(?:a?){400}b"))
