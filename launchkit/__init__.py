"""launchkit: queues for ML jobs, and a crash-proof agent that runs them on the compute you have.

Names are imported when they are first used, so that `import launchkit` costs next to nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False
"""As that of typing, which `python -m` would import from where it stands."""
if TYPE_CHECKING:
    from launchkit import sync
    from launchkit.agent import Agent
    from launchkit.client import Client, LaunchHandle, connect
    from launchkit.client.queue_handle import QueueHandle
    from launchkit.hookspecs import hookimpl
    from launchkit.settings import AgentSettings, load_settings

_HOMES = {
    "Agent": "launchkit.agent",
    "AgentSettings": "launchkit.settings",
    "Client": "launchkit.client",
    "LaunchHandle": "launchkit.client",
    "QueueHandle": "launchkit.client.queue_handle",
    "connect": "launchkit.client",
    "hookimpl": "launchkit.hookspecs",
    "load_settings": "launchkit.settings",
}

__all__ = [
    "Agent",
    "AgentSettings",
    "Client",
    "LaunchHandle",
    "QueueHandle",
    "__version__",
    "connect",
    "hookimpl",
    "load_settings",
    "sync",
]


def __getattr__(name: str) -> object:
    if name == "sync":
        return import_module("launchkit.sync")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'launchkit' has no attribute {name!r}")
    return getattr(import_module(home), name)
