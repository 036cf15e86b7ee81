"""The queue itself, in SQLite or PostgreSQL. Rules are written once, as transaction bodies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Hub, QueueBackend


@hookimpl
def launchkit_queue_backends() -> "Sequence[type[QueueBackend]]":
    """The agent's side."""
    from launchkit.store.backend import StoreBackend

    return [StoreBackend]


@hookimpl
def launchkit_hubs() -> "Sequence[type[Hub]]":
    """The user's side."""
    from launchkit.store.hub import StoreHub

    return [StoreHub]
