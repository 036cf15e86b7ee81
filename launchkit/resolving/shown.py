"""What a launch would be, for people: each choice, and who made it."""

import json
from collections.abc import Iterator
from typing import Any

from launchkit.codec import dotted, plain
from launchkit.model import LaunchSpec
from launchkit.resolving.nested import leaves
from launchkit.resolving.resolve import Choices
from launchkit.shell_words import shell_join


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


def request_rows(data: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The same as rows: the choice, its value, and who decided it."""
    origins = data["origins"]
    for key, value in data.items():
        if key in {"entry_point", "args"}:
            yield key, shell_join(value), origins.get(key, "-")
        elif isinstance(value, dict) and key != "origins":
            for path, leaf in leaves(value, (key,)):
                yield dotted(path), _text(leaf), origins.get(dotted(path), "-")
        elif key != "origins":
            yield key, _text(value), "-"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
