"""The client for programs without an event loop: `with launchkit.sync.connect() as client: …`.

Each call blocks until it is done, and each async iterator is an iterator.
"""

from launchkit.client.blocking import Client, LaunchHandle, QueueHandle, connect

__all__ = ["Client", "LaunchHandle", "QueueHandle", "connect"]
