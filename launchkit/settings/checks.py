"""What the shape alone cannot say of a configuration: kinds, their keys, and unfilled places."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from launchkit.abc import Builder, Component, Environment, Registry, Runner
from launchkit.codec import Path, suggest
from launchkit.model import Json
from launchkit.plugins import Plugins
from launchkit.settings.schema import (
    AgentSettings,
    Block,
    BuilderBlock,
    EnvironmentBlock,
    RegistryBlock,
)

Problem = tuple[Path, str]


@dataclass(frozen=True)
class BlockRules:
    """One block: its seam, its shape, and the kinds that may be missing but are not wrong."""

    seam: type[Component]
    model: type[Block]
    kinds: tuple[str, ...]


BLOCKS: Mapping[str, BlockRules] = {
    "environment": BlockRules(Environment, EnvironmentBlock, ("aws", "azure", "gcp")),
    "registry": BlockRules(Registry, RegistryBlock, ("acr", "ecr", "gcr", "oci")),
    "builder": BlockRules(Builder, BuilderBlock, ("docker", "kaniko", "noop")),
}
RUNNERS = ("docker", "gcp-vertex", "kubernetes", "local-container", "sagemaker", "vertex")
TYPED_BLOCK_KEYS = ("type", "platform", "build-context-store", "destination", "uri")
FREE_TEXTS = frozenset({"backend", "cache_dir", "entity", "name", "state_dir"})
PLACEHOLDER = re.compile(r"<[^<>]+>|\w \| \w")


def placeholders(data: Json) -> list[Path]:
    """Where a place to be filled in still stands in a key that wants more than some text."""
    top = [(key,) for key in AgentSettings.model_fields if key not in FREE_TEXTS]
    nested = [(block, key) for block in BLOCKS for key in TYPED_BLOCK_KEYS]
    return [path for path in (*top, *nested) if _is_placeholder(value_at(data, path))]


def without(data: Json, paths: list[Path]) -> dict[str, object]:
    """*data* without the values at *paths*, but with each `type`, which must be there."""
    kept: dict[str, object] = {}
    for key, value in data.items():
        inner = [path[1:] for path in paths if path[0] == key and len(path) > 1]
        if (key,) not in paths:
            kept[key] = without(value, inner) if inner and isinstance(value, Mapping) else value
        elif key == "type":
            kept[key] = value
    return kept


def value_at(data: object, path: Path) -> object:
    """The value at *path*, or None."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def problems(data: Json, plugins: Callable[[], Plugins]) -> Iterator[Problem]:
    """What is wrong with blocks, beside their shape. *plugins* is asked for unknown kinds only."""
    for name, rules in BLOCKS.items():
        block = data.get(name)
        if isinstance(block, Mapping) and isinstance(block.get("type"), str):
            yield from _kind_problems(name, rules, block, plugins)
    yield from _region_problems(data.get("environment"))
    builder = data.get("builder")
    if isinstance(builder, Mapping):
        yield from _builder_problems(builder)
    runners = data.get("runners")
    if isinstance(runners, Mapping):
        for kind in runners:
            problem = _kind_problem(Runner, kind, RUNNERS, plugins)
            if problem:
                yield ("runners", kind), problem


def _is_placeholder(value: object) -> bool:
    return isinstance(value, str) and PLACEHOLDER.search(value) is not None


def _kind_problems(
    name: str, rules: BlockRules, block: Json, plugins: Callable[[], Plugins]
) -> Iterator[Problem]:
    kind = str(block["type"])
    if _is_placeholder(kind):
        return
    if kind in rules.kinds:
        known = [field.alias or key for key, field in rules.model.model_fields.items()]
        for key in sorted(block.keys() - {*known}):
            near = suggest(key, known)
            yield (name, key), "unknown key" + (f"; did you mean {near!r}?" if near else "")
        return
    if kind == "local":
        yield (name, "type"), f"leave the {name} block out to use this machine, instead of 'local'"
        return
    problem = _kind_problem(rules.seam, kind, rules.kinds, plugins)
    if problem:
        yield (name, "type"), problem


def _kind_problem(
    seam: type[Component], kind: str, core: tuple[str, ...], plugins: Callable[[], Plugins]
) -> str | None:
    if kind in core:
        return None
    known = sorted({*core, *plugins().classes(seam)} - {"local"})
    if kind in known:
        return None
    near = suggest(kind, known)
    ending = f"did you mean {near!r}?" if near else f"there are: {', '.join(known)}"
    return f"there is no {kind!r}; {ending}"


def _region_problems(environment: object) -> Iterator[Problem]:
    if not isinstance(environment, Mapping) or environment.get("region") is not None:
        return
    if environment.get("type") in {"aws", "gcp"}:
        yield ("environment", "region"), f"this key is required for {environment['type']}"


def _builder_problems(builder: Json) -> Iterator[Problem]:
    if (builder.get("secret-name") is None) != (builder.get("secret-key") is None):
        missing = "secret-name" if builder.get("secret-name") is None else "secret-key"
        yield ("builder", missing), "secret-name and secret-key belong together; give both"
    if builder.get("uri") is not None and builder.get("destination") is not None:
        yield ("builder", "uri"), "is another word for destination; give one of them"
