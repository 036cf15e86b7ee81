"""The hooks that a plugin may implement: the public interface of launchkit's extension.

A plugin is a module named by an entry point in the group `launchkit`. Its hooks are synchronous
and do no I/O: they give classes, or values. Import what is heavy inside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from launchkit.abc import (
        Builder,
        Environment,
        Fetcher,
        Hub,
        QueueBackend,
        Registry,
        Runner,
    )
    from launchkit.model import Event, Launch

hookspec = pluggy.HookspecMarker("launchkit")
hookimpl = pluggy.HookimplMarker("launchkit")


@hookspec
def launchkit_queue_backends() -> "Sequence[type[QueueBackend]]":  # type: ignore[empty-body]
    """Classes for the agent's side of a queue; `kind` is the scheme of its URL."""


@hookspec
def launchkit_hubs() -> "Sequence[type[Hub]]":  # type: ignore[empty-body]
    """Classes for the user's side of a queue; `kind` is the scheme of its URL."""


@hookspec
def launchkit_runners() -> "Sequence[type[Runner]]":  # type: ignore[empty-body]
    """Classes that run things; `kind` is a queue's resource."""


@hookspec
def launchkit_builders() -> "Sequence[type[Builder]]":  # type: ignore[empty-body]
    """Classes that build images; `kind` is `builder.type`."""


@hookspec
def launchkit_registries() -> "Sequence[type[Registry]]":  # type: ignore[empty-body]
    """Classes for image registries; `kind` is `registry.type`."""


@hookspec
def launchkit_environments() -> "Sequence[type[Environment]]":  # type: ignore[empty-body]
    """Classes for clouds; `kind` is `environment.type`."""


@hookspec
def launchkit_fetchers() -> "Sequence[type[Fetcher]]":  # type: ignore[empty-body]
    """Classes that fetch sources; `kind` is the source's."""


@hookspec
def launchkit_env(launch: "Launch") -> Mapping[str, str]:  # type: ignore[empty-body]
    """Environment variables for a launch; give secrets the type `Secret`."""


@hookspec
def launchkit_check(launch: "Launch") -> Iterable[str]:  # type: ignore[empty-body]
    """Objections to a launch: each text is a reason to reject it."""


@hookspec
def launchkit_event(event: "Event") -> None:
    """Hear what happens to the items that this agent holds. Must not block."""


@hookspec
def launchkit_commands(group: "click.Group") -> None:
    """Add commands to the `launchkit` program."""
