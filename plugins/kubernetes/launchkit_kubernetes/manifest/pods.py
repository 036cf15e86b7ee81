"""The pods that an object describes, wherever their templates stand in it."""

from collections.abc import Iterator
from typing import Any

CONTAINERS = "containers"
LISTS = (CONTAINERS, "initContainers", "ephemeralContainers")
OTHERS = ("sidecars", "steps")
SINGLE = ("container", "script", "stepTemplate")
"""Where else containers stand, in objects of Argo and Tekton; some have their image from others."""
NO_CONTAINER = frozenset({"template", "templateRef", "inline", "ref"})
"""What a step without an image has that is something else."""
MPI = "mpiReplicaSpecs"
_LISTS = frozenset(map(str.casefold, LISTS))
_OTHERS = frozenset(OTHERS)
_NO_CONTAINER = frozenset(map(str.casefold, NO_CONTAINER))
_SINGLE = frozenset(map(str.casefold, SINGLE))


def templates(value: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each template of pods in a spec, with its path: a mapping whose own `spec` has `containers`.
    Kubernetes, Kubeflow, Volcano, Ray and JobSet all write them so.
    """
    if isinstance(value, dict):
        inner = value.get("spec")
        if isinstance(inner, dict) and isinstance(inner.get(CONTAINERS), list):
            yield where, value
            return
        for key, one in value.items():
            yield from templates(one, f"{where}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from templates(one, f"{where}[{index}]")


def starting(kind: str, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The templates whose main containers start the program; in others the operator decides what
    starts.

    The workers of an MPIJob wait for its launcher. The pods of a RayJob are Ray's, which starts the
    job's `entrypoint` in them.
    """
    if kind == "RayJob":
        return []
    launchers = spec.get(MPI)
    if kind == "MPIJob" and isinstance(launchers, dict):
        spec = {"Launcher": launchers.get("Launcher")}
    return [template for _, template in templates(spec)]


def containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a template, without those that only prepare; the first is the main one."""
    return [one for one in template["spec"][CONTAINERS] if isinstance(one, dict)]


def all_containers(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever is a container of some kind, wherever it stands."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _under(str(key).casefold(), one)
            yield from all_containers(one)
    elif isinstance(value, list):
        for one in value:
            yield from all_containers(one)


def have_image(value: Any) -> bool:
    """Whether there is a container with an image of its own in something, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        for key, inner in one.items() if isinstance(one, dict) else ():
            found = _under(str(key).casefold(), inner)
            if any(map(_has_image, found)):
                return True
            waiting.append(inner)
    return False


def _under(key: str, value: Any) -> Iterator[dict[str, Any]]:
    """The containers that a key has directly, however it has its capitals: some operators read it
    all the same.
    """
    if key in _SINGLE and isinstance(value, dict):
        yield value
    elif key in _LISTS | _OTHERS and isinstance(value, list):
        for one in value:
            if isinstance(one, dict) and (key in _LISTS or not _is_other(one)):
                yield one


def _is_other(step: dict[str, Any]) -> bool:
    """Whether something is no container: what has an image is one, whatever else it has, as
    operators overlook keys that they do not know.
    """
    if _has_image(step):
        return False
    return any(value is not None and key.casefold() in _NO_CONTAINER for key, value in step.items())


def _has_image(container: dict[str, Any]) -> bool:
    return "image" in map(str.casefold, container)
