"""What a queue's config may hold: the arguments of the SDK's CustomJob, and of its `run`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from launchkit.runners.fitting import FILL_IN, Shape
from launchkit.runners.written_forms import form

STARTER = f"""\
# The config of a queue of kind gcp-vertex. `spec` has the arguments of CustomJob in Vertex AI's
# Python SDK, and `run` those of its method `run`. Fill in what is {FILL_IN}, and remove the "# "
# before what you need.

spec:
  worker_pool_specs:
    - machine_spec:
        machine_type: n1-standard-4
        accelerator_type: ACCELERATOR_TYPE_UNSPECIFIED
        accelerator_count: 0
      replica_count: 1
      container_spec:
        image_uri: ${{image_uri}}
  # A bucket in the region of the jobs, for what they leave, such as gs://my-bucket.
  staging_bucket: {FILL_IN}

run:
  restart_job_on_worker_restart: false
  # Who the job is: an account of the project, which the agent may act as.
  # service_account: training@my-project.iam.gserviceaccount.com
  # timeout: 86400
  # scheduling_strategy: SPOT
"""
TEXT: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean"}
LABELS: Shape = {
    "type": "object",
    "propertyNames": {"type": "string", "pattern": r"^[a-z][a-z0-9_-]{0,62}$"},
    "additionalProperties": {"type": "string", "pattern": r"^[a-z0-9_-]{0,63}$"},
    "maxProperties": 56,
}
"""Vertex AI takes 64; launchkit adds its own."""
SERVICE_ACCOUNT: Shape = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[A-Za-z0-9.-]{1,200}$",
    "description": "Who the job is: the email of a service account.",
}
BUCKET = r"^(?:gs://)?[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[^\x00-\x1f]*)?$"
OF_SPEC = ("reserved_ip_ranges", "enable_dashboard_access", "protected_artifact_location_id")
"""Fields of the proto's CustomJobSpec that the SDK has no argument for, and that are taken too."""
OPTION_KEYS = frozenset(
    {"command", "args", "env", "python_package_spec", "nfs_mounts", "lustre_mounts", "labels"}
    | {"psc_interface_config", "reserved_ip_ranges", "machine_spec", "disk_spec"}
)
"""What a word of the policy may name as a whole."""
HARMLESS_KEYS: frozenset[str | tuple[str, ...]] = frozenset(
    {
        *(("spec", "worker_pool_specs", key) for key in ("machine_spec", "replica_count")),
        ("spec", "worker_pool_specs", "disk_spec"),
        ("fallback", "machine_spec"),
        *(
            ("run", key)
            for key in (
                *("timeout", "max_wait_duration", "scheduling_strategy", "disable_retries"),
                "restart_job_on_worker_restart",
            )
        ),
    }
)
"""Machines, and times."""
IGNORED = ("sync", "create_request_timeout")
"""Arguments of `run` that say how a program waits, and are nothing to a queue."""


@lru_cache(maxsize=1)
def proto_shape() -> Shape:
    """The fields of a CustomJobSpec, as the library's proto has them; a test tells when they have
    changed.
    """
    text = files("launchkit_gcp.vertex").joinpath("custom_job.json").read_text()
    found: dict[str, Any] = json.loads(text)
    fields: Shape = found["properties"]
    return fields


@lru_cache(maxsize=1)
def config_shape() -> Shape:
    """The whole config."""
    parts = {"spec": _mapping(_constructor()), "run": _mapping(_run())}
    return _mapping({**parts, "fallback": {"type": "array", "items": _fallback(), "maxItems": 20}})


def schema() -> dict[str, Any]:
    """JSON Schema of all forms in which a config may be written."""
    return {**form(config_shape()), "type": "object"}


def _mapping(properties: Mapping[str, Shape]) -> Shape:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _fallback() -> Shape:
    """What a later attempt has in place of what the first one had."""
    spec = _constructor()
    pools: Any = spec["worker_pool_specs"]
    machine: Shape = pools["items"]["properties"]["machine_spec"]
    kept = {key: spec[key] for key in ("location", "staging_bucket")}
    return _mapping({**kept, "machine_spec": machine})


def _constructor() -> Mapping[str, Shape]:
    proto = proto_shape()
    return {
        "display_name": {"type": "string", "minLength": 1, "maxLength": 128},
        "worker_pool_specs": proto["worker_pool_specs"],
        "base_output_dir": {"type": "string", "pattern": "^gs://.{3,1000}$"},
        "project": TEXT,
        "location": TEXT,
        "labels": LABELS,
        "encryption_spec_key_name": TEXT,
        "staging_bucket": {
            "type": "string",
            "pattern": BUCKET,
            "description": "A bucket in the region of the jobs, for what they leave.",
        },
        "persistent_resource_id": TEXT,
        **{key: proto[key] for key in OF_SPEC},
    }


def _run() -> Mapping[str, Shape]:
    proto = proto_shape()
    scheduling = proto["scheduling"]["properties"]
    return {
        "service_account": SERVICE_ACCOUNT,
        "network": TEXT,
        "timeout": {"type": "integer", "minimum": 1},
        "restart_job_on_worker_restart": FLAG,
        "enable_web_access": FLAG,
        "experiment": TEXT,
        "experiment_run": TEXT,
        "tensorboard": TEXT,
        "disable_retries": FLAG,
        "persistent_resource_id": TEXT,
        "scheduling_strategy": scheduling["strategy"],
        "max_wait_duration": scheduling["max_wait_duration"],
        "psc_interface_config": proto["psc_interface_config"],
        "sync": FLAG,
        "create_request_timeout": {"type": "number"},
    }
