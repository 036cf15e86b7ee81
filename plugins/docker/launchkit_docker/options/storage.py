"""Texts of the options for volumes, mounts and devices to values of the Engine API."""

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any

from launchkit_docker.options.values import integer, size

Piece = dict[str, Any]
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_VOLUME_MODES = frozenset(
    {
        *("ro", "rw", "z", "Z", "nocopy", "consistent", "cached", "delegated"),
        *("shared", "rshared", "slave", "rslave", "private", "rprivate"),
    }
)
_CDI = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+=[a-zA-Z0-9._:-]+")
_DEVICE_MODE = re.compile(r"[rwm]{1,3}")
_CGROUP_RULE = re.compile(r"[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}")


def csv_fields(value: str) -> list[tuple[str, str | None]]:
    """The `name=value` fields of one line of CSV; a field without `=` has the value None."""
    try:
        fields = next(csv.reader([value], strict=True), [])
    except csv.Error:
        raise ValueError("must be a line of comma-separated NAME=value") from None
    return [(n.strip(), v if eq else None) for n, eq, v in (f.partition("=") for f in fields)]


def volume(value: str) -> Piece:
    """`SOURCE:TARGET[:MODES]`, or a `TARGET` alone for a new volume, as a piece of the body."""
    source, *others = value.split(":")
    if not others:
        _absolute(source)
        return {"Volumes": {source: {}}}
    if len(others) > 2:
        raise ValueError("must be SOURCE:TARGET[:MODES]")
    if not source.startswith("/") and not _VOLUME_NAME.fullmatch(source):
        raise ValueError("the source must be an absolute path or the name of a volume")
    _absolute(others[0])
    unknown = set(others[1].split(",")) - _VOLUME_MODES if len(others) == 2 else set()
    if unknown:
        raise ValueError(f"unknown volume mode {min(unknown)!r}")
    return {"HostConfig": {"Binds": [value]}}


