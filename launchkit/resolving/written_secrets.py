"""Secrets that stand in a text for people to read, told by the names of their keys."""

import re
from collections.abc import Iterator

from launchkit.abc import Finding
from launchkit.codec import Path, dotted
from launchkit.model import Json, QueueSpec
from launchkit.resolving.nested import leaves
from launchkit.resolving.secret_values import hidden, says_elsewhere

MOST_TOLD = 5
HINT = (
    "keep it where the agent is: `${NAME}` with `policy.macros_from_env`, `env: [NAME]`, or a"
    " secret of the cluster; see docs/explanation/security.md"
)
_ELSEWHERE = re.compile(r"\$\{\w|\{\{")
_NAMED = re.compile(r"-{0,2}([A-Za-z_][\w.-]{0,200})=")


def written_secrets(values: Json) -> list[str]:
    """Where secrets are written out, and not taken by a macro or a template field."""
    return [*dict.fromkeys(_found(values))]


def secrets_warning(queue: QueueSpec) -> Finding | None:
    """What to say of a queue with secrets in its config."""
    defaults = {name: one.default for name, one in queue.variables.items()}
    places = [
        *written_secrets(queue.config),
        *(f"default of variable {name}" for name in written_secrets(defaults)),
    ]
    if not places:
        return None
    more = f" and {len(places) - MOST_TOLD} more" if len(places) > MOST_TOLD else ""
    return Finding(
        level="warning",
        subject=f"config of queue {queue.name}",
        message=f"{', '.join(places[:MOST_TOLD])}{more}: looks like a secret that is written out;"
        " whoever may operate the queue, or read its database, reads it",
        hint=HINT,
    )


def _found(values: Json) -> Iterator[str]:
    kept = dict(leaves(hidden(values)))
    for path, value in leaves(values):
        text = str(value)
        is_written = kept.get(path) != value and not _ELSEWHERE.search(text)
        if is_written and not says_elsewhere(_name(path, text)):
            yield dotted(path)


def _name(path: Path, value: str) -> str:
    named = _NAMED.match(value)
    keys = [part for part in path if isinstance(part, str)]
    return named[1] if named and isinstance(path[-1], int) else keys[-1] if keys else ""
