"""The JSON Schema of a launch-config.yaml, for editors."""

from typing import Any

from launchkit.settings.checks import BLOCKS
from launchkit.settings.schema import AgentSettings

OLD_KEYS = {
    "queue": {"type": "string", "description": "One more of queues.", "deprecated": True},
    "project": {"description": "Ignored.", "deprecated": True},
}
ABOUT = frozenset({"title", "description", "default"})


def settings_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the file, with the kinds that launchkit itself knows.

    It says what an editor can use; loading the file looks closer.
    """
    schema: dict[str, Any] = AgentSettings.model_json_schema()
    definitions = schema["$defs"]
    for rules in BLOCKS.values():
        block = definitions[rules.model.__name__]
        block["additionalProperties"] = False
        block["properties"]["type"]["enum"] = list(rules.kinds)
    definitions["EnvironmentBlock"] |= {
        "if": {"properties": {"type": {"enum": ["aws", "gcp"]}}},
        "then": {"required": ["type", "region"]},
    }
    definitions["BuilderBlock"]["dependentRequired"] = {
        "secret-name": ["secret-key"],
        "secret-key": ["secret-name"],
    }
    properties = {key: _or_null(value) for key, value in schema["properties"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "launch-config.yaml",
        "properties": {**properties, **OLD_KEYS},
    }


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    """A key without a value counts as not given."""
    about = {key: value[key] for key in value if key in ABOUT}
    shape = {key: value[key] for key in value if key not in ABOUT}
    return {**about, "anyOf": [shape, {"type": "null"}]}