def _absolute(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError("the path in the container must be absolute")


def tmpfs(value: str) -> dict[str, str]:
    """`PATH[:OPTIONS]`."""
    path, _, options = value.partition(":")
    _absolute(path)
    return {path: options}


def device(value: str) -> Piece:
    """`PATH[:PATH-INSIDE][:rwm]`, or a CDI name, as a piece of the host config."""
    if _CDI.fullmatch(value):
        return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": [value]}]}
    outside, *others = value.split(":")
    mode = "rwm"
    if others and _DEVICE_MODE.fullmatch(others[-1]):
        mode = others.pop()
    inside = others.pop(0) if others else outside
    if others or not outside.startswith("/") or not inside.startswith("/"):
        raise ValueError("must be PATH[:PATH-INSIDE][:rwm] with absolute paths")
    return {
        "Devices": [
            {"PathOnHost": outside, "PathInContainer": inside, "CgroupPermissions": mode},
        ]
    }


def cgroup_rule(value: str) -> str:
    """A rule such as `c 1:3 mr`."""
    if not _CGROUP_RULE.fullmatch(value):
        raise ValueError("must be a rule such as 'c 1:3 mr'")
    return value


def per_device(key: str, parse: Callable[[str], int]) -> Callable[[str], Piece]:
    """Make a parser of `PATH:NUMBER`; *key* names the number in the Engine API."""

    def read(value: str) -> Piece:
        path, separator, number = value.rpartition(":")
        if not separator or not path.startswith("/dev/"):
            raise ValueError("must be /dev/…:NUMBER")
        return {"Path": path, key: parse(number)}

    return read


def mount(value: str) -> Piece:
    """`type=bind,source=…,target=…`, as `docker run --mount` takes it."""
    found: Piece = {"Type": "volume"}
    for name, inner in csv_fields(value):
        field = _MOUNT_FIELDS.get(name.lower())
        if field is None:
            raise ValueError(f"unknown field {name!r} of a mount")
        _put(found, *field, inner)
    if "Target" not in found:
        raise ValueError("a mount needs a target")
    _check_mount(found)
    return found


def _put(
    found: Piece, place: str, parse: Callable[[str], object] | None, value: str | None
) -> None:
    *outer, last = place.split(".")
    for part in outer:
        found = found.setdefault(part, {})
    if parse is None:
        found[last] = _flag(value)
    elif value is None:
        raise ValueError("a field of a mount needs a value, but for readonly and its like")
    elif isinstance(old := found.get(last), dict):
        old.update(parse(value))  # type: ignore[call-overload] # parsers of repeated fields give dicts
    else:
        found[last] = parse(value)


def _flag(value: str | None) -> bool:
    word = "true" if value is None else value.lower()
    if word not in {"true", "1", "false", "0"}:
        raise ValueError("readonly and its like must be true or false")
    return word in {"true", "1"}


def _mount_type(value: str) -> str:
    if value not in _MOUNT_OPTIONS:
        raise ValueError(f"the type of a mount must be one of {', '.join(_MOUNT_OPTIONS)}")
    return value


def _octal(value: str) -> int:
    try:
        return int(value, 8)
    except ValueError:
        raise ValueError("tmpfs-mode must be octal, such as 1777") from None


def _recursive(value: str) -> dict[str, bool]:
    if value not in _RECURSIVE:
        raise ValueError(f"bind-recursive must be one of {', '.join(_RECURSIVE)}")
    key = _RECURSIVE[value]
    return {key: True} if key else {}


def _driver_option(value: str) -> dict[str, str]:
    name, _, inner = value.partition("=")
    return {name: inner}


_RECURSIVE = {
    "enabled": "",
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}
_MOUNT_FIELDS: dict[str, tuple[str, Callable[[str], object] | None]] = {
    "type": ("Type", _mount_type),
    **dict.fromkeys(("source", "src"), ("Source", str)),
    **dict.fromkeys(("target", "dst", "destination"), ("Target", str)),
    **dict.fromkeys(("readonly", "ro"), ("ReadOnly", None)),
    "consistency": ("Consistency", str),
    "bind-propagation": ("BindOptions.Propagation", str),
    "bind-nonrecursive": ("BindOptions.NonRecursive", None),
    "bind-recursive": ("BindOptions", _recursive),
    "bind-create-src": ("BindOptions.CreateMountpoint", None),
    "volume-nocopy": ("VolumeOptions.NoCopy", None),
    "volume-subpath": ("VolumeOptions.Subpath", str),
    "volume-label": ("VolumeOptions.Labels", _driver_option),
    "volume-driver": ("VolumeOptions.DriverConfig.Name", str),
    "volume-opt": ("VolumeOptions.DriverConfig.Options", _driver_option),
    "image-subpath": ("ImageOptions.Subpath", str),
    "tmpfs-size": ("TmpfsOptions.SizeBytes", size),
    "tmpfs-mode": ("TmpfsOptions.Mode", _octal),
}
_MOUNT_OPTIONS = {
    "bind": "BindOptions",
    "volume": "VolumeOptions",
    "tmpfs": "TmpfsOptions",
    "image": "ImageOptions",
    "npipe": "",
}


def _check_mount(found: Piece) -> None:
    kind = found["Type"]
    strange = [key for key in _mount_options(found) if key != _MOUNT_OPTIONS[kind]]
    if strange:
        raise ValueError(f"a mount of type {kind} has no {strange[0]}")
    if kind == "bind" and not str(found.get("Source", "")).startswith("/"):
        raise ValueError("the source of a bind mount must be an absolute path")
    if not found["Target"].startswith("/") and kind != "npipe":
        raise ValueError("the target of a mount must be absolute")


def _mount_options(found: Piece) -> Iterator[str]:
    return (key for key in found if key.endswith("Options"))


read_rate = per_device("Rate", size)
read_count = per_device("Rate", integer(low=0))
weight = per_device("Weight", integer(low=0, high=1000))
