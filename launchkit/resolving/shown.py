"""What a launch would be, for people: each choice, and who made it."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from launchkit.codec import dotted, plain
from launchkit.model import LaunchSpec
from launchkit.resolving.nested import leaves
from launchkit.resolving.resolve import Choices
from launchkit.shell_words import shell_join

Row: TypeAlias = tuple[str, str, str]
"""A choice, its value, and who decided it."""
OF_QUEUES = frozenset({"queue", "template"})
"""Who has decided what a queue's config says."""


def request_data(queue: str, spec: LaunchSpec, choices: Choices) -> dict[str, Any]:
    """A request with every choice that queue, job and launch make together."""
    return {
        "queue": queue,
        "name": spec.name,
        "project": spec.project,
        "job": spec.job,
        "source": plain(spec.recipe.source),
        "entry_point": list(choices.entry_point),
        "args": list(choices.args),
        "env": dict(choices.env),
        "config": choices.config,
        "resource_args": choices.resource_args,
        "builder_args": choices.builder_args,
        "origins": dict(choices.origins),
    }


def request_rows(data: dict[str, Any]) -> Iterator[Row]:
    """The same as rows."""
    origins = data["origins"]
    for key, value in data.items():
        if key in {"entry_point", "args"}:
            yield key, shell_join(value), origins.get(key, "-")
        elif isinstance(value, dict) and key != "origins":
            chosen_as = ("resource_args", "builder") if key == "builder_args" else (key,)
            for path, leaf in leaves(value):
                who = origins.get(dotted((*chosen_as, *path)), "-")
                yield dotted((key, *path)), _text(leaf), who
        elif key != "origins":
            yield key, _text(value), "-"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
