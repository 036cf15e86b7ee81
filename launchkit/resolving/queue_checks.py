"""What a queue may be, whatever keeps it."""

import re
from collections.abc import Mapping

from launchkit.codec import Locate, check_depth, check_numbers, dotted
from launchkit.errors import ConfigError
from launchkit.model import QueueSpec
from launchkit.model.names import length_problem
from launchkit.resolving.nested import MOST_CHARACTERS_OF_A_QUEUE, MOST_VALUES, are_too_much

MOST_AT_ONCE = 2**31 - 1
"""As large as a database's numbers."""


def check_queue(spec: QueueSpec, locate: Locate | None = None) -> None:
    """:raises ConfigError: if a queue cannot be like this."""
    from launchkit.resolving.templates import check_template
    from launchkit.resolving.variables import check_variables

    where = locate or dotted
    check_name("queue", spec.name, f"{where(('name',))}: " if locate else "")
    check_depth(spec.config, lambda path: where(("config", *path)))
    check_amount(
        {
            where(("config",)): spec.config,
            where(("variables",)): {
                name: (one.default, one.enum, one.pattern, one.description)
                for name, one in spec.variables.items()
            },
        }
    )
    check_numbers(spec.config, lambda path: where(("config", *path)))
    check_variables(spec.variables, lambda path: where(("variables", *path)))
    check_template(spec.config, spec.variables, lambda path: where(("config", *path)))
    if spec.max_concurrent is not None and not 0 <= spec.max_concurrent <= MOST_AT_ONCE:
        raise ConfigError(
            f"{where(('max_concurrent',))}: must be 0 to {MOST_AT_ONCE}, not {spec.max_concurrent}"
        )


def check_secrets(spec: QueueSpec) -> None:
    """:raises ConfigError: if a queue has more in secrets than would be looked for in what is told
    of it; that takes long to tell of a large queue.
    """
    from launchkit.resolving import known_secrets

    if known_secrets.are_too_many(known_secrets.queue_secrets(spec)):
        most = known_secrets.MOST_CHARACTERS_OF_SECRETS
        raise ConfigError(
            f"config: has more than {most} characters in what may be secrets,"
            " each of which is looked for in all that is told of the queue",
            hint="keep them where the agent is, and take them with `${NAME}`; or move a long text"
            " behind a name such as TOKEN into a file of the code",
        )


def check_amount(layers: Mapping[str, object]) -> None:
    """:raises ConfigError: if a part of a queue is more than anybody would look through."""
    for name, layer in layers.items():
        if are_too_much(layer, MOST_CHARACTERS_OF_A_QUEUE):
            raise ConfigError(
                f"{name}: has more than {MOST_VALUES} values, or {MOST_CHARACTERS_OF_A_QUEUE}"
                " characters in them or in the paths to them",
                hint="keep large things in files of the code",
            )


def check_name(what: str, name: str, place: str = "") -> None:
    """:raises ConfigError: if *name* could not be typed and shown everywhere."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", name):
        raise ConfigError(
            f"{place}{what} name {name!r}: 1 to 128 letters, digits, dots, dashes and underscores,"
            " the first a letter or digit"
        )


def check_length(what: str, name: str | None) -> None:
    """:raises ConfigError: if something that is asked for by a name or a pattern has too long a
    one.
    """
    if problem := length_problem(what, name):
        raise ConfigError(problem)
