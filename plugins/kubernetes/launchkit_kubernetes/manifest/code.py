"""Code that is laid into pods without a build."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from launchkit.code.in_base_image import MOUNT
from launchkit.errors import Rejected
from launchkit.runners.identity import KUBERNETES
from launchkit.written import unescaped
from launchkit_kubernetes.manifest.copying import below
from launchkit_kubernetes.manifest.names import Ref, own_secret
from launchkit_kubernetes.manifest.policy import is_free

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
    return own_secret(name, f"code-{piece}")


def code_folder(ref: Ref, labels: Mapping[str, str]) -> str:
    """The name of the directory with a run's code: a name of an object may be used again."""
    own = (labels.get(KUBERNETES.keys[key]) for key in ("run_id", "attempt"))
    digest = hashlib.sha256(" ".join(map(str, (ref, *own))).encode()).hexdigest()
    return f"{FOLDER}{digest[:32]}"


def require_no_claim(config: Mapping[str, Any], claim: str) -> None:
    """The volume with the code of all launches is mounted in parts, and whole by nobody: what is
    put there is read by other runs, and written by the agent.

    :raises Rejected: if a config names its claim.
    """
    named = re.compile(rf"(?<![\w.-]){re.escape(claim)}(?![\w.-])")
    for where, text in _texts(config, "resource_args", ()):
        if named.search(unescaped(text)):
            raise Rejected(
                f"{where}: names the claim {claim} of code_pvc_name, which has the code of all"
                " launches",
                hint="a strict policy leaves it to the agent; name another claim for other data",
            )


def _texts(value: Any, where: str, around: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each key and text that more than the programs in a pod read, and where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield below(where, str(name)), str(name)
            yield from _texts(inner, below(where, str(name)), (*around, str(name)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{where}[{index}]", around)
    elif isinstance(value, str) and not is_free(around):
        yield where, value


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
