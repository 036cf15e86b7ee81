"""What is told of data that has not the shape that is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from launchkit.codec import decode, encode_json, suggest
from launchkit.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A command in its long form."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    command: str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Args:
    """Values of several shapes."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    env: Mapping[str, str | int | float | None] | tuple[str, ...] = ()
    setup: Setup | str | tuple[str, ...] | None = None
    few: Annotated[int, Field(le=9)] = 0
    inner: Mapping[str, Setup] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"env": "<script>"}, "env: must be a mapping or a list, not '<script>'"),
        ({"env": {"A": [1]}}, "env.A: must be text or a number"),
        ({"env": ["A=1", 2]}, "env[1]: must be text, not 2"),
        ({"env": {"str": {}}}, "env.str: must be text or a number"),
        ({"setup": 3}, "setup: must be text, a mapping or a list, not 3"),
        ({"setup": {"command": 3}}, "setup.command: must be text or a list, not 3"),
        ({"setup": {}}, "setup.command: this key is required"),
        (
            {"setup": {"command": "a", "comand": 1}},
            "setup.comand: unknown key; did you mean 'command'?",
        ),
        ({"inner": {"a": 1}}, "inner.a: must be a mapping, not 1"),
        ({"few": 10}, "few: must be less than or equal to 9, not 10"),
        ({"few": 1.5}, "few: must be a whole number, not 1.5"),
        ([], "(top level): must be a mapping"),
    ],
)
def test_a_wrong_shape_is_told_once_and_in_words(data: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode(Args, data)
    assert caught.value.message == said


@pytest.mark.parametrize("value", [{"a": ["\ud800"]}, {"\udcff": 1}, {"a": object()}])
def test_what_no_json_holds_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="cannot be kept as JSON"):
        encode_json(value)


def test_the_nearest_of_very_many_words_is_found_and_long_ones_are_left_out() -> None:
    words = [f"feature/{number}" for number in range(100_000)]
    assert suggest("feature/777x", words) == "feature/777"
    assert suggest("maln", ["main", "m" * 10_000]) == "main"
    assert suggest("m" * 10_000, ["m" * 9_999]) is None
