"""The CustomJob of a submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchkit.errors import Rejected, SubmitError
from launchkit.model import EnvValues, Launch, Submission
from launchkit.plain_text import shortened
from launchkit.runners.identity import GCP, RunIdentity
from launchkit.runners.masking import masked
from launchkit.written import literal
from launchkit_gcp.vertex.args import WHERE, QueueArgs
from launchkit_gcp.vertex.images import check_image
from launchkit_gcp.vertex.names import Ref, display_name, parent_of
from launchkit_gcp.vertex.shape import OF_SPEC

WANDB_LABEL = "wandb-run-id"
"""What W&B's own agent writes."""
OF_RUN = (
    *("service_account", "network", "enable_web_access", "tensorboard"),
    "psc_interface_config",
)
"""Arguments of `run` that are fields of the job."""


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """What the agent adds to a submission."""

    agent: str
    project: str
    region: str
    """Where its jobs run, if the queue says nothing else."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """What is started in a worker pool."""

    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]


def request_of(
    args: QueueArgs, submission: Submission, context: RequestContext, *, masks: bool = False
) -> dict[str, Any]:
    """The CustomJob, as the proto takes it. Where it *masks*, secrets are not in it.

    :raises SubmitError: if Vertex AI cannot have an image, or there is none.
    :raises Rejected: if the queue wants another project than the agent's.
    """
    _check_project(args, context.project)
    ref = ref_of(args, submission, context.project, context.region)
    args = args.of_attempt(submission.launch.attempt)
    spec = {
        "worker_pool_specs": [_pool(pool, submission, masks=masks) for pool in args.pools],
        "base_output_directory": {"output_uri_prefix": output_dir(args, ref)},
        **{key: args.spec[key] for key in OF_SPEC if key in args.spec},
        **{key: args.run[key] for key in OF_RUN if key in args.run},
        **_persistent(args),
        **_experiment(args, ref),
    }
    if scheduling := _scheduling(args.run):
        spec["scheduling"] = scheduling
    job = {
        "display_name": display_name(args.spec.get("display_name"), submission),
        "job_spec": spec,
        "labels": {**args.spec.get("labels", {}), **labels(submission.launch, context.agent)},
    }
    if key := args.spec.get("encryption_spec_key_name"):
        job["encryption_spec"] = {"kms_key_name": key}
    return job


def ref_of(args: QueueArgs, submission: Submission, project: str, region: str) -> Ref:
    """Where the run of a submission is, and whose; in a *region* if the queue says no other."""
    chosen = args.of_attempt(submission.launch.attempt).region or region
    return Ref.of(submission, project, chosen)


def output_dir(args: QueueArgs, ref: Ref) -> str:
    """Where a job leaves what it makes: the same for each try of an attempt."""
    return args.spec.get("base_output_dir") or f"{args.bucket}/launchkit/{ref.key}"


def labels(launch: Launch, agent: str) -> dict[str, str]:
    """By which a job tells whose run it is."""
    return {
        WANDB_LABEL: GCP.text(launch.run_id),
        **GCP.labels(RunIdentity.of(launch, agent)),
    }


def started_by(pool: Mapping[str, Any], submission: Submission) -> Started:
    """What runs in a worker pool.

    A pool whose image the queue config names runs that, and not the job's; then the job's entry
    point is not of that image, and only one that the launch itself gives is used. What the queue
    config starts stays where the launch has nothing.

    :raises SubmitError: if there is no image.
    """
    launch, container = submission.launch, pool.get("container_spec", {})
    entry_point, arguments = launch.entry_point, launch.args
    if submission.command != (*entry_point, *arguments):
        entry_point, arguments = submission.command, ()
    if is_replaced(pool, submission):
        chosen = launch.origins
        entry_point = entry_point if chosen.get("entry_point") == "launch" else ()
        arguments = arguments if chosen.get("args") == "launch" else ()
    image = container.get("image_uri") or (submission.image.ref if submission.image else None)
    if not image:
        raise SubmitError(
            "there is no image to run",
            hint="launch an image or a job that is built, or name one in the queue config,"
            " spec.worker_pool_specs[0].container_spec.image_uri",
        )
    return Started(
        image=image,
        command=(*entry_point,) or (*container.get("command", ()),),
        args=(*arguments,) or (() if entry_point else (*container.get("args", ()),)),
    )


def is_replaced(pool: Mapping[str, Any], submission: Submission) -> bool:
    """Whether the queue config names what runs in a pool, and the job's own image does not."""
    given = pool.get("container_spec", {}).get("image_uri")
    job_image = submission.image.ref if submission.image else None
    return bool(given) and given != job_image


def environment(pool: Mapping[str, Any], submission: Submission) -> EnvValues:
    """The variables of a pool: those of the queue config are stronger than what every run gets,
    and weaker than those of the job and the launch.
    """
    ours = {name: literal(value) for name, value in submission.env.items()}
    given = {one.get("name", ""): one.get("value", "") for one in _env(pool)}
    chosen = {name: ours[name] for name in submission.launch.env if name in ours}
    return {**ours, **submission.without_own(given), **chosen}


def _env(pool: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = pool.get("container_spec", {}).get("env", ())
    return found


def _pool(pool: Mapping[str, Any], submission: Submission, *, masks: bool) -> dict[str, Any]:
    started, env = started_by(pool, submission), environment(pool, submission)
    check_image(started.image)
    shown = masked(env) if masks else {name: str(value) for name, value in env.items()}
    container: dict[str, Any] = {"image_uri": started.image}
    if started.command:
        container["command"] = [*started.command]
    if started.args:
        container["args"] = [*started.args]
    container["env"] = [{"name": name, "value": value} for name, value in shown.items()]
    return {"replica_count": 1, **pool, "container_spec": container}


def _scheduling(run: Mapping[str, Any]) -> dict[str, Any]:
    same = ("restart_job_on_worker_restart", "disable_retries")
    made: dict[str, Any] = {key: run[key] for key in same if key in run}
    for key in ("timeout", "max_wait_duration"):
        if key in run:
            made[key] = f"{run[key]}s"
    if "scheduling_strategy" in run:
        made["strategy"] = run["scheduling_strategy"]
    return made


def _persistent(args: QueueArgs) -> Mapping[str, str]:
    key = "persistent_resource_id"
    found = args.run.get(key) or args.spec.get(key)
    return {key: found} if found else {}


def _experiment(args: QueueArgs, ref: Ref) -> Mapping[str, str]:
    """An experiment and its run, by their whole names, as the SDK makes them of short ones."""
    experiment, run = args.run.get("experiment"), args.run.get("experiment_run")
    if not experiment:
        return {}
    place = f"{parent_of(ref.project, ref.region)}/metadataStores/default/contexts"
    short = experiment.rpartition("/")[2]
    made = {"experiment": experiment if "/" in experiment else f"{place}/{experiment}"}
    if run:
        made["experiment_run"] = run if "/" in run else f"{place}/{short}-{run}"
    return made


def _check_project(args: QueueArgs, project: str) -> None:
    given = args.spec.get("project")
    if given and given != project:
        raise Rejected(
            f"{WHERE}.spec.project: is {shortened(repr(given), 100)}, and the agent's jobs are in"
            f" {project}",
            hint="leave it out, or let an agent of that project have the queue",
        )
