"""Bind: macros filled and the environment collected; what a runner gets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchkit.abc import Policy, Runner
from launchkit.codec import Path as KeyPath
from launchkit.codec import dotted
from launchkit.errors import Rejected
from launchkit.model import Env, EnvValues, Image, Json, Launch, Secret, Submission
from launchkit.model.launch import BASIC_ENV
from launchkit.resolving.env_list import CREDENTIALS, parse_env
from launchkit.resolving.environment import agent_values, without_own, workload_env
from launchkit.resolving.macro_bounds import check_macro_values
from launchkit.resolving.macros import Macros, fill_macros
from launchkit.resolving.templates import expands
from launchkit.written import literal


@dataclass(frozen=True, kw_only=True)
class AgentSide:
    """What the agent brings to a submission."""

    policy: Policy
    environ: Mapping[str, str]
    """Its own environment."""
    extra_env: EnvValues
    """Variables that plugins give."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A submission, and what its author should know about it."""

    submission: Submission
    warnings: tuple[str, ...]


def bind(
    launch: Launch,
    *,
    image: Image | None,
    code: Path | None,
    runner: type[Runner],
    agent: AgentSide,
    secrets: Sequence[str] = (),
) -> Bound:
    """Make the submission of a launch whose image or code is ready.

    A variable of the environment comes from, the later the stronger: `workload_env`; the plugins;
    for runs on this machine the resource arguments that *runner* names; the job and the launch.
    What launchkit says itself of a run, nobody else does.
    *secrets* are shown to nobody, wherever they stand in it.

    :raises Rejected: if the launch asks for a variable of the agent that the policy keeps back, or
        its names break out of their places in the queue's config.
    """
    policy, environ = agent.policy, agent.environ
    own, trusted, of_queue = _args_env(launch, runner.args_env())
    wanted: Env = {**own, **launch.env}
    of_queue -= launch.env.keys()
    macros, opened = _macros(launch, image), opened_values(policy, environ)
    of_launch = {name: value for name, value in macros.items() if name not in opened}
    check_macro_values(launch.resource_args, launch.origins, of_launch)

    def args_macros(path: KeyPath) -> Macros:
        is_queues = launch.origins.get(dotted(path)) in {"queue", "template"}
        return {**macros, **opened} if is_queues else macros

    expanded = expands(runner)

    def is_of_queue(path: KeyPath) -> bool:
        return expanded(path) and path not in launch.chosen

    def env_macros(path: KeyPath) -> Macros:
        return {**macros, **opened} if path[-1] in of_queue else macros

    args, args_warnings = fill_macros(
        {"resource_args": launch.resource_args}, macros, at=args_macros, expands=is_of_queue
    )
    env, env_warnings = fill_macros({"env": wanted}, macros, at=env_macros)
    values, missing = agent_values(env["env"], {*policy.env_from_agent, *trusted}, environ)
    given = {**workload_env(launch, image, runner.env_max_length), **agent.extra_env}
    values, overruled = without_own(values, given)
    submission = Submission(
        name=launch.which.name,
        launch=launch,
        command=(*launch.entry_point, *launch.args),
        env={**given, **values},
        resource_args=_stays(args["resource_args"], ("resource_args",), launch, expanded),
        image=image,
        code=code,
        hidden=tuple(map(Secret, secrets)),
    )
    return Bound(
        submission=submission, warnings=(*args_warnings, *env_warnings, *missing, *overruled)
    )


def agent_secrets(
    policy: Policy, environ: Mapping[str, str], args: Json, keys: Sequence[str]
) -> tuple[Secret, ...]:
    """Values of the agent's environment that may come to a run of a queue: those that the policy
    opens to queues, or gives to jobs and launches, and those that *args*, the queue's own, name
    under *keys* without a value; but for the variables that are no secrets.
    """
    named = {*policy.env_from_agent, *_borrowed(args, keys)} - BASIC_ENV - CREDENTIALS
    lent = (Secret(environ[name]) for name in sorted(named) if name in environ)
    return (*opened_values(policy, environ).values(), *lent)


def _borrowed(args: Json, keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        with suppress(Rejected):  # no launch gets anything out of it
            entries = parse_env(args.get(key), (key,))
            yield from (name for name, value in entries.values() if value is None)


def opened_values(policy: Policy, environ: Mapping[str, str]) -> dict[str, Secret]:
    """Variables that the policy opens to queues; they win over W&B's names, as they do there."""
    names = [name for name in policy.macros_from_env if name not in CREDENTIALS]
    return {name: Secret(environ[name]) for name in names if name in environ}


def _stays(value: Any, path: KeyPath, launch: Launch, expanded: Callable[[KeyPath], bool]) -> Any:
    """Arguments of which no text that a launch or its job brings has variables put into it."""
    if isinstance(value, Mapping):
        return {key: _stays(one, (*path, key), launch, expanded) for key, one in value.items()}
    if isinstance(value, list):
        return [_stays(one, (*path, at), launch, expanded) for at, one in enumerate(value)]
    if not isinstance(value, str) or path not in launch.chosen:
        return value
    return literal(value) if expanded(path) else value


def _macros(launch: Launch, image: Image | None) -> dict[str, str | None]:
    """W&B's names."""
    return {
        "project_name": launch.project.lower(),
        "entity_name": launch.entity,
        "run_id": launch.run_id,
        "run_name": launch.name,
        "image_uri": image.ref if image else None,
        "author": launch.author,
    }


def _args_env(
    launch: Launch, keys: Sequence[str]
) -> tuple[dict[str, str | None], set[str], set[str]]:
    """The variables under *keys* of the resource arguments; the names in it to which the queue
    config itself gives the agent's value; and those whose value it decides.
    """
    entries: dict[KeyPath, tuple[str, str | None]] = {}
    for key in keys:
        entries |= parse_env(launch.resource_args.get(key), ("resource_args", key))
    deciding = {name: (path, value) for path, (name, value) in entries.items()}
    origins = {name: launch.origins.get(dotted(path)) or "" for name, (path, _) in deciding.items()}
    of_queue = {name for name, who in origins.items() if who in {"queue", "template"}}
    trusted = {
        name for name, (_, value) in deciding.items() if value is None and origins[name] == "queue"
    }
    return {name: value for name, (_, value) in deciding.items()}, trusted, of_queue
