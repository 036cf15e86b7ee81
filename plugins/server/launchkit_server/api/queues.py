"""Queues."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from launchkit.abc import QueueView
from launchkit.errors import ConfigError, Stale
from launchkit.model import Queue, QueueSpec, Variable
from launchkit.resolving.nested import is_long
from launchkit.resolving.queue_checks import check_amount, check_queue, check_secrets
from launchkit.resolving.templates import find_variables
from launchkit.store.hub import StoreQueues
from launchkit.wire.protocol import etag
from launchkit.wire.user_side import QueueCheck, QueueConfig, QueueDeleted, QueueUpdate
from launchkit_server.access import Caller, Operator, Reader
from launchkit_server.kinds import shown_to_runner
from launchkit_server.service import Service, TheService

router = APIRouter(prefix="/queues", tags=["queues"])


@router.post("", status_code=201)
async def create(entity: str, spec: QueueSpec, who: Operator, response: Response) -> Queue:
    """Make a queue."""
    made = await StoreQueues(who.database, entity).create(spec, who.name)
    response.headers["etag"] = etag(made.version)
    return made


@router.post("/parse")
async def parse(
    entity: str, wanted: QueueConfig, service: TheService, who: Reader
) -> Mapping[str, Variable]:
    """The template fields of a config, each with a guess at its type."""
    check_amount({"config": wanted.config})
    work = partial(find_variables, wanted.config)
    return await service.parsing.run(entity, work, is_long=is_long(wanted.config))


@router.post("/check")
async def check(entity: str, spec: QueueSpec, service: TheService, who: Reader) -> QueueCheck:
    """Show a queue to the rules, and its config to its runner if that is installed here."""
    is_slow = is_long((spec.config, spec.variables))
    await service.parsing.run(entity, partial(check_queue, spec), is_long=is_slow)
    await service.parsing.run(entity, partial(check_secrets, spec), is_long=is_slow)
    work = partial(shown_to_runner, spec)
    runner = await service.parsing.run(entity, work, is_long=is_slow)
    return QueueCheck(runner=runner.kind if runner else None)


@router.get("")
async def list_all(entity: str, service: TheService, who: Reader) -> Sequence[QueueView]:
    """All queues, by name."""
    views = await StoreQueues(who.database, entity).list()
    return [await _shown_to(who, view, service) for view in views]


@router.get("/{name}")
async def get(
    entity: str, name: str, service: TheService, who: Reader, response: Response
) -> QueueView:
    """One queue; its version is its entity tag. `…` stands for the secrets in its config, unless
    the caller operates queues.
    """
    view = await StoreQueues(who.database, entity).get(name)
    response.headers["etag"] = etag(view.queue.version)
    return await _shown_to(who, view, service)


@dataclass(frozen=True)
class Edited:
    """The queue that is to be changed, and the version that it must have."""

    name: str
    if_match: Annotated[str | None, Header(max_length=200)] = None

    def version(self) -> int | None:
        """None is any.

        :raises Stale: if no version has such a tag.
        """
        if self.if_match is None or self.if_match.strip() == "*":
            return None
        found = re.fullmatch(r'"(\d{1,15})"', self.if_match.strip())
        if found is None:
            raise Stale(
                f"If-Match: {self.if_match[:60]} is the tag of no version of a queue",
                hint="send the ETag that came with the queue",
            )
        return int(found[1])


@router.put("/{name}")
async def update(
    entity: str,
    edited: Annotated[Edited, Depends()],
    wanted: QueueUpdate,
    who: Operator,
    response: Response,
) -> Queue:
    """Replace what a person decides about a queue, and whether it is paused; with If-Match only if
    nobody has changed it meanwhile.
    """
    name = edited.name
    if wanted.spec.name != name:
        raise ConfigError(f"spec.name: is {wanted.spec.name!r}, and the address says {name!r}")
    changed = await StoreQueues(who.database, entity).update(
        wanted.spec, who.name, pause=wanted.pause, if_version=edited.version()
    )
    response.headers["etag"] = etag(changed.version)
    return changed


@router.delete("/{name}")
async def delete(entity: str, name: str, who: Operator, *, force: bool = False) -> QueueDeleted:
    """Remove a queue."""
    stopped = await StoreQueues(who.database, entity).delete(name, who.name, force=force)
    return QueueDeleted(stopped=stopped)


async def _shown_to(who: Caller, view: QueueView, service: Service) -> QueueView:
    if who.operates:
        return view
    seen = await service.seen_queues.of(view.queue)
    return replace(view, queue=replace(view.queue, spec=seen.shown))
