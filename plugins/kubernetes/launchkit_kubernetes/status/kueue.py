"""Kueue: why a workload that it holds is not admitted. The held object itself says only that it is
suspended; the Workload that Kueue makes for it says why.
"""

from collections.abc import Mapping
from typing import Any

from launchkit_kubernetes.status.conditions import condition
from launchkit_kubernetes.status.shape import mapping, words

NOT_SEEN = "Kueue has not looked at it yet"


def waits_for_quota(workload: Mapping[str, Any]) -> str | None:
    """Why Kueue does not let *workload* run, for people; None if it does."""
    workload = mapping(workload)
    if condition(workload, "Admitted", "Finished") is not None:
        return None
    said = condition(workload, "QuotaReserved", "Admitted", status="False") or condition(
        workload, "Inadmissible", "QuotaReserved"
    )
    evicted = condition(workload, "Evicted")
    told = [said.told if said else "", words(evicted.message) if evicted else ""]
    return "; ".join(filter(None, told)) or NOT_SEEN
