"""A hub that several people use: each call goes out with the token of its actor, for the service
takes nobody's word for who acts.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from launchkit.abc import Hub, Jobs, Launches, LaunchRequest, Logs, Queues


def _by_actor(of: Mapping[str, object], name: str) -> Any:
    """The method of that name, of the one who acts."""
    first, *_ = of.values()

    def call(*args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(getattr(first, name)).bind(*args, **kwargs).arguments
        request = given.get("request")
        actor = request.actor if isinstance(request, LaunchRequest) else given.get("actor")
        return getattr(of[actor] if actor else first, name)(*args, **kwargs)

    call.__signature__ = inspect.signature(getattr(first, name))  # type: ignore[attr-defined]
    return call


class _Group:
    """A group of calls of all people."""

    def __init__(self, groups: Mapping[str, object]) -> None:
        self._groups = groups

    def __getattr__(self, name: str) -> Any:
        return _by_actor(self._groups, name)


for seam in (Queues, Jobs, Launches, Logs):
    seam.register(_Group)


class HubOfPeople:
    """The hubs of some people as one."""

    def __init__(self, hubs: Mapping[str, Hub]) -> None:
        self._hubs = hubs

    def __getattr__(self, name: str) -> Any:
        if name not in {"queues", "jobs", "launches", "logs"}:
            return _by_actor(self._hubs, name)
        return lambda: _Group({who: getattr(hub, name)() for who, hub in self._hubs.items()})
