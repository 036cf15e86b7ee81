"""Which object controls another, as its metadata tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchkit_kubernetes.status.shape import items, mapping, text

OWNERS = "ownerReferences"


@dataclass(frozen=True, slots=True)
class Owner:
    """An object that has made another and answers for it."""

    api_version: str
    kind: str
    name: str
    uid: str

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]


def controller(obj: Mapping[str, Any]) -> Owner | None:
    """What controls an object; None: nothing does."""
    for each in map(mapping, items(mapping(obj.get("metadata")).get(OWNERS))):
        if each.get("controller") is True:
            fields = ("apiVersion", "kind", "name", "uid")
            return Owner(*(text(each.get(field)) for field in fields))
    return None
