"""A server of HTTP/1.1 as what stands behind a plugin."""

import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from launchkit.testing.counterparts.counterpart import (
    Counterpart,
    Life,
    Lived,
    Living,
    Moment,
    distinct,
    living,
)
from launchkit.testing.counterparts.gateway import READS, Gateway, Intervention, gateway, hang_up

HOST, PORT = "{host}", "{port}"


@dataclass(frozen=True)
class Server(Counterpart):
    """Each life asks it through a gateway of its own, whose `host:port` stands for `{host}` in
    *env*, the variables of the life's process, and in *settings* of its component.
    """

    address: str | Path
    """`host:port`, or the path of a Unix socket."""
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """For a server whose connections are encrypted; those to the gateway are not."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What is written before a life, by path; `{host}` and `{port}` in paths and texts, too."""

    async def live(self, life: Life, moment: Moment | None = None) -> Lived:
        """See there."""
        async with AsyncExitStack() as stack:
            way = await stack.enter_async_context(gateway(self.address, tls=self.tls))
            for path, text in _filled(self.files, way).items():
                Path(path).write_text(text)
            one = await stack.enter_async_context(living(_filled(self.env, way)))
            if moment and moment not in life.steps:
                way.interventions.append(_ambush(one, moment))
            settings: dict[str, Any] = _filled(self.settings, way)
            component = replace(life.component, **settings)  # type: ignore[type-var] # a dataclass
            killed = await one.hear(
                replace(life, component=component).order(fatal=moment.kind if moment else None)
            )
            moments = _moments(distinct(way.kinds))
            return Lived([*life.steps, *moments], one.told, killed)


def _filled(texts: Mapping[str, str], way: Gateway) -> dict[str, str]:
    return {_named(key, way): _named(text, way) for key, text in texts.items()}


def _named(text: str, way: Gateway) -> str:
    return text.replace(HOST, way.host).replace(PORT, way.host.rpartition(":")[2])


def _ambush(one: Living, moment: Moment) -> Intervention:
    async def kill() -> None:
        await one.kill()
        await hang_up()

    return replace(Intervention(moment.kind), **{moment.when: kill})  # type: ignore[arg-type] # one of three


def _moments(kinds: Sequence[str]) -> Sequence[Moment]:
    """A crash before, during and after what only reads is the same."""
    return [
        Moment(kind, when)
        for kind in kinds
        for when in (("during",) if kind.startswith(READS) else ("before", "during", "after"))
    ]
