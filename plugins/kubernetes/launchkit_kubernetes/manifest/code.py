"""Code that is laid into pods without a build."""

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from launchkit.code.in_base_image import MOUNT
from launchkit.runners.identity import KUBERNETES
from launchkit_kubernetes.manifest.names import Ref

CODE = "launchkit-code"
FOLDER = "launchkit-code-"
"""Begins the names of directories with code in a volume."""
PIECES = "launchkit-code-pieces"
PIECES_MOUNT = "/mnt/launchkit-pieces"
UNPACK = f"set -e; cat {PIECES_MOUNT}/* | tar -xzf - -C {MOUNT}"
"""Fails if the archive is not whole: gzip ends with a checksum."""


@dataclass(frozen=True)
class InVolume:
    """Code in a directory of a volume."""

    claim: str
    folder: str


@dataclass(frozen=True)
class InSecrets:
    """Code whose archive is in secrets of an object of that name."""

    name: str
    pieces: int


def code_secret(name: str, piece: int) -> str:
    """The name of the Secret with one piece of the code."""
    return f"{name}-code-{piece}"


def code_folder(ref: Ref, labels: Mapping[str, str]) -> str:
    """The name of the directory with a run's code: a name of an object may be used again."""
    own = (labels.get(KUBERNETES.keys[key]) for key in ("run_id", "attempt"))
    digest = hashlib.sha256(" ".join(map(str, (ref, *own))).encode()).hexdigest()
    return f"{FOLDER}{digest[:32]}"


def lay_code(
    pod: dict[str, Any],
    main: dict[str, Any],
    place: InVolume | InSecrets,
    security: Mapping[str, Any],
) -> None:
    """Give the main container of a pod its code."""
    mount = {"name": CODE, "mountPath": MOUNT}
    if isinstance(place, InVolume):
        volumes = [{"name": CODE, "persistentVolumeClaim": {"claimName": place.claim}}]
        mount["subPath"] = place.folder
    else:
        sources = {"projected": {"sources": _pieces(place)}}
        volumes = [{"name": CODE, "emptyDir": {}}, {"name": PIECES, **sources}]
        _unpack(pod, main, mount, security)
    pod["volumes"] = [*pod.get("volumes", []), *volumes]
    main["volumeMounts"] = [*main.get("volumeMounts", []), mount]


def _unpack(
    pod: dict[str, Any],
    main: dict[str, Any],
    mount: Mapping[str, Any],
    security: Mapping[str, Any],
) -> None:
    """A container before the main one, of the same image, unpacks the archive."""
    pieces = {"name": PIECES, "mountPath": PIECES_MOUNT, "readOnly": True}
    image: dict[str, Any] = {key: main[key] for key in ("image", "imagePullPolicy") if key in main}
    unpack = {
        "name": CODE,
        **image,
        "securityContext": deepcopy(dict(main.get("securityContext") or security)),
        "command": ["/bin/sh", "-c", UNPACK],
        "volumeMounts": [{**mount}, pieces],
    }
    pod["initContainers"] = [unpack, *pod.get("initContainers", [])]


def _pieces(place: InSecrets) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "secret": {
                "name": code_secret(place.name, piece),
                "items": [{"key": "piece", "path": f"{piece:04}"}],
            }
        }
        for piece in range(place.pieces)
    ]
