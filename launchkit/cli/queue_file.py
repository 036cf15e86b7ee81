"""Queues as text: what an editor shows of one, and the file that `apply` reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from launchkit.cli.output import as_yaml
from launchkit.cli.present import Data, variable_data
from launchkit.codec import MOST_PROBLEMS, Locate, Path, decode, plain
from launchkit.document import Document, require_plain
from launchkit.errors import ConfigError
from launchkit.line_changes import line_changes
from launchkit.model import Json, QueueSpec
from launchkit.model.spec import STRICT
from launchkit.resolving.queue_checks import check_queue
from launchkit.resolving.variables import parse_variables


@dataclass(frozen=True, kw_only=True)
class Editable:
    """What may change about a queue."""

    __pydantic_config__: ClassVar = STRICT

    config: Json = field(default_factory=dict)
    template_variables: Mapping[str, Json] = field(default_factory=dict)
    prioritization: bool = False
    max_concurrent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Entry(Editable):
    """A queue in a file."""

    name: str
    resource: str


@dataclass(frozen=True)
class Wanted:
    """A queue as a file wants it, and how to name the place of one of its keys."""

    spec: QueueSpec
    locate: Locate


def edited(data: Json, before: QueueSpec, locate: Locate) -> QueueSpec:
    """The queue *before* with what *data* says.

    :raises ConfigError: naming the lines that are wrong.
    """
    found = decode(Editable, _given(data), locate)
    return _checked(before.name, before.resource, found, locate)


def wanted_queues(documents: list[Document]) -> list[Wanted]:
    """The queues of a file: in each document a mapping, or a list of them.

    :raises ConfigError: naming the queues that are wrong, each with its line.
    """
    found: dict[str, Wanted] = {}
    problems: list[str] = []
    for data, locate in _entries(documents):
        try:
            one = _wanted(data, locate)
        except ConfigError as exc:
            problems.append(exc.message)
            if len(problems) == MOST_PROBLEMS:
                break
            continue
        if one.spec.name in found:
            problems.append(f"{locate(('name',))}: queue {one.spec.name} is there twice")
        found[one.spec.name] = one
    if problems:
        raise ConfigError("\n".join(problems), hint="nothing was changed")
    return list(found.values())


def queue_entry(spec: QueueSpec) -> Data:
    """A queue as `apply` reads it."""
    return {"name": spec.name, "resource": spec.resource, **editable_data(spec)}


def editable_data(spec: QueueSpec) -> Data:
    """What may change about a queue."""
    return {
        "config": plain(dict(spec.config)),
        "template_variables": {k: variable_data(v) for k, v in spec.variables.items()},
        "prioritization": spec.prioritization,
        "max_concurrent": spec.max_concurrent,
    }


def diff(before: QueueSpec | None, after: QueueSpec | None) -> str:
    """What is changed, line by line; None is no queue."""
    old, new = (as_yaml(queue_entry(one)).splitlines() if one else [] for one in (before, after))
    name = (after or before or QueueSpec(name="", resource="")).name
    return "\n".join(line_changes(old, new, f"{name} (before)", f"{name} (after)"))


def _entries(documents: list[Document]) -> Iterator[tuple[object, Locate]]:
    for document in documents:
        if isinstance(document.data, list):
            for number, entry in enumerate(document.data):
                yield entry, _inside(document, (number,))
        elif document.data:
            yield document.data, document.locate


def _inside(document: Document, above: Path) -> Locate:
    return lambda path: document.locate((*above, *path))


def _wanted(data: object, locate: Locate) -> Wanted:
    if not isinstance(data, dict):
        raise ConfigError(f"{locate(())}: a queue is a mapping with name and resource")
    require_plain(data, locate)
    entry = decode(Entry, _given(data), locate)
    return Wanted(_checked(entry.name, entry.resource, entry, locate), locate)


def _checked(name: str, resource: str, found: Editable, locate: Locate) -> QueueSpec:
    spec = QueueSpec(
        name=name,
        resource=resource,
        config=found.config,
        variables=parse_variables(
            found.template_variables, lambda path: locate(("template_variables", *path))
        ),
        prioritization=found.prioritization,
        max_concurrent=found.max_concurrent,
    )
    check_queue(spec, locate)
    return spec


def _given(data: Json) -> dict[str, object]:
    return {key: value for key, value in data.items() if value is not None}
