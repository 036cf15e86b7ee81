"""Which host answers for a registry."""

from ipaddress import ip_address

from launchkit.images.ref import HUB

HUB_API = "registry-1.docker.io"


def api_host(host: str) -> str:
    """The host that answers for a registry."""
    return HUB_API if host == HUB else host


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine itself."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
