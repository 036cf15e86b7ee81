"""Secrets that stand in a text for people to read, told by the names of their keys."""

from collections.abc import Iterator, Mapping, Sequence

from launchkit.abc import Finding
from launchkit.codec import dotted
from launchkit.model import Json, QueueSpec, Variable
from launchkit.resolving.secret_places import Found, secrets_in
from launchkit.resolving.secret_values import secret_variables

MOST_TOLD = 5
HINT = (
    "keep it where the agent is: `${NAME}` with `policy.macros_from_env`, `env: [NAME]`, or a"
    " secret of the cluster; see docs/explanation/security.md"
)


def written_secrets(values: Json) -> list[str]:
    """Where secrets are written out, and not taken by a macro or a template field."""
    return _places(secrets_in(values))


def secrets_warning(queue: QueueSpec) -> Finding | None:
    """What to say of a queue with secrets in its config."""
    found = secrets_in(queue.config)
    places = [*_places(found), *_in_variables(queue.variables, found)]
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


def _places(found: Sequence[Found]) -> list[str]:
    return [*dict.fromkeys(dotted(one.path) for one in found if not one.elsewhere)]


def _in_variables(variables: Mapping[str, Variable], found: Sequence[Found]) -> Iterator[str]:
    secret = secret_variables(found, variables)
    for name, one in variables.items():
        for what, value in (("default", one.default), ("choices", list(one.enum or ()))):
            if (name in secret and value not in (None, "", [])) or written_secrets({name: value}):
                yield f"{what} of variable {name}"
        for what, text in (("pattern", one.pattern), ("description", one.description)):
            if written_secrets({"": text}):
                yield f"{what} of variable {name}"
