from typing import Any

import pytest

from launchkit.codec import decode, decode_json, encode_json
from launchkit.errors import ConfigError, Rejected
from launchkit.model import LaunchSpec
from launchkit.resolving.templates import check_template, fill_template, find_variables
from launchkit.resolving.variables import parse_variables

SAGEMAKER = {
    "RoleArn": "arn:aws:iam:region:account-id:resource-type/resource-id",
    "ResourceConfig": {
        "InstanceType": "{{aws_instance}}",
        "InstanceCount": "{{ count }}",
        "VolumeSizeInGB": 2,
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": "{{max-seconds}}"},
}
VARIABLES = parse_variables(
    {
        "aws_instance": {"type": "string", "enum": ["ml.m4.xlarge", "ml.p3.xlarge"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "max-seconds": {"type": "float", "maximum": 3600, "default": 60.5},
    }
)


def test_parsing_a_config_lists_its_fields_in_order_with_guessed_types() -> None:
    config = {**SAGEMAKER, "tags": ["run-{{count}}", "{{team}}"], "{{key}}": "{{ .Values.x }}"}
    types = {name: variable.type for name, variable in find_variables(config).items()}
    assert types == {
        "aws_instance": "string",
        "count": "integer",
        "max-seconds": "integer",
        "team": "string",
    }


@pytest.mark.parametrize(
    ("key", "text", "guess"),
    [
        ("cpus", "{{x}}", "integer"),
        ("nvidia.com/gpu", "{{x}}", "integer"),
        ("replica_count", " {{x}} ", "integer"),
        ("backoffLimit", "{{x}}", "integer"),
        ("memory", "{{x}}", "string"),
        ("cpu", "{{x}}m", "string"),
        ("image", "{{x}}", "string"),
    ],
)
def test_only_a_whole_value_of_a_counting_key_is_taken_for_a_number(
    key: str, text: str, guess: str
) -> None:
    assert find_variables({"resources": {key: text}})["x"].type == guess


def test_a_whole_field_keeps_its_type_and_an_embedded_one_is_text() -> None:
    config = {"n": "{{count}}", "f": "{{max-seconds}}", "t": ["{{count}}-{{max-seconds}}s"], "k": 1}
    variables = {name: VARIABLES[name] for name in ("count", "max-seconds")}
    assert fill_template(config, variables, {"count": 3}) == {
        "n": 3,
        "f": 60.5,
        "t": ["3-60.5s"],
        "k": 1,
    }


def test_a_value_is_not_looked_at_again_for_fields() -> None:
    anything = {"type": "string", "pattern": ".*"}
    variables = parse_variables({"a": anything, "b": {"type": "string"}})
    filled = fill_template({"x": "{{a}}{{b}}"}, variables, {"a": "{{b}}", "b": "1"})
    assert filled == {"x": "{{b}}1"}


def test_all_that_is_wrong_with_the_values_is_said_at_once() -> None:
    values: dict[str, Any] = {"count": 9, "max-seconds": True, "cuont": 1}
    with pytest.raises(Rejected) as caught:
        fill_template(SAGEMAKER, VARIABLES, values)
    text = str(caught.value)
    assert "aws_instance: needs a value" in text
    assert "count: must be at most 4, not 9" in text
    assert "max-seconds: must be of type number, not True" in text
    assert "cuont: there is none of that name; did you mean 'count'?" in text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", "2", "must be of type integer, not '2'"),
        ("count", 2.0, "must be of type integer, not 2.0"),
        ("count", 0, "must be at least 1, not 0"),
        ("aws_instance", "ml.huge", "must be one of 'ml.m4.xlarge', 'ml.p3.xlarge', not 'ml.huge'"),
        ("aws_instance", 5, "must be of type string, not 5"),
        ("max-seconds", float("nan"), "must be of type number, not nan"),
    ],
)
def test_values_are_held_to_type_range_and_choices(name: str, value: Any, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        fill_template(SAGEMAKER, VARIABLES, {"aws_instance": "ml.m4.xlarge", name: value})


def test_a_whole_number_will_do_for_a_number() -> None:
    values: dict[str, Any] = {"aws_instance": "ml.m4.xlarge", "max-seconds": 5}
    filled: Any = fill_template(SAGEMAKER, VARIABLES, values)
    assert filled["StoppingCondition"] == {"MaxRuntimeInSeconds": 5}


def test_a_config_that_belongs_to_its_variables_is_accepted() -> None:
    check_template(SAGEMAKER, VARIABLES)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"a": "{{cuont}}", "b": "{{count}}"}, "a: no variable 'cuont' is defined; did you mean"),
        ({"a": ["{{x}}"], "b": "{{count}}"}, r"a\[0\]: no variable 'x' is defined"),
        ({"a": 1}, "template variable count: no field of the config uses it"),
        ({"{{count}}": 1, "b": "{{count}}"}, "a template field cannot be a key"),
        ({"b": ["${DB_{{count}}}"]}, r"b\[0\]: a template field cannot be part of a macro's name"),
        ({"b": "${{{count}}"}, "b: a template field cannot be part of a macro's name"),
    ],
)
def test_fields_and_definitions_must_match(config: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_template(config, {"count": VARIABLES["count"]})


def test_a_field_that_nobody_defined_is_not_passed_on() -> None:
    with pytest.raises(Rejected, match="oops: the queue does not define it"):
        fill_template({"a": "{{oops}}"}, {}, {})


@pytest.mark.parametrize("value", ["${TOKEN}", "a${"])
def test_a_pattern_that_allows_much_allows_no_macro(value: str) -> None:
    variables = parse_variables({"x": {"type": "string", "pattern": ".*"}})
    with pytest.raises(Rejected, match="macros are the queue's"):
        fill_template({"a": "{{x}}"}, variables, {"x": value})


def test_a_value_that_is_all_of_its_place_may_be_any_text() -> None:
    variables = parse_variables({"command": {"type": "string"}})
    value = "a, b/../c:d"
    assert fill_template({"c": " {{command}} "}, variables, {"command": value}) == {"c": value}


@pytest.mark.parametrize("value", ["ok-1", "ok-22"])
def test_a_value_that_its_pattern_names_is_taken(value: str) -> None:
    variables = parse_variables({"x": {"type": "string", "pattern": r"ok-\d+", "max_length": 5}})
    assert fill_template({"a": "{{x}}"}, variables, {"x": value}) == {"a": value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ok-x", r"must be what the pattern ok-\\d\+ says"),
        ("xok-1", "must be what the pattern"),
        ("ok-1\n", "must be what the pattern"),
        ("ok-333", "may have 5 characters, not 6"),
        ("ok\0", "cannot hold a NUL"),
    ],
)
def test_a_value_that_its_pattern_does_not_name_is_refused(value: str, message: str) -> None:
    variables = parse_variables({"x": {"type": "string", "pattern": r"ok-\d+", "max_length": 5}})
    with pytest.raises(Rejected, match=f"template variable x: {message}"):
        fill_template({"a": "{{x}}"}, variables, {"x": value})


