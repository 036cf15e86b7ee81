"""Whether a launch does what the policy of the agent's owner forbids."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from launchkit.abc import Policy, Runner
from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.model import Json, Launch
from launchkit.resolving.nested import entries

NAMESPACES = frozenset({"hostPID", "hostIPC", "hostNetwork"})
OWN = ("launchkit/", "launchkit.", "launchkit:")
TAG_NAMES = frozenset({"Key", "key"})
CONTAINER_LISTS = frozenset({"containers", "ephemeralContainers"})
COMMANDED = frozenset({"trainer", "containerSpec", "container_spec"})
"""Where else the `command` of a container stands: in a TrainJob, and in a job of Vertex AI."""


def check_policy(launch: Launch, policy: Policy, runner: type[Runner]) -> None:
    """Look whether a launch does what the policy forbids. :raises Rejected: naming all of it."""
    problems = [*runner.objections(launch.resource_args, policy)]
    if own := [*_own_names(launch.resource_args)]:
        raise Rejected("\n".join(own), hint="give them other names")
    if problems:
        raise Rejected(
            "the agent's policy forbids:\n" + "\n".join(problems),
            hint="take these out of the queue config or the launch,"
            " or have the agent's owner change the policy",
        )
    if not policy.secure_mode:
        return
    problems = [*_chosen(launch, policy.launch_may_set), *pod_objections(launch.resource_args)]
    if problems:
        raise Rejected(
            "secure mode forbids:\n" + "\n".join(problems),
            hint="take these out of the queue config or the launch,"
            " or have the agent's owner name them in policy.launch_may_set",
        )


def _own_names(args: Json) -> Iterator[str]:
    """Labels, annotations and tags by which launchkit finds runs and what belongs to them."""
    for path, value in entries(args):
        for name in (path[-1], value if path[-1] in TAG_NAMES else None):
            if isinstance(name, str) and name.startswith(OWN):
                yield f"resource_args.{dotted(path)}: {name} is a name of launchkit's own"


def _chosen(launch: Launch, allowed: Sequence[str]) -> Iterator[str]:
    """What a launch, or its job in the queue's place, has chosen and may not."""
    for place, who in launch.origins.items():
        if who in _strangers(place) and not any(_covers(word, place) for word in allowed):
            yield f"{place}: a {who} cannot choose it"
    starts = launch.origins.get("args") == "launch" and launch.args and not launch.entry_point
    if starts and "entry_point" not in allowed:
        yield "args: without an entry point of the job, they may be what an image runs"


def _strangers(place: str) -> tuple[str, ...]:
    """Who has no say in it. Whoever may launch may make jobs, too: resource arguments and variables
    are the queue's.
    """
    return ("launch", "job") if place.startswith(("resource_args", "env.")) else ("launch",)


def _covers(word: str, place: str) -> bool:
    if word.endswith("*"):
        return place.startswith(word[:-1])
    return place == word or place.startswith((f"{word}.", f"{word}["))


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
    key, place = path[-1], str(path[-2]) if len(path) > 1 else ""
    if key in NAMESPACES or (key == "hostProcess" and place == "windowsOptions"):
        return "the host's namespaces are closed"
    if key == "privileged" and place.lower().endswith("securitycontext"):
        return "the host's devices are closed"
    if key == "initContainers":
        return "init containers are not allowed"
    if key == "command" and (place in COMMANDED or _is_in_container(path)):
        return "a container's command cannot be set, nor one for its hooks and probes"
    return None


def _is_in_container(path: Path) -> bool:
    return any(key in CONTAINER_LISTS and isinstance(index, int) for key, index in pairwise(path))
