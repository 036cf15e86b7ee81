"""Conditions: what an object says of itself, each with a status of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchkit_kubernetes.status.shape import items, mapping, text, told

_KEYS = ("type", "reason", "message", "lastTransitionTime")


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`."""

    type: str
    reason: str
    message: str
    since: str = ""
    """When it became so, as the server writes times."""

    @property
    def told(self) -> str:
        """Its reason and message, for people."""
        return told(self.reason, self.message)


def conditions(obj: Mapping[str, Any], status: str = "True") -> Sequence[Condition]:
    """The conditions of *obj* that have this *status*; any other is no state."""
    found = [mapping(entry) for entry in items(mapping(obj.get("status")).get("conditions"))]
    return [
        Condition(*(text(entry.get(key)) for key in _KEYS))
        for entry in found
        if text(entry.get("status")).lower() == status.lower()
    ]


def condition(obj: Mapping[str, Any], *types: str, status: str = "True") -> Condition | None:
    """The first condition of one of these *types* that has this *status*."""
    found = conditions(obj, status)
    return next((each for kind in types for each in found if each.type == kind), None)
