"""What a script, a service or a notebook calls."""

from launchkit.client.client import Client
from launchkit.client.handle import LaunchHandle
from launchkit.client.opening import connect

__all__ = ["Client", "LaunchHandle", "connect"]
