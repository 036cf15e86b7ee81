"""What a quota of Vertex AI counts."""

from collections.abc import Mapping
from typing import Any


def kind_of(job: Mapping[str, Any]) -> str:
    """The machines and accelerators of a job, and whether they are spot ones."""
    spec = job["job_spec"]
    machines = [pool.get("machine_spec", {}) for pool in spec["worker_pool_specs"]]
    keys = ("machine_type", "accelerator_type")
    words = {str(one[key]) for one in machines for key in keys if one.get(key)}
    strategy = spec.get("scheduling", {}).get("strategy")
    return "+".join(sorted(words)) + (f" {strategy}" if strategy else "")
