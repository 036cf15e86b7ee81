"""Which fields a Job may have, and a config to begin with."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from launchkit.codec import unknown_key
from launchkit.model import Secret
from launchkit.plain_text import shortened
from launchkit.runners.fitting import KIND_WORDS, OPEN, is_a, is_open
from launchkit_kubernetes.manifest.clear_secrets import is_short_number
from launchkit_kubernetes.manifest.copying import KEY, below

STARTER = """\
# The config of a queue of kind kubernetes: any part of a Job, or of a custom resource with its
# apiVersion and kind. Remove the "# " before what you need.

# namespace: ml

spec:
  # How often Kubernetes itself tries again: with launchkit never.
  # backoffLimit: 0
  template:
    spec:
      # nodeSelector:
      #   disk: ssd
      containers:
        - resources:
            requests:
              cpu: "1"
              memory: 1Gi
            # limits:
            #   nvidia.com/gpu: 1
          # env:
          #   - name: OMP_NUM_THREADS
          #     value: "4"
"""
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_WRITTEN = {
    "integer": rf"{OPEN.pattern}|^{_DIGITS.pattern}$",
    "boolean": rf"{OPEN.pattern}|^(true|false)$",
}
"""How else than as itself a value may be written."""
JOB_VERSIONS = ("batch/v1", "batch/v1beta1")
MAX_PROBLEMS = 20
Shape = Mapping[str, Any]
"""A JSON Schema, as far as it is used here."""


def _ref(name: str) -> Shape:
    return {"$ref": f"#/$defs/{name}"}


def _list(name: str) -> Shape:
    return {"type": "array", "items": _ref(name)}


JOB = _ref("V1Job")
METADATA = _ref("V1ObjectMeta")
SECURITY_CONTEXT = _ref("V1SecurityContext")
TEMPLATE: Shape = {
    "type": "object",
    "properties": {
        "metadata": METADATA,
        "spec": {
            "type": "object",
            "properties": {
                "containers": _list("V1Container"),
                "initContainers": _list("V1Container"),
                "volumes": _list("V1Volume"),
                "imagePullSecrets": _list("V1LocalObjectReference"),
            },
            "additionalProperties": {},
        },
    },
    "additionalProperties": {},
}
"""A template of pods in a custom resource: what launchkit fills in. The rest is its operator's, who
may know more fields."""
TRAIN_JOB: Shape = {
    "type": "object",
    "properties": {
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "trainer": {
            "type": "object",
            "properties": {
                "image": {"type": "string"},
                "command": {"type": "array", "items": {"type": "string"}},
                "args": {"type": "array", "items": {"type": "string"}},
                "env": _list("V1EnvVar"),
            },
            "additionalProperties": {},
        },
    },
    "additionalProperties": {},
}
RAY_JOB: Shape = {
    "type": "object",
    "properties": {"entrypoint": {"type": "string"}},
    "additionalProperties": {},
}
OF_KIND: Mapping[str, Shape] = {"TrainJob": TRAIN_JOB, "RayJob": RAY_JOB}
"""What launchkit fills in beside templates of pods."""
_SEEDS: Mapping[str, tuple[str, ...]] = {
    "V1JobSpec": ("backOffLimit",),
    "V1PodTemplateSpec": (
        *("backoffLimit", "backOffLimit", "ttlSecondsAfterFinished", "securityContext"),
    ),
}
"""What is understood although it is misspelt or misplaced."""


def schema() -> dict[str, Any]:
    """JSON Schema of all forms. Made from the fields of Kubernetes' API, see `job.schema.json`."""
    defs = {name: _form(of) for name, of in _job_schema()["$defs"].items()}
    for name, keys in _SEEDS.items():
        defs[name]["properties"] |= {key: {"deprecated": True} for key in keys}
    text = {"type": ["string", "null"]}
    fields: dict[str, Any] = {
        **dict.fromkeys(("apiVersion", "kind", "group", "version", "namespace"), text),
        "metadata": METADATA,
        "spec": {"type": ["object", "null"]},
        "status": {},
        "requeue": {
            "type": ["boolean", "string", "null"],
            "pattern": _WRITTEN["boolean"],
            "description": "Whether a run whose place the cluster takes away is queued again.",
        },
    }
    is_job = {
        "properties": {
            "apiVersion": {"enum": [*JOB_VERSIONS, None]},
            "kind": {"enum": ["Job", None]},
            "group": {"enum": ["batch", None]},
        }
    }
    job = {**dict.fromkeys(fields, True), "spec": _ref("V1JobSpec")}
    defs["Queue"] = {
        "type": ["object", "null"],
        "properties": fields,
        "if": is_job,
        "then": {"properties": job, "additionalProperties": False},
        "else": {
            "required": ["kind"],
            "anyOf": [{"required": [key]} for key in ("apiVersion", "group", "version")],
        },
    }
    wrapped = {"description": "May hold all the other keys.", **_ref("Queue")}
    return {
        "$defs": defs,
        "type": "object",
        "properties": {"kubernetes": wrapped, **fields},
        "if": {"required": ["kubernetes"]},
        "then": {"maxProperties": 1},
        "else": _ref("Queue"),
    }


