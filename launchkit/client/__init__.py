"""What a script, a service or a notebook calls."""

from launchkit.client.client import Client, connect
from launchkit.client.handle import LaunchHandle

__all__ = ["Client", "LaunchHandle", "connect"]
