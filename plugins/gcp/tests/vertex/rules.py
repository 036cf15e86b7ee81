"""What Vertex AI takes, and what the filters of its listings mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import grpc
from google.cloud.aiplatform_v1 import types

LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL = re.compile(r"[a-z0-9_-]{0,63}")
MOST_LABELS = 64
_TERM = re.compile(
    r'labels\.(?P<key>[\w-]+)(?::(?P<there>\*)|="?(?P<value>[\w-]*)"?)'
    r'|state(?P<not>!?)="(?P<state>\w+)"'
)


class Refused(Exception):
    """An error of Google's."""

    def __init__(self, code: grpc.StatusCode, message: str, retry_after: float = 0.0) -> None:
        super().__init__(code, message)
        self.code, self.message, self.retry_after = code, message, retry_after


def invalid(message: str) -> Refused:
    """Something that is asked for is wrong."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def job_faults(job: types.CustomJob) -> Iterator[str]:
    """What Vertex AI refuses of what its proto lets pass."""
    spec = job.job_spec
    if not job.display_name or len(job.display_name) > 128:
        yield "display_name is missing or too long"
    if not spec.worker_pool_specs:
        yield "worker_pool_specs is empty"
    for number, pool in enumerate(spec.worker_pool_specs):
        yield from (f"worker_pool_specs[{number}]: {one}" for one in pool_faults(pool, number))
    if not spec.base_output_directory.output_uri_prefix.startswith("gs://"):
        yield "base_output_directory is no place in Cloud Storage"
    if len(job.labels) > MOST_LABELS:
        yield f"there are {len(job.labels)} labels"
    for key, value in job.labels.items():
        if not LABEL_KEY.fullmatch(key) or not LABEL.fullmatch(value):
            yield f"the label {key}={value!r} is none"


def terms_of(text: str) -> Sequence[re.Match[str]]:
    """The terms of a filter."""
    found = [_TERM.fullmatch(term) for term in text.split(" AND ")] if text else []
    if None in found:
        raise invalid(f"Unparseable filter: {text}")
    return [one for one in found if one is not None]


class Told(Protocol):
    """What a filter looks at."""

    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def state(self) -> types.JobState: ...


def holds(term: re.Match[str], job: Told) -> bool:
    """Whether a term holds for a job."""
    if term["state"]:
        return (job.state.name == term["state"]) != bool(term["not"])
    if term["there"]:
        return term["key"] in job.labels
    return bool(job.labels.get(term["key"]) == term["value"])


def pool_faults(pool: types.WorkerPoolSpec, number: int) -> Iterator[str]:
    """What it refuses of a pool."""
    machine = pool.machine_spec
    if not machine.machine_type:
        yield "machine_spec.machine_type is missing"
    if number == 0 and pool.replica_count != 1:
        yield "the first pool has one replica"
    if not pool.container_spec.image_uri:
        yield "it has no image"
    if bool(machine.accelerator_type) != bool(machine.accelerator_count):
        yield "accelerators are incomplete"
