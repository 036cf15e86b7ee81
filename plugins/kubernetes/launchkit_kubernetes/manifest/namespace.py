"""Who says in which namespace a run is: its queue, so that those of different queues are apart."""

from collections.abc import Mapping
from typing import Any

from launchkit.codec import dotted
from launchkit.errors import Rejected
from launchkit.model import Json, Launch
from launchkit.plain_text import shortened
from launchkit_kubernetes.manifest.object_kind import unwrapped

_PLACES = (("metadata", "namespace"), ("namespace",))
"""Where it may stand, the stronger first."""
_HINT = (
    "leave it out; or have the queue's owner make it a template variable, or another queue with it"
)


def require_namespace_of_queue(launch: Launch, *, strict: bool) -> None:
    """Look that a launch is in the namespace that the config of its queue says. Where that says
    none, a launch or its job may, unless the policy is *strict*.

    :raises Rejected: if it is in another.
    """
    own, given = _said(launch.queue_args), _said(launch.resource_args)
    if own is None:
        who = launch.origins.get(given[0]) if given else None
        if given and strict and who in {"job", "launch"}:
            text = f"a {who} cannot choose it under a strict policy, and its queue names none"
            raise Rejected(f"{given[0]}: {text}", hint=_HINT)
        return
    path, name = own
    is_filled = launch.origins.get(path) == "template" and given is not None and given[0] == path
    if given != own and not is_filled:
        said = shortened(str(name), 100)
        raise Rejected(
            f"{(given or own)[0]}: a launch has the namespace of its queue, {said}", hint=_HINT
        )


def _said(args: Json) -> tuple[str, Any] | None:
    """Where a namespace stands in a config, and which it is; None: there is none."""
    where, inner = unwrapped(args)
    for place in _PLACES:
        value = inner
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value:
            return f"{where}.{dotted(place)}", value
    return None