def _form(of: Shape) -> dict[str, Any]:
    """A shape as it may be written: with null, macros and template variables."""
    if "type" not in of:
        return {**of}
    kinds = _kinds(of)
    made = {**of, "type": [*kinds, "null"]}
    if "properties" in of:
        made["properties"] = {key: _form(inner) for key, inner in of["properties"].items()}
        made.setdefault("additionalProperties", False)
    elif "additionalProperties" in of:
        made["additionalProperties"] = _form(of["additionalProperties"])
    elif "items" in of:
        made["items"] = _form(of["items"])
    elif kinds == ("string",):
        made["type"] = ["string", "number", "null"]
    elif len(kinds) == 1 and kinds[0] in _WRITTEN:
        made |= {"type": [*kinds, "string", "null"], "pattern": _WRITTEN[kinds[0]]}
    return made


def fitted(value: Any, of: Shape, where: str, problems: list[str]) -> Any:
    """A value with its fields in the types that *of* wants: macros and template variables give
    texts for numbers, and numbers for texts. What is null is left out: to the cluster it is absent.

    What is wrong is told in *problems*, a line each, with its path.
    """
    if name := of.get("$ref"):
        return fitted(value, _job_schema()["$defs"][name.rpartition("/")[2]], where, problems)
    kinds = _kinds(of)
    if value is None or not kinds or len(problems) > MAX_PROBLEMS:
        return value
    value = _scalar(value, kinds)
    if not any(is_a(value, kind) for kind in kinds) and (
        not is_open(value) or kinds[0] in {"object", "array"}
    ):
        _tell(problems, f"{where}: must be {_words(kinds)}, not {_shown(value)}")
    elif isinstance(value, dict):
        return dict(_fields(value, of, where, problems))
    elif isinstance(value, list):
        shape = of.get("items", {})
        return [fitted(one, shape, f"{where}[{i}]", problems) for i, one in enumerate(value)]
    return value


def _fields(
    value: Mapping[str, Any], of: Shape, where: str, problems: list[str]
) -> Iterator[tuple[str, Any]]:
    known = of.get("properties", {})
    rest = of.get("additionalProperties", None if known else {})
    for key, inner in value.items():
        shape = known.get(key, rest)
        if shape and inner is None:
            continue
        if len(problems) > MAX_PROBLEMS:
            return
        if shape is not None:
            yield key, fitted(inner, shape, below(where, key), problems)
        else:
            _tell(problems, unknown_key(below(where, key), shortened(key, KEY), known))


def _tell(problems: list[str], line: str) -> None:
    if len(problems) < MAX_PROBLEMS:
        problems.append(line)
    elif len(problems) == MAX_PROBLEMS:
        problems.append(f"{line.partition(':')[0]}: there may be more that is wrong")


def _scalar(value: Any, kinds: tuple[str, ...]) -> Any:
    if isinstance(value, Secret) and not is_short_number(value):
        return value  # which a number would not tell
    if kinds == ("string",) and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kinds == ("integer",) and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if kinds == ("boolean",) and value in ("true", "false"):
        return value == "true"
    return value


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    is_text = isinstance(value, str) and not isinstance(value, Secret)
    return repr(shortened(value, KEY) if is_text else value)


def _kinds(of: Shape) -> tuple[str, ...]:
    kinds = of.get("type", ())
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _words(kinds: Iterable[str]) -> str:
    return " or ".join(KIND_WORDS[kind] for kind in kinds)


@lru_cache(maxsize=1)
def _job_schema() -> dict[str, Any]:
    text = files("launchkit_kubernetes.manifest").joinpath("job.schema.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found
