"""The kind of object that a queue's config describes: one reading for all who ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchkit.model import Json
from launchkit_kubernetes.manifest.schema import JOB_VERSIONS

JOB = "Job"
WRAPPER = "kubernetes"
WHERE = "resource_args"


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """Version and kind, as the object has them that is made."""

    api_version: str
    """Empty where the config says nothing of it."""
    kind: str
    """Empty, too."""

    @property
    def group(self) -> str:
        """Of the API; empty is that of Pods and Secrets."""
        return (self.api_version or JOB_VERSIONS[0]).rpartition("/")[0]

    @property
    def is_job(self) -> bool:
        """Whether it is one of Kubernetes' own Jobs, as it is where nothing else is said."""
        return (self.kind or JOB) == JOB and (self.api_version or JOB_VERSIONS[0]) in JOB_VERSIONS


def unwrapped(args: Json) -> tuple[str, Any]:
    """What describes the object, and where it stands: all, or what is below `kubernetes`."""
    return (f"{WHERE}.{WRAPPER}", args[WRAPPER]) if set(args) == {WRAPPER} else (WHERE, args)


def object_kind(args: Json) -> ObjectKind:
    """Read a config, which need not be right. `group` and `version` are the stronger, as W&B has it
    (reference, section 2.3).
    """
    _, inner = unwrapped(args)
    data = inner if isinstance(inner, Mapping) else {}
    keys = ("apiVersion", "group", "version", "kind")
    given, group, version, kind = (str(data.get(key) or "") for key in keys)
    if group or version:
        of_group, _, of_version = given.rpartition("/")
        parts = (group or of_group, version or of_version or "v1")
        given = "/".join(part for part in parts if part)
    return ObjectKind(given, kind)
