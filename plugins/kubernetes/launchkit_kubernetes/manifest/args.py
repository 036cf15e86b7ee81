"""A queue's config: a Job, or a custom resource, in each form in which it may be written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.runners.fitting import is_open
from launchkit_kubernetes.manifest.clear_secrets import HINT, READABLE, clear_secrets
from launchkit_kubernetes.manifest.copying import MAX_VALUES, copied, values_in
from launchkit_kubernetes.manifest.names import LABEL, NAMES, name_problem, own_name_problem
from launchkit_kubernetes.manifest.object_kind import JOB, ObjectKind, object_kind, unwrapped
from launchkit_kubernetes.manifest.own_objects import HINT as NAME_ANOTHER
from launchkit_kubernetes.manifest.own_objects import NAMED, own_objects
from launchkit_kubernetes.manifest.pods import all_containers, templates
from launchkit_kubernetes.manifest.schema import JOB as JOB_SHAPE
from launchkit_kubernetes.manifest.schema import (
    JOB_VERSIONS,
    MAX_PROBLEMS,
    METADATA,
    OF_KIND,
    SECURITY_CONTEXT,
    TEMPLATE,
    fitted,
)

MAX_CONTAINERS = 500
"""Of all templates of pods together."""
KEYS: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("metadata", "spec"), (dict, "a mapping")),
    **dict.fromkeys(("apiVersion", "kind", "namespace", "group", "version"), (str, "text")),
    "requeue": (bool, "true or false"),
}
"""What may stand at the top, and of which type it is."""
_API_VERSION = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?v[a-z0-9]{1,62}", re.ASCII)
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}", re.ASCII)
_NAMESPACE = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LABEL - 2}}}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """The object that a queue's config describes."""

    api_version: str = JOB_VERSIONS[0]
    kind: str = JOB
    namespace: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    """Other keys at the top of a custom resource."""
    container_security: Mapping[str, Any] | None = None
    """What the config says of the security of all containers at once."""
    requeue: bool = True
    """Whether a run whose place the cluster takes away is queued again."""
    warnings: tuple[str, ...] = ()

    @property
    def is_job(self) -> bool:
        """Whether it is one of Kubernetes' own Jobs."""
        return self.kind == JOB and self.api_version in JOB_VERSIONS


def check_args(args: Json) -> None:
    """Look at a queue's config. :raises Rejected: naming each field that is wrong, with its path.

    A name with a macro is looked at when it is filled, and made to fit.
    """
    parsed = parse_args(args)
    for key, problem_of in zip(NAMES, (name_problem, own_name_problem), strict=True):
        name = parsed.metadata.get(key)
        if name and not is_open(name) and (problem := problem_of(name)):
            raise Rejected(
                f"{unwrapped(args)[0]}.metadata.{key}: {problem}",
                hint="leave it out, or write it such as train-${run_id}",
            )


def parse_args(args: Json) -> QueueArgs:
    """Read a queue's config.

    A wrapping key `kubernetes`, and a `namespace` at the top, may be there or not (seed, section
    4). :raises Rejected: naming each field that is wrong, with its path.
    """
    (where, inner), problems = unwrapped(args), list[str]()
    data = copied({} if inner is None else inner, where, problems)
    if not isinstance(data, dict):
        raise Rejected(f"{where}: must be a mapping")
    data = {key: value for key, value in data.items() if value is not None or key not in KEYS}
    if data.get("requeue") in ("true", "false"):  # a template variable has no truth values
        data["requeue"] = data["requeue"] == "true"
    _refuse(problems or [*_too_much(data, where)] or [*_shapes(data, where)])
    if secrets := [f"{path}: {READABLE}" for path in clear_secrets(data, where)]:
        raise Rejected("\n".join(secrets[:MAX_PROBLEMS]), hint=HINT)
    if own := [f"{path}: {NAMED}" for path in own_objects(data, where)]:
        raise Rejected("\n".join(own[:MAX_PROBLEMS]), hint=NAME_ANOTHER)
    found = object_kind(args)
    for key in ("apiVersion", "group", "version", "kind"):
        data.pop(key, None)
    namespace, requeue = data.pop("namespace", None), data.pop("requeue", True)
    metadata, spec = data.pop("metadata", {}), data.pop("spec", {})
    metadata = fitted(metadata, METADATA, f"{where}.metadata", problems)
    namespace = metadata.pop("namespace", None) or namespace
    problems += _place_problems(found, namespace, where)
    security: Mapping[str, Any] | None = None
    warnings: list[str] = []
    if found.is_job:
        security = _tidied(spec, where, problems, warnings)
        data.pop("status", None)
        spec = fitted({**data, "spec": spec}, JOB_SHAPE, where, problems).get("spec", {})
    else:
        spec = _custom(found.kind, spec, f"{where}.spec", problems)
    _refuse(problems)
    return QueueArgs(
        api_version=JOB_VERSIONS[0] if found.is_job else found.api_version,
        kind=found.kind or JOB,
        namespace=namespace or None,
        metadata=metadata,
        spec=spec,
        rest={} if found.is_job else data,
        container_security=security,
        requeue=requeue,
        warnings=tuple(warnings),
    )


