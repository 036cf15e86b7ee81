"""Whose run an object is, or what stands beside one that is gone."""

from collections.abc import Mapping
from typing import Any

from launchkit.model import Attempt
from launchkit.runners.identity import KUBERNETES
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.records import Records
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.status.shape import mapping


def is_of(told: Mapping[str, Any], attempt: Attempt) -> bool:
    """Whether the labels of an object are those of a run."""
    return KUBERNETES.is_of(mapping(mapping(told.get("metadata")).get("labels")), attempt)


async def may_be_of(ref: Ref, attempt: Attempt, records: Records, secrets: RunSecrets) -> bool:
    """Whether nothing that is known of an object that is not there says that it was another's."""
    record = await records.get(ref)
    runs = {record.run} if record else await secrets.runs(ref)
    return runs <= {KUBERNETES.exact(attempt)[RUN], ""}
