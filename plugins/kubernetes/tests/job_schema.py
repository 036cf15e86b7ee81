"""The schema of a Job, made of the client's models: `python plugins/kubernetes/tests/job_schema.py`
writes it anew.
"""

import json
import re
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import models

FILE = Path(__file__).parents[1] / "launchkit_kubernetes/manifest/job.schema.json"
SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {},
    "datetime": {"type": "string"},
    "bytes": {"type": "string"},
}
QUANTITIES = ("limits", "requests", "overhead")
QUANTITY = {"type": ["string", "number"]}
"""YAML writes `cpu: 1` as a number."""
TOP = {
    "metadata": {"$ref": "#/$defs/V1ObjectMeta"},
    "spec": {"$ref": "#/$defs/V1JobSpec"},
}


def job_schema() -> dict[str, Any]:
    """The definitions of all that a Job may have."""
    found: dict[str, Any] = {}
    for name in ("V1JobSpec", "V1ObjectMeta"):
        _visit(name, found)
    found["V1Job"] = {"type": "object", "properties": TOP}
    found["V1ObjectMeta"]["properties"].pop("managedFields")
    return {"$defs": dict(sorted(found.items()))}


def _visit(name: str, found: dict[str, Any]) -> None:
    if name in found:
        return
    found[name] = {"type": "object"}
    model = getattr(models, name)
    found[name]["properties"] = {
        model.attribute_map[key]: _shape(of, found, quantities=key in QUANTITIES)
        for key, of in model.openapi_types.items()
    }


def _shape(of: str, found: dict[str, Any], *, quantities: bool = False) -> dict[str, Any]:
    if of in SCALARS:
        return SCALARS[of]
    if match := re.fullmatch(r"list\[(.*)\]", of):
        return {"type": "array", "items": _shape(match[1], found)}
    if match := re.fullmatch(r"dict[\[(]str, (.*)[\])]", of):
        values = QUANTITY if quantities else _shape(match[1], found)
        return {"type": "object", "additionalProperties": values}
    _visit(of, found)
    return {"$ref": f"#/$defs/{of}"}


if __name__ == "__main__":
    FILE.write_text(json.dumps(job_schema(), indent=1, sort_keys=True) + "\n")