def test_true_is_no_number() -> None:
    recipe = {"source": {"kind": "image", "image": "i"}}
    for value in (True, False):
        with pytest.raises(ConfigError, match=r"template_variables\.n"):
            decode(LaunchSpec, {"recipe": recipe, "template_variables": {"n": value}})
    for number in (1, 1.5, "1"):
        spec = decode(LaunchSpec, {"recipe": recipe, "template_variables": {"n": number}})
        assert spec.template_variables["n"] == number
        assert decode_json(LaunchSpec, encode_json(spec)) == spec


@pytest.mark.parametrize("name", ["x", "x-", "x_1", "A-b-", "_"])
def test_a_name_may_end_as_any_may_be_written(name: str) -> None:
    config = {"a": f"{{{{{{ {name}\t}}}}}}"}
    assert find_variables(config).keys() == {name}
    assert fill_template(config, find_variables(config), {name: "v"}) == {"a": "{v}"}


def test_of_very_much_that_is_wrong_the_first_is_told() -> None:
    known = parse_variables({f"name_{number}": {"type": "string"} for number in range(500)})
    config = {"a": [f"{{{{naem_{number}}}}}" for number in range(500)]}
    with pytest.raises(ConfigError) as wrong:
        check_template(config, known)
    assert len(wrong.value.message.splitlines()) == 20
    values = {f"other-{number}": "x" for number in range(500)}
    with pytest.raises(Rejected) as refused:
        fill_template(config, known, values)
    unknown = [line for line in refused.value.message.splitlines() if "there is none" in line]
    assert len(unknown) == 20
    assert max(map(len, unknown)) < 500
    assert "480 more that are unknown" in refused.value.message


def test_a_value_that_is_refused_is_told_in_short() -> None:
    variables = parse_variables({"x": {"type": "string"}})
    with pytest.raises(Rejected) as refused:
        fill_template({"a": "mount={{x}}"}, variables, {"x": "a," * 4000})
    assert len(refused.value.message) < 500
    names = [f"name-{number}" for number in range(500)]
    many = parse_variables({name: {"type": "string"} for name in names})
    with pytest.raises(Rejected) as refused:
        fill_template(
            {"a": "".join(f"{{{{{name}}}}}" for name in names)}, many, dict.fromkeys(names, "")
        )
    assert len(refused.value.message) < 500
