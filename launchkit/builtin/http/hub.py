"""The user's side of a queue service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from launchkit.abc import (
    AgentChange,
    Change,
    Changed,
    Hub,
    ItemView,
    Jobs,
    Launches,
    LaunchRequest,
    Logs,
    Queues,
    QueueView,
    Selection,
    Site,
)
from launchkit.builtin.http.service import Call, Service, connect, require_address
from launchkit.errors import Unreachable
from launchkit.model import (
    AgentView,
    Event,
    JobVersion,
    LogPage,
    Pause,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    Secret,
)
from launchkit.wire.protocol import LOG_COMPLETE_HEADER, LOG_SIZE_HEADER, etag
from launchkit.wire.user_side import (
    MAX_CHANGES,
    AgentChangeBody,
    ArchiveKnown,
    ChangeBody,
    ChangesBody,
    Filter,
    JobAnswer,
    JobRequest,
    LaunchBody,
    Outcome,
    QueueDeleted,
    QueueUpdate,
)


@dataclass(kw_only=True)
class HttpHub(Hub):
    """The user's side of a queue service. Who acts, the service knows by the token."""

    kind = "http"
    aliases: ClassVar[tuple[str, ...]] = ("https",)

    url: str
    entity: str
    token: Secret | None = None
    """The user's token; better kept in a file."""
    token_file: str | None = None
    """A file with the user's token."""
    _service: Service = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """:raises ValueError: if the URL is none of a service."""
        require_address(self.url)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open connections."""
        self._service = await connect(stack, self.url, self.entity, self.token, self.token_file)

    def queues(self) -> Queues:
        """Queues."""
        return _Queues(self._service)

    def jobs(self) -> Jobs:
        """Jobs and packed code."""
        return _Jobs(self._service)

    def launches(self) -> Launches:
        """Launches."""
        return _Launches(self._service)

    def logs(self) -> Logs:
        """Logs."""
        return _Logs(self._service)

    async def agents(self) -> Sequence[AgentView]:
        """The agents that were seen lately, and those that are paused."""
        call = Call(method="GET", parts=("agents",), again=True)
        return await self._service.ask(list[AgentView], call)

    async def change_agent(self, name: str, change: AgentChange, actor: str) -> None:
        """Change an agent."""
        parts, body = ("agents", name, "changes"), AgentChangeBody.of(change)
        await self._service.tell(Call(method="POST", parts=parts, body=body, again=True))


@dataclass(frozen=True)
class _Group:
    service: Service


class _Queues(_Group, Queues):
    async def create(self, spec: QueueSpec, actor: str) -> Queue:
        return await self.service.ask(Queue, Call(method="POST", parts=("queues",), body=spec))

    async def get(self, name: str) -> QueueView:
        call = Call(method="GET", parts=("queues", name), again=True)
        return await self.service.ask(QueueView, call)

    async def list(self) -> Sequence[QueueView]:
        call = Call(method="GET", parts=("queues",), again=True)
        return await self.service.ask(list[QueueView], call)

    async def update(
        self, spec: QueueSpec, actor: str, *, pause: Pause | None, if_version: int | None
    ) -> Queue:
        body = QueueUpdate(spec=spec, pause=pause)
        headers = {} if if_version is None else {"if-match": etag(if_version)}
        call = Call(method="PUT", parts=("queues", spec.name), body=body, headers=headers)
        return await self.service.ask(Queue, call)

    async def delete(self, name: str, actor: str, *, force: bool) -> int:
        call = Call(method="DELETE", parts=("queues", name), params={"force": force})
        return (await self.service.ask(QueueDeleted, call)).stopped


class _Jobs(_Group, Jobs):
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        body = JobRequest(recipe=recipe, aliases=tuple(aliases))
        call = Call(method="POST", parts=("jobs", name), body=body, again=True)
        answer = await self.service.ask(JobAnswer, call)
        return answer.version, answer.new

    async def get(self, reference: str) -> JobVersion:
        params = {"reference": reference}
        call = Call(method="GET", parts=("job",), params=params, again=True)
        return await self.service.ask(JobVersion, call)

    async def page(self, name: str | None, after: str | None) -> Sequence[JobVersion]:
        params = {"name": name, "after": after}
        call = Call(method="GET", parts=("jobs",), params=params, again=True)
        return await self.service.ask(list[JobVersion], call)

    async def has_archive(self, digest: str) -> bool:
        call = Call(method="GET", parts=("archives", digest, "known"), again=True)
        return (await self.service.ask(ArchiveKnown, call)).known

    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        call = Call(method="GET", parts=("archives", digest, "known"), again=True)
        there = await self.service.ask(ArchiveKnown, call)
        if there.known:
            return
        call = Call(
            method="PUT",
            parts=("archives", digest),
            params={"offset": there.size},
            body=_behind(chunks, there.size),
        )
        await self.service.tell(call)


class _Launches(_Group, Launches):
    async def launch(self, queue: str, request: LaunchRequest) -> QueueItem:
        body = LaunchBody(
            spec=request.spec,
            priority=request.priority,
            idempotency_key=request.idempotency_key,
            again=request.again,
        )
        parts = ("queues", queue, "launches")
        again = request.idempotency_key is not None
        call = Call(method="POST", parts=parts, body=body, again=again)
        return await self.service.ask(QueueItem, call)

    async def get(self, ref: str) -> ItemView:
        call = Call(method="GET", parts=("item",), params={"ref": ref}, again=True, follows=True)
        return await self.service.ask(ItemView, call)

    async def page(self, selection: Selection) -> Sequence[ItemView]:
        params = {
            "queue": selection.queue,
            "state": None if selection.states is None else [str(s) for s in selection.states],
            "none": True if selection.states is not None and not selection.states else None,
            "author": selection.author,
            "not_queue": selection.not_queue,
            "not_author": selection.not_author,
            "agent": selection.agent,
            "name": selection.name,
            "since": selection.since,
            "order": selection.order,
            "reverse": True if selection.reverse else None,
            "after": selection.after,
            "limit": selection.limit,
        }
        call = Call(method="GET", parts=("items",), params=params, again=True)
        return await self.service.ask(list[ItemView], call)

    async def change(self, item_id: str, change: Change, actor: str) -> QueueItem:
        parts = ("items", item_id, "changes")
        call = Call(method="POST", parts=parts, body=ChangeBody.of(change), again=True)
        return await self.service.ask(QueueItem, call)

    async def change_all(
        self, selection: Selection, change: Change, actor: str
    ) -> Sequence[Changed]:
        if selection.limit > MAX_CHANGES:
            return await super().change_all(selection, change, actor)
        body = ChangesBody(filter=Filter.of(selection), change=ChangeBody.of(change))
        call = Call(method="POST", parts=("items", "changes"), body=body, again=True)
        outcomes = await self.service.ask(list[Outcome], call)
        return [Changed(id=one.id, refused=one.refused) for one in outcomes]

    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        params = {"item": item_id, "since": since}
        call = Call(
            method="GET", parts=("events",), params=params, wait=wait, again=True, follows=True
        )
        return await self.service.ask(list[Event], call)


class _Logs(_Group, Logs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        params = {"item": item_id, "attempt": attempt, "offset": offset}
        call = Call(
            method="GET", parts=("log",), params=params, wait=wait, again=True, follows=True
        )
        answer = await self.service.fetch(call)
        size = answer.headers.get(LOG_SIZE_HEADER, "")
        if not size.isdecimal() or len(size) > 18:
            raise Unreachable(f"{self.service.url} gave a log without its size")
        complete = answer.headers.get(LOG_COMPLETE_HEADER) == "true"
        return LogPage(offset=offset, data=answer.content, size=int(size), complete=complete)


async def _behind(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The bytes behind the first *size*, which are there already."""
    async for data in chunks:
        if size < len(data):
            yield data[size:]
        size = max(0, size - len(data))
