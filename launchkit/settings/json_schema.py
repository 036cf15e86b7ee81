"""The JSON Schema of a launch-config.yaml, for editors, put together from what is installed."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from launchkit.abc import Builder, Component, Policy, QueueBackend, Registry, Runner
from launchkit.catalogue import PACKAGES
from launchkit.errors import PluginError
from launchkit.json_schema import field_docs, json_schema
from launchkit.plugins import Plugins
from launchkit.settings.components import AGENTS_KEYS, CORE_KEYS, SEAMS, policy_classes
from launchkit.settings.schema import AgentSettings, BuilderBlock

C = TypeVar("C", bound=Component)
Schema = dict[str, Any]

logger = logging.getLogger("launchkit.settings")

OLD_KEYS = {
    "queue": {"type": "string", "description": "One more of queues.", "deprecated": True},
    "project": {"description": "Ignored.", "deprecated": True},
}
ABOUT_BACKEND = {
    "title": "Backend",
    "description": "The queue's URL, or a block of the URL and the settings of its kind.",
    "default": None,
}
ABOUT = frozenset({"title", "description", "default"})


def settings_schema(plugins: Plugins) -> Schema:
    """JSON Schema 2020-12 of the file, with the kinds of *plugins*, and those that are known to be
    provided by packages that are not installed.

    It says what an editor can use; loading the file looks closer.
    """
    schema = _described(AgentSettings)
    properties: Schema = schema["properties"]
    definitions: Schema = {}
    for name, seam in SEAMS.items():
        properties[name] |= _choice(_block(name, seam, plugins, definitions))
    properties["backend"] = {**ABOUT_BACKEND, "anyOf": _backend(plugins, definitions)}
    properties["runners"] |= _runners(plugins, definitions)
    properties["policy"] = {**properties["policy"], **_policy(plugins)}
    properties["policy"].pop("$ref", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "$defs": dict(sorted(definitions.items())),
        "title": "launch-config.yaml",
        "properties": {**{key: _or_null(value) for key, value in properties.items()}, **OLD_KEYS},
    }


def _described(model: type[BaseModel]) -> Schema:
    """The schema of a model, with the docstrings under its fields."""
    schema: Schema = model.model_json_schema()
    for name, text in field_docs(model).items():
        if name in schema["properties"]:
            schema["properties"][name]["description"] = text
    return schema


def _choice(shape: Schema) -> Schema:
    return {"anyOf": [shape, {"type": "null"}]}


def _block(name: str, seam: type[Component], plugins: Plugins, definitions: Schema) -> Schema:
    """A block: its `type` decides which other keys there are."""
    core = _builder_keys(plugins) if name == "builder" else {}
    rules = []
    kinds = {*PACKAGES.get(seam.seam, ())}
    for cls, names in _named(plugins, seam):
        kinds |= {*names}
        key = f"{seam.seam}-{cls.kind}"
        shared = dict.fromkeys(sorted(CORE_KEYS[name]), True)
        definitions |= _definitions(key, _settings_of(cls), shared)
        rules.append(
            {
                "if": {"properties": {"type": {"enum": [*names]}}},
                "then": {"$ref": f"#/$defs/{key}"},
            }
        )
    if seam is Builder:
        kinds.add(BuilderBlock.AUTO)
        auto = {"properties": {"type": {"const": BuilderBlock.AUTO}}}
        known = {"properties": dict.fromkeys(sorted(CORE_KEYS[name]), True)}
        rules.append({"if": auto, "then": {**known, "additionalProperties": False}})
    return {
        "type": "object",
        "properties": {**core, "type": {"enum": sorted(kinds)}},
        "required": ["type"],
        "allOf": rules,
    }


def _backend(plugins: Plugins, definitions: Schema) -> list[Schema]:
    """A URL alone, or a block with the keys of any kind; loading looks at those of its own."""
    properties: Schema = {"type": {"type": "string"}}
    for cls, _ in _named(plugins, QueueBackend):
        key = f"backend-{cls.kind}"
        definitions |= _definitions(key, _settings_of(cls), {})
        about = definitions.pop(key)["properties"]
        settings = {*cls.setting_names()} - AGENTS_KEYS
        own = sorted(name for name in about if name.replace("-", "_") in settings)
        properties |= {name: about[name] for name in own}
    return [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "url": {"type": "string"},
                **{name: _or_null(about) for name, about in properties.items()},
            },
            "required": ["url"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ]


def _builder_keys(plugins: Plugins) -> Schema:
    """What the core reads of a builder; a repository may also be written as its registry does."""
    core: Schema = _described(BuilderBlock)["properties"]
    hosts = [host for cls, _ in _named(plugins, Registry) for host in cls.hosts]
    for key in ("destination", "uri"):
        core[key]["anyOf"] += [
            {"type": "string", "pattern": f"^(https://)?({host})(/.*)?$"} for host in hosts
        ]
    return core


def _runners(plugins: Plugins, definitions: Schema) -> Schema:
    """Settings of runners by kind; those of kinds that are not installed may be anything."""
    properties: Schema = {}
    for cls, names in _named(plugins, Runner):
        key = f"runner-{cls.kind}"
        definitions |= _definitions(key, _settings_of(cls), {})
        properties |= {name: _or_null({"$ref": f"#/$defs/{key}"}) for name in names}
    return {"properties": properties, "additionalProperties": {"type": ["object", "null"]}}


def _policy(plugins: Plugins) -> Schema:
    core = json_schema(Policy)
    properties = {name: about for name, about in core["properties"].items() if name != "of_runners"}
    properties |= dict.fromkeys(PACKAGES["policy"], True)
    for cls in policy_classes(plugins):
        properties |= json_schema(cls)["properties"]
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(plugins: Plugins, seam: type[C]) -> Iterator[tuple[type[C], tuple[str, ...]]]:
    """The classes that a file can name, and the words for each."""
    for cls, names in plugins.kinds(seam).items():
        if not cls.unnamed:
            yield cls, names


def _settings_of(cls: type[Component]) -> Schema:
    """What a class says of its settings; they may be anything where it fails to."""
    try:
        return {**cls.settings_schema()}
    except PluginError as exc:
        logger.warning("%s", exc, extra={"action": "schema"})
        return {}


def _definitions(key: str, schema: Schema, shared: Schema) -> Schema:
    """The settings of one kind, and what they refer to, under names of their own."""
    inner = {f"{key}.{name}": about for name, about in schema.pop("$defs", {}).items()}
    spelled: Schema = {}
    for name, about in schema.get("properties", {}).items():
        spelled |= dict.fromkeys((name, name.replace("_", "-")), _or_null(about))
    required = [_either(name) for name in schema.pop("required", ())]
    whole = {**schema, "properties": {**shared, **spelled}}
    if required:
        whole["allOf"] = required
    return {name: _moved(about, key) for name, about in {key: whole, **inner}.items()}


def _either(name: str) -> Schema:
    return {"anyOf": [{"required": [one]} for one in dict.fromkeys((name, name.replace("_", "-")))]}


def _moved(schema: Any, key: str) -> Any:
    """With references that lead to the definitions of *key*."""
    if isinstance(schema, Mapping):
        return {
            name: f"#/$defs/{key}.{about.rpartition('/')[2]}"
            if name == "$ref"
            else _moved(about, key)
            for name, about in schema.items()
        }
    return [_moved(one, key) for one in schema] if isinstance(schema, list) else schema


def _or_null(value: Schema) -> Schema:
    """A key without a value counts as not given."""
    about = {key: value[key] for key in value if key in ABOUT}
    shape = {key: value[key] for key in value if key not in ABOUT}
    if {"type": "null"} in shape.get("anyOf", ()):
        return value
    return {**about, "anyOf": [shape, {"type": "null"}]}
