"""Texts of the options for ports and networks to values of the Engine API."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from launchkit_docker.options.storage import csv_fields
from launchkit_docker.options.values import integer

Piece = dict[str, Any]
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_PUBLISH = re.compile(
    r"(?:(?:(?P<ip>\[[^\]]*\]|[^:\[\]]*):)?(?P<host>[\d-]*):)?(?P<inside>[\d-]+)(?:/(?P<proto>\w+))?"
)
_MODES = frozenset({"default", "bridge", "host", "none", "nat"})


def expose(value: str) -> dict[str, Piece]:
    """`PORT[-PORT][/PROTOCOL]`."""
    ports, _, protocol = value.partition("/")
    return {f"{port}/{_protocol(protocol)}": {} for port in _ports(ports)}


def publish(value: str) -> Piece:
    """`[[ADDRESS:]PORT:]PORT-INSIDE[/PROTOCOL]` with ranges, or `published=…,target=…`, as a piece
    of the body.
    """
    match = _PUBLISH.fullmatch(_short(value) if "=" in value else value)
    if not match:
        raise ValueError("must be [[ADDRESS:]PORT:]PORT-INSIDE[/PROTOCOL]")
    inside = _ports(match["inside"])
    address, protocol = _address(match["ip"] or ""), _protocol(match["proto"] or "")
    exposed: dict[str, Piece] = {f"{port}/{protocol}": {} for port in inside}
    bindings = {
        port: [{"HostIp": address, "HostPort": outside}]
        for port, outside in zip(exposed, _outside(match["host"] or "", inside), strict=True)
    }
    return {"ExposedPorts": exposed, "HostConfig": {"PortBindings": bindings}}


def _short(value: str) -> str:
    fields = dict(csv_fields(value))
    unknown = set(fields) - {"published", "target", "protocol", "mode"}
    if unknown or not fields.get("target"):
        raise ValueError("must have target=PORT, and may have published= and protocol=")
    return f"{fields.get('published') or ''}:{fields['target']}/{fields.get('protocol') or 'tcp'}"


def _outside(host: str, inside: range) -> list[str]:
    if host in {"", "0"}:
        return [host] * len(inside)
    wanted = _ports(host)
    if len(inside) == 1:
        return [host]
    if len(wanted) != len(inside):
        raise ValueError("the ranges of ports differ in length")
    return [str(port) for port in wanted]


def _ports(value: str) -> range:
    match = _RANGE.fullmatch(value)
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if not 1 <= first <= last <= 65535:
        raise ValueError("a port must be between 1 and 65535, a range such as 8000-8010")
    return range(first, last + 1)


def _protocol(value: str) -> str:
    protocol = value.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise ValueError("the protocol must be tcp, udp or sctp")
    return protocol


def _address(value: str) -> str:
    return address(value.strip("[]")) if value else ""


def address(value: str) -> str:
    """An address of version 4 or 6."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IP address") from None


def networks(value: str) -> Piece:
    """The name of a network, or `name=…,alias=…,ip=…`, as one entry of `:networks`."""
    if "=" not in value:
        return {":networks": [{"Name": value, "Endpoint": {}}]}
    name, endpoint = "", Piece()
    for field, inner in csv_fields(value):
        if field == "name" and inner:
            name = inner
        elif field not in _ENDPOINT or not inner:
            raise ValueError(f"unknown or empty field {field!r} of a network")
        else:
            merge(endpoint, _ENDPOINT[field](inner))
    if not name:
        raise ValueError("a network needs a name")
    return {":networks": [{"Name": name, "Endpoint": endpoint}]}


def _driver_opt(value: str) -> Piece:
    name, _, inner = value.partition("=")
    return {"DriverOpts": {name: inner}}


_ENDPOINT: dict[str, Callable[[str], Piece]] = {
    "alias": lambda value: {"Aliases": [value]},
    "ip": lambda value: {"IPAMConfig": {"IPv4Address": address(value)}},
    "ip6": lambda value: {"IPAMConfig": {"IPv6Address": address(value)}},
    "link-local-ip": lambda value: {"IPAMConfig": {"LinkLocalIPs": [address(value)]}},
    "mac-address": lambda value: {"MacAddress": value},
    "driver-opt": _driver_opt,
    "gw-priority": lambda value: {"GwPriority": integer()(value)},
}


def networking(wanted: list[Piece], endpoint: Piece, links: list[str]) -> Piece:
    """The piece of the body for all networks; *endpoint* belongs to the first."""
    if not wanted and not endpoint:
        return {}
    first = wanted[0]["Name"] if wanted else "default"
    if endpoint and not user_defined(first):
        raise ValueError("addresses and aliases need a network of your own: set network")
    found: dict[str, Piece] = {}
    for each in wanted:
        if each["Name"] in found:
            raise ValueError(f"network {each['Name']!r} is named twice")
        found[each["Name"]] = dict(each["Endpoint"])
    if user_defined(first):
        merge(found[first], {**endpoint, "Links": links} if links else endpoint)
    piece: Piece = {"HostConfig": {"NetworkMode": first}}
    if any(found.values()) or len(found) > 1:
        piece["NetworkingConfig"] = {"EndpointsConfig": found}
    return piece


def user_defined(name: str) -> bool:
    """True for a network that is none of Docker's own."""
    return name not in _MODES and not name.startswith("container:")


def merge(into: Piece, more: Mapping[str, Any]) -> None:
    """Lay *more* over *into*: mappings are merged, lists go on, else the later wins."""
    for key, value in more.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(value)
        else:
            into[key] = value
