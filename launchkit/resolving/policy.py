"""Whether a launch does what the policy of the agent's owner forbids."""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from launchkit.abc import Policy, Runner
from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.model import Json, Launch, Secret, Submission
from launchkit.resolving.may_set import RESOURCE_ARGS, is_open, openable
from launchkit.resolving.nested import entries, flat, texts
from launchkit.written import unescaped

# keys are looked at in one spelling, `flat`, for operators of clusters take several
NAMESPACES = frozenset({"hostpid", "hostipc", "hostnetwork"})
OWN = re.compile(r"^launchkit[/.:]|(?<![\w-])launchkit[/:]")
"""Where a key has a name of launchkit's own: Spark and others write labels into longer keys."""
OWN_WRITTEN = re.compile(
    r"(?:(?:(?<![\w/-])|(?<=\\[nrt]))launchkit[/.:]|(?<![\w-])launchkit~1)"
    r"(?:run-id|item|attempt|name|gpus|component)\b"
)
"""The names by which runs, GPUs and the chart's pods are found, in a text that an operator may make
labels of, also as a path of a patch, or behind an escaped tab or end of a line.
"""
TAG_NAMES = frozenset({"Key", "key"})
FREE_TEXT = frozenset({"args", "command", "entrypoint", "source", "script"})
"""Keys of texts that programs read, and no operator; so is the `value` of a variable."""
CONTAINER_LISTS = frozenset({"containers", "ephemeralcontainers", "sidecars", "steps"})
COMMANDED = frozenset({"spec", "exec", "container", "script", "containerspec"})
"""Below which a `command` is a container's, or that of a hook or a probe: in all objects of a
cluster, and in a job of Vertex AI."""
NAMING = frozenset({"labels", "annotations", "nodeselector", "matchlabels"})
"""Whose keys are names of their owner's."""
OPAQUE = frozenset({"podspecpatch", "podtemplatefile", "manifest", "manifestfrom"})
"""What operators make pods of, and nobody can look through here."""
NOT_LAUNCHES = "take these out of the queue config or the launch,"
ENTRY_POINT = "entry_point"
ARGS_START = "args: without an entry point of the job, they may be what an image runs"
_FLAT_PARTS = re.compile(r"[./]")


def check_policy(launch: Launch, policy: Policy, runner: type[Runner]) -> None:
    """Look whether a launch does what the policy forbids. :raises Rejected: naming all of it."""
    _check_args(launch.resource_args, policy, runner)
    if policy.secure_mode:
        chosen = _chosen(launch, policy.launch_may_set, runner)
        _check_secure([*chosen, *pod_objections(launch.resource_args)])


def check_filled(submission: Submission, policy: Policy, runner: type[Runner]) -> None:
    """Look at the same once macros are filled, which may make of a value what it was not.

    :raises Rejected: naming all that the policy forbids.
    """
    _check_args(submission.resource_args, policy, runner)
    if policy.secure_mode:
        started = _starting_args(submission, policy.launch_may_set, runner)
        _check_secure([*started, *pod_objections(submission.resource_args)])


def _check_args(args: Json, policy: Policy, runner: type[Runner]) -> None:
    problems = [*runner.objections(args, policy)]
    if own := [*_own_names(args)]:
        raise Rejected("\n".join(own), hint="give them other names")
    if problems:
        raise Rejected(
            "the agent's policy forbids:\n" + "\n".join(problems),
            hint=f"{NOT_LAUNCHES} or have the agent's owner change the policy",
        )


def _check_secure(problems: list[str]) -> None:
    if problems:
        raise Rejected(
            "secure mode forbids:\n" + "\n".join(problems),
            hint=f"{NOT_LAUNCHES} or have the agent's owner name them in policy.launch_may_set",
        )


def _own_names(args: Json) -> Iterator[str]:
    """Labels, annotations and tags by which launchkit finds runs and what belongs to them."""
    for path, value in entries(args):
        for name in (path[-1], value if path[-1] in TAG_NAMES else None):
            if isinstance(name, str) and OWN.search(name):
                told = "this" if isinstance(name, Secret) else name
                yield f"resource_args.{dotted(path)}: {told} is a name of launchkit's own"
    for path, text in texts(args):
        keys = [part for part in path if isinstance(part, str)]
        is_free = keys[-2:] == ["env", "value"] or not FREE_TEXT.isdisjoint(keys[-1:])
        if not is_free and (found := OWN_WRITTEN.search(unescaped(text))):
            yield f"resource_args.{dotted(path)}: {found[0]} is a name of launchkit's own"


def _chosen(launch: Launch, allowed: Collection[str], runner: type[Runner]) -> Iterator[str]:
    """What a launch, or its job in the queue's place, has chosen and may not."""
    known = openable(runner.option_keys, runner.harmless_keys(launch.resource_args))
    for place, who in launch.chosen.items():
        if who in _strangers(place) and not is_open(place, allowed, known):
            yield f"{dotted(place)}: a {who} cannot choose it"
    if _may_start(launch, allowed) and not launch.entry_point:
        yield ARGS_START


def _starting_args(
    submission: Submission, allowed: Collection[str], runner: type[Runner]
) -> Iterator[str]:
    """Arguments of a launch that its runner gives to an image of the queue without the job's entry
    point before them.
    """
    if _may_start(submission.launch, allowed) and runner.args_start(submission):
        yield ARGS_START


def _may_start(launch: Launch, allowed: Collection[str]) -> bool:
    has_chosen = any(place[0] == "args" and who == "launch" for place, who in launch.chosen.items())
    return has_chosen and ENTRY_POINT not in allowed


def _strangers(place: Path) -> tuple[str, ...]:
    """Who has no say in it. Whoever may launch may make jobs, too: resource arguments and variables
    are the queue's.
    """
    return ("launch", "job") if place[0] in {RESOURCE_ARGS, "env"} else ("launch",)


def pod_objections(args: Json) -> Iterator[str]:
    """What reaches out of a container, or runs something else in it, in the words of a pod's spec,
    wherever one stands in resource arguments. Asked for every runner, so that no author of one
    needs to think of it.
    """
    for path, value in entries(args):
        reason = _forbidden(path) if value else None
        if reason:
            yield f"resource_args.{dotted(path)}: {reason}"


def _forbidden(path: Path) -> str | None:
    key, place = str(path[-1]), flat(str(path[-2])) if len(path) > 1 else ""
    words = {flat(word) for word in _FLAT_PARTS.split(key)}  # Spark writes paths into one key
    if words & NAMESPACES or (place == "windowsoptions" and "hostprocess" in words):
        return "the host's namespaces are closed"
    if "privileged" in words and place.endswith("securitycontext"):
        return "the host's devices are closed"
    if "initcontainers" in words:
        return "init containers are not allowed"
    if words & OPAQUE:
        return "what changes or makes pods cannot be looked through"
    if _is_command(path):
        return "a container's command cannot be set, nor one for its hooks and probes"
    return None


def _is_command(path: Path) -> bool:
    key, *around = (flat(str(part)) for part in reversed(path))
    place = around[0] if around else ""
    if key == "source":
        return place == "script"
    if key == "command":
        return place not in NAMING and (not COMMANDED.isdisjoint(around) or _is_in_container(path))
    return key == "script" and _is_in_container(path)


def _is_in_container(path: Path) -> bool:
    return any(
        flat(str(key)) in CONTAINER_LISTS and isinstance(index, int)
        for key, index in pairwise(path)
    )
