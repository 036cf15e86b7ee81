"""`kaniko-config`: a Job as its owner wants it, laid over the one that launchkit makes. Pure."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from launchkit.plain_text import shortened
from launchkit_kubernetes.manifest.copying import copied
from launchkit_kubernetes.manifest.schema import JOB, fitted

FLAG = re.compile(r"--(?P<name>[a-z][a-z0-9-]*)(?:=(?P<value>.*))?", re.DOTALL)
OURS: Mapping[str, str] = {
    "context": "set build-context-store or pvc-name",
    "destination": "set the builder's destination",
    "dockerfile": "name it in the launch or the job",
    "digest-file": "launchkit reads the digest from there",
    "no-push": "an image that is not pushed can be run by nobody",
    "tar-path": "an image that is not pushed can be run by nobody",
}
"""Flags that launchkit sets, and what to do instead."""
ADDED: Mapping[str, str] = {
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "initContainers": "name",
}
"""Lists that are added to ours, by the key that tells their entries apart. Others replace ours."""
READ = frozenset({"build-arg"})
"""Flags that were read before, and are among ours: they are part of an image's tag."""
SPEC = ("spec", "template", "spec")


def config_problems(config: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong with it, each with its path."""
    problems: list[str] = []
    copied(config, "kaniko-config", problems)
    if problems:
        return problems
    known = {"apiVersion", "kind", "metadata", "spec"}
    problems += [f"kaniko-config.{key}: a Job has no such field" for key in config.keys() - known]
    if config.get("kind", "Job") != "Job":
        problems.append("kaniko-config.kind: must be Job")
    where, inner = "kaniko-config", config
    for key in SPEC:
        where, found = f"{where}.{key}", inner.get(key)
        if found is not None and not isinstance(found, Mapping):
            return [*problems, f"{where}: must be a mapping"]
        inner = found or {}
    metadata = config.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return [*problems, "kaniko-config.metadata: must be a mapping"]
    for key, instead in (
        ("name", "build-job-name"),
        ("generateName", "build-job-name"),
        ("namespace", "namespace"),
    ):
        if key in metadata:
            problems.append(f"kaniko-config.metadata.{key}: set {instead} of the builder instead")
    fitted(config, JOB, "kaniko-config", problems)
    if problems:
        return problems
    problems += _container_problems(inner.get("containers"), f"{where}.containers")
    return problems


def _container_problems(found: Any, where: str) -> Sequence[str]:
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        return [f"{where}: must be a list of containers"]
    if len(found) > 1:
        return [f"{where}: one container builds; others can be initContainers"]
    problems = []
    for index, arg in enumerate(found[0].get("args") or () if found else ()):
        flag = FLAG.fullmatch(arg) if isinstance(arg, str) else None
        place = f"{where}[0].args[{index}]"
        if flag is None:
            problems.append(f"{place}: {shortened(repr(arg), 100)} must be written --key=value")
        elif flag["name"] in OURS:
            problems.append(f"{place}: --{flag['name']} is launchkit's: {OURS[flag['name']]}")
    return problems


def build_args(given: Mapping[str, str], config: Mapping[str, Any]) -> Mapping[str, str]:
    """The values of the Dockerfile's ARGs: those that are *given*, and those in its arguments."""
    inner: Any = config
    for key in SPEC:
        inner = inner.get(key) or {}
    args = ((inner.get("containers") or [{}])[0]).get("args") or ()
    flags = filter(None, (FLAG.fullmatch(arg) for arg in args))
    found = (str(flag["value"] or "").partition("=") for flag in flags if flag["name"] in READ)
    return {**given, **{name: value for name, _, value in found}}


def laid_over(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Our Job with what *theirs*, which has no problems, wants else."""
    made = deepcopy(dict(ours))
    for key, value in theirs.items():
        mine = made.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            made[key] = laid_over(mine, value)
        elif key == "containers" and mine and value:
            made[key] = [laid_over(mine[0], value[0])]
        elif key == "args" and isinstance(mine, list):
            made[key] = merged_args(mine, value or ())
        elif key in ADDED and isinstance(mine, list) and isinstance(value, list):
            made[key] = _added(mine, value, ADDED[key])
        elif value is not None:
            made[key] = deepcopy(value)
    return made


def merged_args(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Flags by their names: theirs stand in the place of ours."""
    added = [arg for arg in theirs if _name(arg) not in READ]
    names = {_name(arg) for arg in added}
    return [*(arg for arg in ours if _name(arg) not in names), *added]


def _name(arg: str) -> str:
    flag = FLAG.fullmatch(arg)
    return flag["name"] if flag else arg


def _added(ours: Sequence[Any], theirs: Sequence[Any], key: str) -> list[Any]:
    names = [one.get(key) for one in theirs if isinstance(one, Mapping)]
    kept = [one for one in ours if one.get(key) not in names]
    return [*kept, *deepcopy(list(theirs))]
