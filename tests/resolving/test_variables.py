from typing import Any

import pytest
from wandb_cases import cases

from launchkit.errors import ConfigError, Rejected
from launchkit.model import Variable
from launchkit.resolving.templates import check_template
from launchkit.resolving.variables import parse_set_vars, parse_variables


@pytest.mark.parametrize("case", cases("set-var"))
def test_set_var_reads_values_as_wandb_does(case: dict[str, Any]) -> None:
    schemas = case["input"]["queue_schemas"]
    variables = parse_variables({name: {"type": kind} for name, kind in schemas.items()})
    pairs = case["input"]["set_var"]
    if case["id"] == "set-var-value-with-equals":  # the stance is to improve on it
        assert parse_set_vars(pairs, variables) == {"s": "a=b"}
    elif "error" in case["expected"]:
        with pytest.raises(Rejected, match=case["expected"]["contains"]):
            parse_set_vars(pairs, variables)
    else:
        assert parse_set_vars(pairs, variables) == case["expected"]


@pytest.mark.parametrize("case", cases("queue-template-roundtrip"))
def test_definitions_in_wandbs_form_are_read(case: dict[str, Any]) -> None:
    queue = case["input"]["upsertRunQueue"]
    variables = parse_variables(queue["template_variables"])
    check_template(queue["resource_config"], variables)
    assert variables == {"cpu": Variable(type="integer", minimum=1, maximum=4)}


def test_both_forms_of_a_definition_mean_the_same() -> None:
    flat = {"lr": {"type": "float", "default": 0.1, "enum": [0.1, 1], "description": "rate"}}
    nested = {
        "lr": {
            "schema": {"type": "number", "default": 0.1, "enum": [0.1, 1]},
            "description": "rate",
        }
    }
    assert parse_variables(flat) == parse_variables(nested)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"type": "integer", "minimum": 4, "maximum": 1}, "x.minimum: must not be above"),
        ({"type": "integer", "default": "2"}, "x.default: must be of type integer, not '2'"),
        ({"type": "integer", "default": 9, "maximum": 4}, "x.default: must be at most 4, not 9"),
        ({"type": "string", "default": "c", "enum": ["a"]}, "x.default: must be one of 'a'"),
        ({"type": "integer", "enum": [1, 9], "maximum": 4}, "x.enum: 9 must be at most 4"),
        ({"type": "string", "enum": []}, "x.enum: must hold at least one value"),
        ({"type": "string", "minimum": 1}, "x.minimum: is for numbers"),
        ({"type": "integer", "pattern": "1"}, "x.pattern: is for texts"),
        ({"type": "number", "max_length": 1}, "x.max_length: is for texts"),
        ({"type": "string", "max_length": -1}, "x.max_length: must be from 0 to"),
        ({"type": "string", "pattern": "("}, "x.pattern: it is no regular expression"),
        ({"type": "string", "pattern": "(?=a)"}, "x.pattern: it may not hold assert"),
        ({"type": "string", "pattern": "a", "default": "b"}, "x.default: must be what the pattern"),
        ({"type": "number", "minimum": "1"}, "x.minimum: must be a number, not '1'"),
        ({"type": "integer", "default": True}, "x.default: must be text or a number, not True"),
        ({"type": "string", "enum": [True]}, "x.enum: must hold texts or numbers"),
        ({"type": "int"}, "x.type: .*'string', 'integer' or 'number'"),
        ({"minimum": 1}, "x.type: this key is required"),
        ({"type": "string", "dfault": "a"}, "x.dfault: unknown key; did you mean 'default'?"),
        ("string", "x: must be a mapping"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused_with_its_path(
    definition: object, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_variables({"x": definition})


def test_all_bad_definitions_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_variables(
            {"a b": {"type": "string"}, "c": {"type": "text"}, "ok": {"type": "string"}}
        )
    assert "a b: a variable's name" in str(caught.value)
    assert "c.type: " in str(caught.value)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("cout=1", "there is none of that name; did you mean 'count'?"),
        ("count", "--set-var count: must have the form name=value"),
        ("=1", "there is none of that name"),
        ("lr=fast", "lr: must be of type number, not 'fast'"),
    ],
)
def test_a_set_var_that_cannot_be_read_is_refused(pair: str, message: str) -> None:
    variables = parse_variables({"count": {"type": "integer"}, "lr": {"type": "number"}})
    with pytest.raises(Rejected, match=message):
        parse_set_vars([pair], variables)


def test_a_comma_in_a_text_is_no_list() -> None:
    variables = parse_variables({"s": {"type": "string"}})
    assert parse_set_vars(["s=a,b=c"], variables) == {"s": "a,b=c"}


def test_all_that_is_wrong_with_a_variable_is_told_at_once() -> None:
    wrong = {"type": "integer", "minimum": 4, "maximum": 1, "enum": [2, "b"], "default": "c"}
    with pytest.raises(ConfigError) as caught:
        parse_variables({"x": wrong})
    places = [line.partition(": ")[0] for line in caught.value.message.splitlines()]
    assert places == ["x.minimum", "x.enum", "x.default"]
    with pytest.raises(ConfigError) as caught:
        parse_variables(
            {"x": {"type": "integer", "minimum": "a", "default": "c", "max_length": []}}
        )
    assert [line[:9] for line in caught.value.message.splitlines()] == ["x.minimum", "x.max_len"]


@pytest.mark.parametrize("key", ["minimum", "maximum", "default", "enum"])
def test_bounds_and_values_of_more_digits_than_anybody_means_are_refused(key: str) -> None:
    value = [10**5000] if key == "enum" else 10**5000
    with pytest.raises(ConfigError, match=rf"^x\.{key}: must be a number of at most 100 digits$"):
        parse_variables({"x": {"type": "integer", key: value}})
