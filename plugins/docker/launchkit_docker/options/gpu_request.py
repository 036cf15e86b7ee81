"""The option `gpus`: which GPUs a container asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launchkit_docker.options.storage import csv_fields

NO_DEVICES = frozenset({"all", "none", "void"})
"""Words for several devices, or none, in the place of one: who is given it by name would have all.
"""


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """A wish for GPUs: so many of them, or those named."""

    count: int | None = None
    """-1 means all; None if `device_ids` names them."""
    device_ids: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("gpu",)
    driver: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The wish as `docker run --gpus` takes it: one line of CSV."""
        wanted = [name for name in self.capabilities if name != "gpu"]
        options = [f"{name}={value}" for name, value in self.options.items()]
        fields = [
            f"device={','.join(self.device_ids)}" if self.device_ids else self._count_text(),
            *([f"driver={self.driver}"] if self.driver else []),
            *([f"capabilities={','.join(wanted)}"] if wanted else []),
            *([f"options={','.join(options)}"] if options else []),
        ]
        return ",".join(f'"{each}"' if "," in each else each for each in fields)

    def _count_text(self) -> str:
        return "all" if self.count == -1 else str(self.count)

    def request(self, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """The Engine's device request; *ids* are the devices to give instead of those wished."""
        chosen = list(self.device_ids if ids is None else ids)
        return {
            "Driver": self.driver,
            "Count": 0 if chosen or self.count is None else self.count,
            "DeviceIDs": chosen,
            "Capabilities": [list(self.capabilities)],
            "Options": dict(self.options),
        }


def gpus(value: str) -> Gpus:
    """`all`, a number, or `device=0,1`, `count=…`, `driver=…`, `capabilities=…`, `options=…` in
    one line of CSV, with quotes or without.
    """
    found: dict[str, Any] = {}
    for name, text in _fields(value):
        if name in found:
            raise ValueError(f"{name} is given twice")
        if name not in _FIELDS:
            raise ValueError(f"unknown field {name!r}; it must be all, a number or device=…")
        found[name] = _FIELDS[name](text)
    if "count" in found and "device" in found:
        raise ValueError("count and device exclude each other")
    return Gpus(
        count=found.get("count", None if "device" in found else 1),
        device_ids=found.get("device", ()),
        capabilities=tuple(dict.fromkeys((*found.get("capabilities", ()), "gpu"))),
        driver=found.get("driver", ""),
        options=found.get("options", {}),
    )


def _fields(value: str) -> list[tuple[str, str]]:
    """The fields of the line; a bare word after `device=0` is one more device."""
    found: list[tuple[str, list[str]]] = []
    for name, text in csv_fields(value):
        if text is not None:
            found.append((name, [text]))
        elif found and found[-1][0] in {"device", "capabilities"}:
            found[-1][1].append(name)
        else:
            found.append(("count", [name]))
    return [(name, ",".join(texts)) for name, texts in found]


def _count(value: str) -> int:
    if value == "all":
        return -1
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("the number of GPUs must be all, or at least 1")
    return int(value)


def _words(value: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in value.split(","))
    if not all(words):
        raise ValueError("a device or capability is empty")
    return words


def _devices(value: str) -> tuple[str, ...]:
    ids = _words(value)
    if len(set(ids)) < len(ids):
        raise ValueError("a device is named twice")
    if several := [name for name in ids if name.lower() in NO_DEVICES]:
        raise ValueError(f"{several[0]} is no device; all of them are written without device=")
    return ids


def _options(value: str) -> dict[str, str]:
    return {name: text or "" for name, text in csv_fields(value)}


_FIELDS: dict[str, Callable[[str], object]] = {
    "count": _count,
    "device": _devices,
    "capabilities": _words,
    "driver": str,
    "options": _options,
}
