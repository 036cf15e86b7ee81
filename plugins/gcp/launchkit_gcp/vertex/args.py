"""A queue's config: arguments of the SDK's CustomJob and of its `run`, held against the proto."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.runners.fitting import Problems, fitted, is_open
from launchkit_gcp.vertex.shape import IGNORED, config_shape

WRAPPERS = ("vertex", "gcp-vertex")
WHERE = "resource_args"
RESERVED = "launchkit-"
MACHINE = "machine_spec"
UNSPECIFIED = "ACCELERATOR_TYPE_UNSPECIFIED"
NEEDS_ACCOUNT = ("tensorboard", "experiment")
NO_CREDENTIALS = (
    "is not for queues: jobs are made with the agent's credentials; run.service_account says who a"
    " job is"
)
_HINT = "launchkit queue template gcp-vertex prints a config to begin with"


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """What a queue's config says."""

    spec: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of CustomJob."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of its `run`."""
    fallback: Sequence[Mapping[str, Any]] = ()
    """What later attempts have in place of that, one after the other."""

    @property
    def pools(self) -> Sequence[Mapping[str, Any]]:
        """The worker pools."""
        found: Sequence[Mapping[str, Any]] = self.spec["worker_pool_specs"]
        return found

    @property
    def bucket(self) -> str:
        """The staging bucket, with gs:// and what stands behind its name."""
        text = str(self.spec["staging_bucket"]).rstrip("/")
        return text if text.startswith("gs://") else f"gs://{text}"

    @property
    def region(self) -> str | None:
        """Where its jobs run; None: where the agent's do."""
        return self.spec.get("location") or None

    def of_attempt(self, attempt: int) -> Self:
        """What an attempt has: the first one the config itself, each further one the next entry of
        `fallback`, and after the last the config itself again.
        """
        chosen = ({}, *self.fallback)[(attempt - 1) % (1 + len(self.fallback))]
        spec = {**self.spec, **{key: one for key, one in chosen.items() if key != MACHINE}}
        if machine := chosen.get(MACHINE):
            first = self.pools[0].get(MACHINE)
            spec["worker_pool_specs"] = [
                {**pool, MACHINE: machine} if pool.get(MACHINE) == first else pool
                for pool in self.pools
            ]
        return replace(self, spec=spec, fallback=())

    @property
    def warnings(self) -> Sequence[str]:
        """What its author should know about it."""
        return [
            f"run.{key} says how a program waits for its job, and is not used"
            for key in IGNORED
            if key in self.run
        ]


def check_args(args: Json) -> None:
    """Look at a queue's config. :raises Rejected: naming each field that is wrong, with its path.

    What holds a macro or a template variable is looked at when it is filled.
    """
    parse_args(args)


def parse_args(args: Json, *, is_filled: bool = False) -> QueueArgs:
    """Read a queue's config, of which macros and template variables may be filled already. A
    wrapping key `vertex` may be there or not.

    :raises Rejected: naming each field that is wrong, with its path.
    """
    where, data = _unwrapped(args)
    problems = Problems(is_filled=is_filled)
    spec = data.get("spec")
    if isinstance(spec, Mapping) and "credentials" in spec:
        problems.tell(f"{where}.spec.credentials", NO_CREDENTIALS)
        data = {**data, "spec": {key: one for key, one in spec.items() if key != "credentials"}}
    made: dict[str, Any] = fitted(data, config_shape(), where, problems)
    if not problems.lines:
        for line, what in _contradictions(made):
            problems.tell(f"{where}.{line}", what)
    if problems.lines:
        raise Rejected("\n".join(dict.fromkeys(problems.lines)), hint=_HINT)
    return QueueArgs(
        spec=made.get("spec", {}), run=made.get("run", {}), fallback=made.get("fallback", ())
    )


def _unwrapped(args: Json) -> tuple[str, Mapping[str, Any]]:
    for key in WRAPPERS:
        if set(args) == {key}:
            inner = args[key]
            if not isinstance(inner, Mapping):
                raise Rejected(f"{WHERE}.{key}: must be a mapping", hint=_HINT)
            return f"{WHERE}.{key}", inner
    return WHERE, args


def _contradictions(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What Vertex AI, or launchkit, would refuse although each field by itself is right."""
    spec, run = made.get("spec", {}), made.get("run", {})
    if not spec.get("worker_pool_specs"):
        yield "spec.worker_pool_specs", "is missing or empty; it needs one pool at least"
    if not spec.get("staging_bucket"):
        yield "spec.staging_bucket", "is missing; Vertex AI keeps there what a job leaves"
    for number, pool in enumerate(spec.get("worker_pool_specs", ())):
        yield from _of_pool(pool, number)
    for key in spec.get("labels", {}):
        if key.startswith(RESERVED):
            yield (
                f"spec.labels.{shortened(key, 100)}",
                f"begins with {RESERVED}, which is not for queues",
            )
    yield from _of_run(run, spec)
    for number, one in enumerate(made.get("fallback", ())):
        if one.get("location") and not one.get("staging_bucket"):
            yield f"fallback[{number}].staging_bucket", "is missing; name one in that location"


def _of_pool(pool: Mapping[str, Any], number: int) -> Iterator[tuple[str, str]]:
    path = f"spec.worker_pool_specs[{number}]"
    if "container_spec" not in pool:
        what = (
            "is there, and launches run images: put container_spec in its place"
            if "python_package_spec" in pool
            else "is missing"
        )
        key = "python_package_spec" if "python_package_spec" in pool else "container_spec"
        yield f"{path}.{key}", what
    elif "python_package_spec" in pool:
        yield f"{path}.python_package_spec", "stands beside container_spec; a pool has one of them"
    count = pool.get("replica_count", 1)
    if number == 0 and isinstance(count, int) and count != 1:
        yield (
            f"{path}.replica_count",
            f"is {count}; the first pool has one replica, put more into others",
        )
    machine = pool.get("machine_spec", {})
    kind, many = machine.get("accelerator_type", UNSPECIFIED), machine.get("accelerator_count", 0)
    if is_open(kind) or is_open(many):
        return
    if kind == UNSPECIFIED and many:
        yield (
            f"{path}.machine_spec.accelerator_type",
            f"is missing, and accelerator_count is {many}",
        )
    if kind != UNSPECIFIED and not many and not kind.startswith("TPU"):
        yield f"{path}.machine_spec.accelerator_count", f"is missing or 0, with {kind}"


def _of_run(run: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if run.get("experiment") and run.get("tensorboard"):
        yield "run.experiment", "stands beside tensorboard; Vertex AI takes one of them"
    if run.get("experiment_run") and not run.get("experiment"):
        yield "run.experiment_run", "is of no experiment; name it with run.experiment"
    for key in NEEDS_ACCOUNT:
        if run.get(key) and not run.get("service_account"):
            yield "run.service_account", f"is missing; Vertex AI needs it for run.{key}"
    both = [one["persistent_resource_id"] for one in (spec, run) if "persistent_resource_id" in one]
    if len({*both}) > 1:
        yield "run.persistent_resource_id", "is another than spec.persistent_resource_id"
    if run.get("max_wait_duration") is not None and run.get("scheduling_strategy") != "FLEX_START":
        strategy = run.get("scheduling_strategy")
        if not is_open(strategy):
            yield "run.max_wait_duration", "is for run.scheduling_strategy: FLEX_START alone"
