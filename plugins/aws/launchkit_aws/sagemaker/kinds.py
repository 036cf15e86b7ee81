"""What a quota of SageMaker counts."""

from collections.abc import Mapping
from typing import Any


def kind_of(request: Mapping[str, Any]) -> str:
    """What a quota counts: the type of instance, and whether it is a spot one."""
    resources = request.get("ResourceConfig") or {}
    groups = [one.get("InstanceType") for one in resources.get("InstanceGroups", ())]
    types = "+".join(sorted({str(one) for one in (resources.get("InstanceType"), *groups) if one}))
    return f"{types} spot" if request.get("EnableManagedSpotTraining") else types
