"""What is nested too deep, and what is no number, is refused before anything walks through it."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from launchkit.codec import MAX_DEPTH, check_depth, check_numbers
from launchkit.document import parse_document
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Launch, QueueSpec
from launchkit.resolving.queue_checks import check_queue
from launchkit.resolving.samples import check_config_of
from launchkit.testing import FakeRunner


def nested(levels: int, *, lists: bool = False) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return value


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 10_000])
def test_a_queue_whose_config_is_too_deep_is_refused(levels: int, lists: bool) -> None:
    spec = QueueSpec(name="q", resource="fake", config={"top": nested(levels, lists=lists)})
    where = r"config\.top" + (r"\[0\]" if lists else r"\.a")
    with pytest.raises(ConfigError, match=rf"^{where}.*: is nested too deep: {MAX_DEPTH} levels"):
        check_queue(spec)
    with pytest.raises(Rejected, match=r"^resource_args\.top.*: is nested too deep"):
        check_config_of(spec, FakeRunner)


def test_a_config_that_is_not_too_deep_is_taken() -> None:
    check_queue(QueueSpec(name="q", resource="fake", config={"top": nested(MAX_DEPTH - 1)}))


def test_a_launch_that_adds_what_is_too_deep_is_refused(
    make_launch: Callable[..., Launch],
) -> None:
    for key in ("resource_args", "config"):
        with pytest.raises(Rejected, match=rf"^{key}\.a.*: is nested too deep"):
            make_launch({}, overrides={key: nested(10_000)})
        with pytest.raises(Rejected, match=rf"^{key} of the job\.a.*: is nested too deep"):
            make_launch({}, recipe={key: nested(10_000)})


def test_a_text_that_is_too_deep_is_no_document() -> None:
    with pytest.raises(ConfigError, match=r"q\.yaml:1: is nested too deep"):
        parse_document("[" * 10_000 + "]" * 10_000, "q.yaml")


def test_it_takes_linear_time_also_where_parts_stand_in_it_many_times() -> None:
    value: Any = ["x"]
    for _ in range(MAX_DEPTH - 2):
        value = [value] * 9
    check_depth(value)
    check_numbers(value)  # to look at each of the parts would last for ever


FINITE = "must be a finite number, not {}, which JSON cannot say$"
FEW_DIGITS = "must be a number of at most 100 digits$"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        *((number, FINITE.format(number)) for number in (math.nan, math.inf, -math.inf)),
        *((number, FEW_DIGITS) for number in (10**100, -(10**100))),
        pytest.param(10**5000, FEW_DIGITS, id="what Python writes out for nobody"),
    ],
)
def test_what_is_no_number_is_refused_where_it_comes_in(
    make_launch: Callable[..., Launch], number: float, told: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^config\.a\[0\]: {told}"):
        check_queue(QueueSpec(name="q", resource="fake", config={"a": [number]}))
    for key in ("resource_args", "config"):
        with pytest.raises(Rejected, match=rf"^{key}\.a: {told}"):
            make_launch({}, overrides={key: {"a": number}})
        with pytest.raises(Rejected, match=rf"^{key} of the job\.a: {told}"):
            make_launch({}, recipe={key: {"a": number}})


def test_a_number_of_256_bits_is_kept_as_it_is(make_launch: Callable[..., Launch]) -> None:
    seed = 2**256 - 1
    check_queue(QueueSpec(name="q", resource="fake", config={"a": [seed, -seed, 10**100 - 1]}))
    assert make_launch({}, overrides={"config": {"a": seed}}).config == {"a": seed}