def _refuse(problems: list[str]) -> None:
    if problems:
        raise Rejected("\n".join(dict.fromkeys(problems)))


def _too_much(data: Mapping[str, Any], where: str) -> Iterator[str]:
    """What no cluster would take, and what would keep an agent busy for long."""
    if values_in(data, MAX_VALUES) > MAX_VALUES:
        yield f"{where}: has more than {MAX_VALUES} values"
    elif (containers := sum(1 for _ in all_containers(data))) > MAX_CONTAINERS:
        yield f"{where}: has {containers} containers; {MAX_CONTAINERS} are the most"


def _shapes(data: Mapping[str, Any], where: str) -> Iterator[str]:
    for key, (of, what) in KEYS.items():
        if key in data and not isinstance(data[key], of):
            yield f"{where}.{key}: must be {what}"


def _place_problems(found: ObjectKind, namespace: object, where: str) -> Iterator[str]:
    """What would lead to a wrong path of the API, if anything."""
    api_version, kind = found.api_version, found.kind
    rules = (
        ("apiVersion", api_version, _API_VERSION, "a group and a version, such as kubeflow.org/v1"),
        ("kind", kind, _KIND, "a kind of objects, such as PyTorchJob"),
        ("namespace", namespace, _NAMESPACE, "the name of a namespace, such as team-a"),
    )
    for key, value, rule, what in rules:
        if value and isinstance(value, str) and not (is_open(value) or rule.fullmatch(value)):
            yield f"{where}.{key}: must be {what}, not {shortened(value, 100)!r}"
    if kind and kind != JOB and not api_version:
        needs = f"a {shortened(kind, 100)} needs it"
        yield f"{where}.apiVersion: {needs}; a PyTorchJob's is kubeflow.org/v1"
    if api_version and not kind and api_version not in JOB_VERSIONS:
        yield f"{where}.kind: {shortened(api_version, 100)} alone names no kind of object"


def _custom(kind: str, spec: dict[str, Any], where: str, problems: list[str]) -> Any:
    """The spec of a custom resource, of which what launchkit fills in is looked at."""
    for path, template in [*templates(spec, where)]:
        template.update(fitted(template, TEMPLATE, path, problems))
    return fitted(spec, OF_KIND.get(kind, {}), where, problems)


def _tidied(
    spec: dict[str, Any], where: str, problems: list[str], warnings: list[str]
) -> Mapping[str, Any] | None:
    """Put what the seed's example writes at another level of a Job, or misspells, at its place;
    gives what it says of the security of all containers.
    """
    template = spec.get("template")
    places = [(spec, f"{where}.spec")]
    if isinstance(template, dict):
        places.append((template, f"{where}.spec.template"))
    for place, path in places:
        for key in ("backoffLimit", "backOffLimit", "ttlSecondsAfterFinished"):
            right = "backoffLimit" if key == "backOffLimit" else key
            if key in place and (place is not spec or key != right):
                taken = "is ignored beside" if right in spec else "is taken as"
                warnings.append(f"{path}.{key} {taken} {where}.spec.{right}")
                spec.setdefault(right, place.pop(key))
    if not isinstance(template, dict) or "securityContext" not in template:
        return None
    path = f"{where}.spec.template.securityContext"
    warnings.append(f"{path} is taken as that of each container")
    given = _without_commas(template.pop("securityContext"))
    security = fitted(given, SECURITY_CONTEXT, path, problems)
    return security if isinstance(security, dict) else None


def _without_commas(value: Any) -> Any:
    """The seed's example has commas at the ends of its lines."""
    if isinstance(value, dict):
        return {key: _without_commas(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_commas(one) for one in value]
    if not isinstance(value, str) or not value.endswith(","):
        return value
    word = value.removesuffix(",")
    return word.lower() if word in {"True", "False"} else word
