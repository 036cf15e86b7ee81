"""The secrets of a queue as values, to be masked where no name tells of them, as in an error."""

from collections.abc import Iterator

from launchkit.model import Json, QueueSpec
from launchkit.resolving.masking import HIDDEN
from launchkit.resolving.nested import leaves
from launchkit.resolving.secret_values import hidden, secret_defaults, without_values

NO_SECRETS = frozenset({"true", "false", "none", "null"})
TAKEN_ELSEWHERE = frozenset({"${", "{{"})
"""How what is no secret begins, but says where one is taken from."""


def queue_secrets(spec: QueueSpec) -> tuple[str, ...]:
    """What is hidden of a queue's config and of its template variables."""
    return (*secret_defaults(spec), *_written(spec.config))


def without_queue_values(text: str, spec: QueueSpec) -> str:
    """A text with `…` for each secret of a queue."""
    return str(without_values({"": text}, queue_secrets(spec))[""])


def _written(config: Json) -> Iterator[str]:
    shown = dict(leaves(hidden(config)))
    for path, value in leaves(config):
        if shown.get(path, value) == value:
            continue
        for secret in _between(str(value), str(shown[path])):
            if secret.lower() not in NO_SECRETS and not TAKEN_ELSEWHERE & {secret[:2]}:
                yield secret


def _between(text: str, shown: str) -> Iterator[str]:
    """What stands in a text where there is `…` in what is shown of it."""
    head, *parts = shown.split(HIDDEN)
    at = len(head)
    for number, part in enumerate(parts, start=1):
        is_last = number == len(parts)
        end = len(text) - len(part) if is_last or not part else text.find(part, at)
        if end < at:
            return
        yield text[at:end]
        at = end + len(part)
