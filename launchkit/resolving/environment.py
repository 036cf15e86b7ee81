"""The environment of a workload: what W&B's jobs read, and the same under our own names."""

import json
from collections.abc import Collection, Mapping

from launchkit.errors import Rejected
from launchkit.model import Env, EnvValues, Image, ImageSource, Json, Launch, Secret
from launchkit.model.launch import OWN_ENV
from launchkit.resolving.env_list import CREDENTIALS

MAX_LENGTH = 32670
"""Characters of one variable, as W&B has it; what is longer is cut into `NAME_0`, `NAME_1`, …"""


def workload_env(
    launch: Launch, image: Image | None, max_length: int = MAX_LENGTH
) -> dict[str, str]:
    """The variables that every workload gets; what would be empty is left out.

    `LAUNCHKIT_RUN_CONFIG` is left out too if it is longer than *max_length*: `WANDB_CONFIG_0` and
    so on have it then.
    """
    given = {**_wandb_env(launch, image, max_length), **_own_env(launch, max_length)}
    return {name: value for name, value in given.items() if value}


def agent_values(
    env: Env, allowed: Collection[str], environ: Mapping[str, str]
) -> tuple[dict[str, str | Secret], tuple[str, ...]]:
    """Give names without a value the agent's own value of that variable, as a secret; also gives
    warnings.

    A variable that the agent does not have is left out, with a warning.

    :raises Rejected: naming each variable that is not in *allowed*.
    """
    borrowed = [name for name, value in env.items() if value is None]
    refused = [name for name in borrowed if name not in allowed or name in CREDENTIALS]
    if refused:
        raise Rejected(
            f"env: the agent does not give away its own value of {', '.join(refused)}",
            hint="give a value, or have the agent's owner list it under policy.env_from_agent",
        )
    values = {
        name: Secret(environ[name]) if value is None else value
        for name, value in env.items()
        if value is not None or name in environ
    }
    missing = [name for name in borrowed if name not in environ]
    warnings = tuple(f"env.{name}: the agent has no such variable; left out" for name in missing)
    return values, warnings


def without_own(
    values: EnvValues, given: Collection[str]
) -> tuple[dict[str, str | Secret], tuple[str, ...]]:
    """The variables of a job or a launch without those that launchkit has *given*, or left out,
    itself; also gives warnings.
    """
    own = {name for name in given if name.startswith("LAUNCHKIT_")} | OWN_ENV
    kept = {name: value for name, value in values.items() if name not in own}
    warnings = (
        f"env.{name}: launchkit says itself what a run is, and whose; the value is not used"
        for name in values
        if name in own
    )
    return kept, tuple(warnings)


def _wandb_env(launch: Launch, image: Image | None, max_length: int) -> dict[str, str]:
    job = {"_wandb_job": launch.job} if launch.job else {}
    named = launch.name != launch.run_id
    return {
        "WANDB_PROJECT": launch.project,
        "WANDB_ENTITY": launch.entity,
        "WANDB_LAUNCH": "True",
        "WANDB_RUN_ID": launch.run_id,
        "WANDB_DOCKER": _image_ref(launch, image),
        "WANDB_NAME": launch.name if named else "",
        "WANDB_USERNAME": launch.author or "",
        "WANDB_RESUME": "allow" if launch.attempt > 1 else "",
        "WANDB_LAUNCH_QUEUE_NAME": launch.queue,
        "WANDB_LAUNCH_QUEUE_ENTITY": launch.entity,
        "WANDB_LAUNCH_TRACE_ID": launch.item_id,
        **_chunks("WANDB_CONFIG", _json(launch.config), max_length),
        **_chunks("WANDB_LAUNCH_FILE_OVERRIDES", _json(launch.files), max_length),
        "WANDB_ARTIFACTS": _json({**job, **launch.artifacts}),
    }


def _own_env(launch: Launch, max_length: int) -> dict[str, str]:
    config = _json(launch.config)
    return {
        "LAUNCHKIT_ITEM_ID": launch.item_id,
        "LAUNCHKIT_RUN_ID": launch.run_id,
        "LAUNCHKIT_RUN_NAME": launch.name,
        "LAUNCHKIT_ATTEMPT": str(launch.attempt),
        "LAUNCHKIT_QUEUE": launch.queue,
        "LAUNCHKIT_ENTITY": launch.entity,
        "LAUNCHKIT_PROJECT": launch.project,
        "LAUNCHKIT_AUTHOR": launch.author or "",
        "LAUNCHKIT_JOB": launch.job or "",
        "TRACEPARENT": launch.traceparent or "",
        "LAUNCHKIT_RUN_CONFIG": config if len(config) <= max_length else "",
    }


def _image_ref(launch: Launch, image: Image | None) -> str:
    """The image, for launches of an image; a built one is no part of what was asked for."""
    if not isinstance(launch.source, ImageSource):
        return ""
    return image.ref if image else launch.source.image


def _json(value: Json) -> str:
    return json.dumps(value) if value else ""


def _chunks(name: str, text: str, max_length: int) -> dict[str, str]:
    if len(text) <= max_length:
        return {name: text}
    starts = range(0, len(text), max_length)
    return {f"{name}_{i}": text[at : at + max_length] for i, at in enumerate(starts)}
