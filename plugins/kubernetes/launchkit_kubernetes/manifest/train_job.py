"""Where a TrainJob says what holds for its pods, whose templates are in the cluster."""

import json
from collections.abc import Mapping
from typing import Any

NODE = "node"
"""The name of the trainer's job, and of its container. See
https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime/."""
PATCHES, OVERRIDES = "runtimePatches", "podTemplateOverrides"
PLACES = (PATCHES, OVERRIDES)
"""The fields that there were for it, the newest first; a cluster knows one of them, and drops the
other without a word. Before those there was none that took pull secrets."""
MANAGER = "launchkit"


def add_pull_secret(spec: dict[str, Any], place: str, secret: str) -> None:
    """Have the trainer's pods pull with a secret, too. Where the queue's config has one of the
    fields, its cluster knows that one.
    """
    entry: dict[str, Any]
    place = next((key for key in PLACES if spec.get(key)), place)
    pod: dict[str, Any] = {"imagePullSecrets": [{"name": secret}]}
    if place == PATCHES:
        of_pod: dict[str, Any] = {"spec": {"template": {"spec": pod}}}
        jobs = {"spec": {"replicatedJobs": [{"name": NODE, "template": of_pod}]}}
        entry = {"manager": MANAGER, "trainingRuntimeSpec": {"template": jobs}}
    else:
        entry = {"targetJobs": [{"name": NODE}], "spec": pod}
    given = spec.get(place)
    spec[place] = [*(given if isinstance(given, list) else ()), entry]


def takes(told: Mapping[str, Any], secret: str) -> bool:
    """Whether a TrainJob as the cluster would make it has the secret still."""
    spec = told.get("spec")
    kept = {key: spec[key] for key in PLACES if key in spec} if isinstance(spec, Mapping) else {}
    return json.dumps(secret) in json.dumps(kept)
