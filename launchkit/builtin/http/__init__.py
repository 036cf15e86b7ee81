"""Queues at a queue service, over HTTP."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Hub, QueueBackend


@hookimpl
def launchkit_queue_backends() -> "list[type[QueueBackend]]":
    """The agent's side."""
    from launchkit.builtin.http.backend import HttpBackend

    return [HttpBackend]


@hookimpl
def launchkit_hubs() -> "list[type[Hub]]":
    """The user's side."""
    from launchkit.builtin.http.hub import HttpHub

    return [HttpHub]
