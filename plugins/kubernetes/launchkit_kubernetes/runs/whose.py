"""Whose an object of the cluster is: another may stand under the name that a run's has, or had."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from launchkit.model import Attempt
from launchkit.runners.identity import KUBERNETES
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.status.pod import TELLING
from launchkit_kubernetes.status.shape import mapping, text

OURS = "launchkit/"


@dataclass(frozen=True, kw_only=True)
class Whose:
    """One attempt of a launch, as its objects tell it."""

    labels: Mapping[str, str]
    """All that launchkit gives them."""
    uid: str = ""
    """Of its root object; empty until one was seen."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self | None:
        """The run whose root object it is; None if it is no run's."""
        found = labels_of(told)
        if RUN not in found:
            return None
        ours = {key: text(found[key]) for key in found if key.startswith(OURS)}
        return cls(labels=ours, uid=uid_of(told))

    @property
    def exact(self) -> dict[str, str]:
        """The labels that tell it from all others."""
        return {key: self.labels.get(key, "") for key in TELLING}

    @property
    def selector(self) -> str:
        """By which what has them is listed."""
        return ",".join(f"{key}={value}" for key, value in self.exact.items())

    def owns(self, told: Mapping[str, Any]) -> bool:
        """Whether an object has its labels."""
        return self.exact.items() <= labels_of(told).items()

    def is_root(self, told: Mapping[str, Any]) -> bool:
        """Whether an object is its root object, and no other that was made since."""
        return self.owns(told) and self.uid in {"", uid_of(told)}

    def may_own(self, labels: Mapping[str, str]) -> bool:
        """Whether labels say nothing of another; an operator may leave some out."""
        return all(labels.get(key, value) == value for key, value in self.exact.items())

    def seen(self, told: Mapping[str, Any]) -> Self:
        """The same, with the uid of its root object."""
        return self if self.uid else replace(self, uid=uid_of(told))


def whose_is(attempt: Attempt) -> Whose:
    """A run of which no more is known than which it is."""
    return Whose(labels=KUBERNETES.exact(attempt))


def labels_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The labels of an object."""
    return mapping(mapping(told.get("metadata")).get("labels"))


def uid_of(told: Mapping[str, Any]) -> str:
    """By which it is told from all others that there were, and will be."""
    return text(mapping(told.get("metadata")).get("uid"))
