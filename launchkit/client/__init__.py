"""What a script, a service or a notebook calls."""

from launchkit.client.client import Client, connect
from launchkit.client.launched import Launched

__all__ = ["Client", "Launched", "connect"]
