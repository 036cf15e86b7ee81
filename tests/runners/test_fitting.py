"""A config is held against the shape of a request."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from launchkit.runners.fitting import FILL_IN, Problems, camel, fitted, member_named
from launchkit.runners.written_forms import form

SHAPE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "machine_type": {"type": "string", "pattern": "^n1-.*$"},
        "replica_count": {"type": "integer", "minimum": 1},
        "is_spot": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["FAST", "SLOW"]},
        "disks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"size_gb": {"type": "number"}},
            },
        },
        "labels": {
            "type": "object",
            "propertyNames": {"type": "string"},
            "additionalProperties": {"type": "string"},
        },
    },
}


def told(value: Any, *, is_filled: bool = False) -> tuple[Any, list[str]]:
    """What is made of a value, and what is wrong with it."""
    problems = Problems(is_filled=is_filled)
    return fitted(value, SHAPE, "args", problems), problems.lines


def test_texts_become_what_the_shape_wants_and_null_is_left_out() -> None:
    given = {"replica_count": "2", "is_spot": "true", "mode": None, "labels": {"a": 1}}
    made, lines = told(given)
    assert lines == []
    assert made == {"replica_count": 2, "is_spot": True, "labels": {"a": "1"}}


def test_keys_may_be_written_in_camel_case() -> None:
    made, lines = told({"machineType": "n1-a", "disks": [{"sizeGb": 1}]})
    assert lines == []
    assert made == {"machine_type": "n1-a", "disks": [{"size_gb": 1}]}


def test_a_number_that_is_beyond_its_bounds_is_told_as_it_is_written() -> None:
    assert told({"replica_count": "000"})[1] == ["args.replica_count: 000 is beyond the minimum, 1"]


def test_two_ways_of_writing_one_key_are_not_both_taken() -> None:
    _, lines = told({"machineType": "n1-a", "machine_type": "n1-b"})
    assert lines == ["args.machine_type: is given twice; machine_type is the same key"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"machine_typ": "n1-a"}, "args.machine_typ: unknown key; did you mean 'machine_type'?"),
        ({"machine_type": "a2"}, "args.machine_type: 'a2' does not look as it has to: ^n1-"),
        (
            {"machine_type": FILL_IN},
            "args.machine_type: is still to be filled in",
        ),
        ({"replica_count": 0}, "args.replica_count: 0 is beyond the minimum, 1"),
        ({"replica_count": []}, "args.replica_count: must be a whole number, not a list"),
        ({"mode": "QUICK"}, "args.mode: 'QUICK' is none of"),
        ({"disks": [{"size_gb": "much"}]}, "args.disks[0].size_gb: must be a number, not 'much'"),
        ({"disks": {}}, "args.disks: must be a list, not a mapping"),
        ([], "args: must be a mapping, not a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(value: Any, line: str) -> None:
    _, (said,) = told(value)
    assert said.startswith(line)


@pytest.mark.parametrize("text", ["{{count}}", "${count}"])
def test_what_is_filled_in_later_is_looked_at_later(text: str) -> None:
    assert told({"replica_count": text})[1] == []
    assert told({"replica_count": text}, is_filled=True)[1] != []


@pytest.mark.parametrize(
    "value",
    [
        {"machineType": "n1-a", "replica_count": "2"},
        {"machine_type": "{{machine}}", "replicaCount": "${count}", "is_spot": None},
        {"disks": [{"sizeGb": "{{size}}"}], "mode": "FAST"},
    ],
)
def test_the_schema_of_all_forms_takes_what_is_taken(value: Any) -> None:
    assert told(value)[1] == []
    Draft202012Validator(form(SHAPE)).validate(value)


def test_the_schema_of_all_forms_refuses_a_key_that_is_not_known() -> None:
    assert not Draft202012Validator(form(SHAPE)).is_valid({"machine_typ": "n1-a"})


def test_a_key_names_a_field_in_each_way_of_writing_it() -> None:
    assert camel("boot_disk_size_gb") == "bootDiskSizeGb"
    known = {"RoleArn": 1, "VolumeSizeInGB": 2}
    assert member_named("role_arn", known) == "RoleArn"
    assert member_named("volume_size_in_gb", known) == "VolumeSizeInGB"
    assert member_named("roleArn", known) is None
