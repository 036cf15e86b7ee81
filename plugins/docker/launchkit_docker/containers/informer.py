"""What goes on among the containers of all runs: one list and one stream of events, however many
runs there are.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse

from launchkit.aio.lines import lines
from launchkit.runners.informer import Informer
from launchkit_docker.containers import labels
from launchkit_docker.containers.container import run_identity, texts
from launchkit_docker.engine.client import EngineClient, understood

RELIST_SECONDS = 60.0
NAMED = "-[0-9]+$"
"""How the name of a run's container ends, in its attempt; the step of a build, which may have all
labels that there are, has another name, and is not even listed."""
LINE_BYTES = 1 << 24
"""An event has all labels of its container. One of a run has fewer bytes, for the config of its
image has a bound; a longer one is of somebody else, and passed over."""
STATES = {
    "create": "created",
    "start": "running",
    "unpause": "running",
    "pause": "paused",
    "die": "exited",
    "rename": None,
    "destroy": None,
}
"""The events that are listened to, and the state that each leaves behind; None: only a list tells.
"""
FILTERS = json.dumps({"type": ["container"], "event": [*STATES]})
"""Of all containers: to Podman an event has no label that is named without its value."""


@dataclass(frozen=True, kw_only=True)
class ListedContainer:
    """One of many containers."""

    name: str
    state: str
    labels: Mapping[str, str]
    created_at: float
    """Unix time, by the Engine's clock."""


async def list_runs(engine: EngineClient, *having: str) -> list[ListedContainer]:
    """The containers of all runs that have these labels.

    :raises EngineError: if they cannot be listed.
    """
    filters = {"name": [NAMED], "label": [labels.RUN, *having]}
    params = {"all": "true", "filters": json.dumps(filters)}
    listed = await engine.each("containers/json", _listed, params=params)
    return [each for each in listed if run_identity(each.name, each.labels)]


def container_informer(engine: EngineClient) -> Informer[str, str]:
    """Knows the state of the container of each run, by name. What a state means tells a look at the
    container itself.
    """

    async def list_all() -> Mapping[str, str]:
        return {each.name: each.state for each in await list_runs(engine)}

    @asynccontextmanager
    async def watch() -> AsyncIterator[AsyncIterator[tuple[str, str | None]]]:
        async with engine.request("events", params={"filters": FILTERS}) as response:
            yield _changes(response)

    return Informer(list_all=list_all, watch=watch, trouble=engine.trouble, relist=RELIST_SECONDS)


def _listed(seen: Mapping[str, Any]) -> ListedContainer:
    return ListedContainer(
        name=_name(seen["Names"]),
        state=str(seen["State"]),
        labels={key: text for key, text in texts(seen["Labels"]).items() if key in labels.OWN},
        created_at=float(seen["Created"]),
    )


async def _changes(response: ClientResponse) -> AsyncIterator[tuple[str, str | None]]:
    async for line in lines(response.content.iter_any(), longest=LINE_BYTES):
        if len(line) == LINE_BYTES:  # or more, that were dropped
            continue
        with understood():
            news = _news(json.loads(line))
        for change in news:
            yield change


def _news(event: Mapping[str, Any]) -> Sequence[tuple[str, str | None]]:
    about, action = texts(event["Actor"]["Attributes"]), str(event["Action"])
    if labels.RUN not in about:
        return ()
    changed = (about["name"], STATES.get(action))
    if action != "rename":
        return (changed,)
    return (changed, (about["oldName"].removeprefix("/"), None))


def _name(names: Sequence[str]) -> str:
    """The name of its own: others are those by which other containers know it, `/OTHER/ALIAS`."""
    return next((name for name in names if name.count("/") == 1), "").removeprefix("/")
