"""The document of the API says what the API does."""

from collections import Counter
from typing import Any

import pytest
from launchkit_server.app import make_app
from launchkit_server.examples import EXAMPLES

from launchkit.codec import decode, plain

from .conftest import nowhere

DOCUMENT: dict[str, Any] = make_app(nowhere()).openapi()
OPERATIONS = {
    f"{method} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["description"].endswith((".", "header.\n"))
    assert operation["responses"].keys() >= {"400", "429", "503"}
    assert ("security" in operation) == ("/api/" in name)
    assert any(status.startswith("2") for status in operation["responses"])


def test_what_is_only_read_has_no_body() -> None:
    read = [one for name, one in OPERATIONS.items() if name.startswith("get ")]
    assert [one["operationId"] for one in read if "requestBody" in one] == []


def test_each_operation_has_a_name_of_its_own() -> None:
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())
    assert [name for name, count in names.items() if count > 1] == []


def test_each_body_and_each_answer_has_an_example() -> None:
    used = {
        part["schema"]["$ref"].rpartition("/")[2]
        for operation in OPERATIONS.values()
        for one in (operation.get("requestBody", {}), *operation["responses"].values())
        for part in one.get("content", {}).values()
        if "$ref" in part.get("schema", {})
    }
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name in sorted(used) if "examples" not in schemas[name]] == []


@pytest.mark.parametrize("value", EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_example_is_a_value_of_its_kind(value: object) -> None:
    assert decode(type(value), plain(value)) == value
