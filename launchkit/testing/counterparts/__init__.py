"""What stands behind a plugin, made to do one thing with one of its requests."""

from launchkit.testing.counterparts.counterpart import Counterpart, Life, Lived, Moment
from launchkit.testing.counterparts.gateway import Gateway, Intervention, gateway
from launchkit.testing.counterparts.server import Server
from launchkit.testing.counterparts.system import OperatingSystem

__all__ = [
    "Counterpart",
    "Gateway",
    "Intervention",
    "Life",
    "Lived",
    "Moment",
    "OperatingSystem",
    "Server",
    "gateway",
]
