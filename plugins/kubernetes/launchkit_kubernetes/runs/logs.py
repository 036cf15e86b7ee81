"""What the containers of a run print."""

import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)
from functools import partial

import anyio

from launchkit.aio.retry import Backoff, pauses, retry_after
from launchkit.aio.topics import Subscription
from launchkit.model import LogChunk
from launchkit.runners.log_following import Following, Piece
from launchkit_kubernetes.cluster.board import RunView
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterError, ClusterRefused
from launchkit_kubernetes.manifest.code import CODE
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.log_place import LogPlace, PlaceKeeper, kept_place
from launchkit_kubernetes.runs.merging import HELD_NS, Merge, now_ns
from launchkit_kubernetes.runs.one_log import MarkedPlace
from launchkit_kubernetes.runs.streams import SECOND_NS, Stream, opened, streams_of
from launchkit_kubernetes.status.shape import mapping, words

log = logging.getLogger("launchkit.kubernetes")

LOOK_SECONDS = 10.0
GIVE_UP_SECONDS = 120.0
"""How long a node is asked for the output of what has ended, if it gives errors alone."""
REMOVED = "its pod was removed before all was read"
BACKOFF = Backoff(first=0.3, cap=5.0)
LOST_BACKOFF = Backoff(first=0.3, cap=30.0)
"""While a node gives no output: of all the runs on it each asks."""


class RunLogs:
    """The output of a run. That of one container is given byte by byte; lines of several get the
    name of their container and come in the order of their times. What is lost is told in a line.
    """

    def __init__(
        self,
        client: ClusterClient,
        ref: Ref,
        view: Callable[[], Awaitable[RunView]],
        over: Callable[[], Awaitable[bool]],
        subscribed: Callable[[], AbstractContextManager[Subscription]],
        save: Callable[[str], Awaitable[None]],
    ) -> None:
        self._client = client
        self._namespace = ref.namespace
        self._view = view
        self._over = over
        self._subscribed = subscribed
        self._keeper = PlaceKeeper(save)
        self._over_since: float | None = None
        self._rests = pauses(LOST_BACKOFF)

    async def chunks(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, until all was given."""
        view = await self._begun()
        kept = kept_place(view.workload)
        streams = [*streams_of(view.pods)]
        if len(streams) == 1 and _is_alone(view):
            source = self._one(streams[0], kept, offset)
        else:
            source = self._several(kept, offset)
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _begun(self) -> RunView:
        """What there is as soon as one of its containers has started, or it is over."""
        with self._subscribed() as news:
            while True:
                view = await self._view()
                if streams_of(view.pods):
                    return view
                if await self._over():
                    return await self._view()
                await news.wait(LOOK_SECONDS)

    async def _one(
        self, stream: Stream, kept: LogPlace, offset: int
    ) -> AsyncGenerator[LogChunk, None]:
        place = MarkedPlace(stream, kept, offset)

        def source(since_ns: int | None) -> AbstractAsyncContextManager[AsyncIterator[Piece[int]]]:
            return self._followed(stream, place, since_ns)

        following = Following(
            source=source,
            over=self._over,
            on=_passes,
            trouble=self._client.trouble,
            place=lambda _: place,
        )
        async with aclosing(following.chunks(offset)) as chunks:
            async for chunk in chunks:
                yield chunk
                turned, place.turned = place.turned, False
                await self._keeper.stored(place.kept, place.given, now=turned)
        if self._keeper.has_kept:
            await self._keeper.stored(place.kept, place.given, now=True)

    @asynccontextmanager
    async def _followed(
        self, stream: Stream, place: MarkedPlace, since_ns: int | None
    ) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        """The lines of a container with their times, as they come; all of them, or those since a
        time; if they are lost, a line that says so.

        :raises ClusterAway: if they cannot be read now.
        """
        await self._keeper.stored(place.kept, place.given)
        ended: list[bool] = []
        async with AsyncExitStack() as stack:
            try:
                opening = opened(
                    self._client,
                    self._namespace,
                    stream,
                    since_ns,
                    follow=True,
                    at_end=partial(ended.append, True),
                )
                pieces = _pieces(await stack.enter_async_context(opening))
                place.is_whole = False
            except ClusterError as exc:
                why = await self._lost(stream, exc)
                if why is None and isinstance(exc, ClusterAway):
                    exc.retry_after = max(retry_after(exc), next(self._rests))
                    raise
                pieces = _nothing()
                if why and not (place.told or place.is_whole) and await self._stands():
                    place.told = place.turned = True
                    pieces = _line(stream.lost(f"was lost: {why}"))
            self._rests = pauses(LOST_BACKOFF)
            yield pieces
            place.is_whole = place.is_whole or bool(ended)

    async def _lost(self, stream: Stream, exc: ClusterError) -> str | None:
        """Why the output of a container is not waited for any more: its pod is gone, it may not
        be read, or its node has not given it for long after the run has ended. None: it is.
        """
        if isinstance(exc, ClusterRefused) and exc.not_found:
            return REMOVED
        if not isinstance(exc, ClusterAway):
            is_final = isinstance(exc, ClusterRefused) and exc.forbidden
            cannot = f"it cannot be read: {words(str(exc))}"
            return cannot if is_final or await self._over() else None
        if exc.status is None or not await self._over():
            return None
        now = anyio.current_time()
        self._over_since = self._over_since if self._over_since is not None else now
        if now - self._over_since < GIVE_UP_SECONDS:
            return None
        log.warning("the output of %s is lost: %s", stream, exc)
        return f"its node does not give it: {words(str(exc))}"

    async def _stands(self) -> bool:
        """Whether the run's root object is there and is to stay: what was deleted as a whole needs
        no word about parts of it.
        """
        metadata = mapping(((await self._view()).workload or {}).get("metadata"))
        return bool(metadata) and metadata.get("deletionTimestamp") is None

    async def _several(self, kept: LogPlace, offset: int) -> AsyncGenerator[LogChunk, None]:
        kept = kept if kept.offset <= offset else LogPlace(lost=kept.lost)
        source = partial(opened, self._client, self._namespace, follow=False)
        async with aclosing(Merge(kept, source)) as merge:
            at = offset if kept.marks else kept.offset
            steps = pauses(BACKOFF)
            looked_ns, over = 0, False
            while True:
                was_over, over = over, await self._over()
                view = await self._view()
                if over and not was_over:
                    merge.wake()
                looks = not merge.goes_on or now_ns() - looked_ns >= SECOND_NS
                looked_ns = now_ns() if looks else looked_ns
                whole = await self._read(merge, view, looks=looks)
                if merge.turned:  # bytes that were counted are gone: all that is left is given
                    at = max(at, offset)
                until_ns = math.inf if over else looked_ns - HELD_NS
                found = merge.ready(None if over and whole else until_ns)
                for line in found:
                    new = line[max(0, offset - at) :]
                    at += len(line)
                    if new:
                        yield LogChunk(offset=at - len(new), data=new)
                if at >= offset:
                    turned = merge.turned and not merge.waits
                    await self._keeper.stored(partial(merge.kept, at), at, now=turned)
                    merge.turned = merge.turned and not turned
                if over and whole:
                    return
                if found:
                    steps = pauses(BACKOFF)
                await anyio.sleep(0 if merge.goes_on else next(steps))

    async def _read(self, merge: Merge, view: RunView, *, looks: bool) -> bool:
        """Read on in the streams that are open, and if it *looks*, what is new in all others;
        whether that is all that can be had.
        """
        streams = dict.fromkeys(merge.opened, False)
        lost: dict[Stream, str] = {}
        if looks:
            streams |= streams_of(view.pods)
            merge.expect(streams)
            lost = dict.fromkeys(merge.known - streams.keys(), REMOVED)
        whole = looks
        for stream, has_ended in streams.items():
            try:
                whole = await merge.read(stream, has_ended=has_ended) and whole
            except ClusterError as exc:
                why = await self._lost(stream, exc)
                lost |= {stream: why} if why else {}
                whole = (why is not None or not isinstance(exc, ClusterAway)) and whole
        if lost and await self._stands():
            for stream, why in lost.items():
                merge.lose(stream, why)
        return whole


async def _nothing() -> AsyncIterator[Piece[int]]:
    return
    yield


async def _line(line: bytes) -> AsyncIterator[Piece[int]]:
    yield Piece(line)


async def _pieces(lines: AsyncIterator[tuple[int, bytes]]) -> AsyncIterator[Piece[int]]:
    async for time_ns, line in lines:
        yield Piece(line, time_ns=time_ns)


def _is_alone(view: RunView) -> bool:
    """Whether one container is all that will ever print."""
    spec = (view.workload or {}).get("spec") or {}
    many = [spec.get(key) or 1 for key in ("completions", "parallelism")]
    retries = spec.get("backoffLimit", 6)
    one = len(view.pods) == 1 and sum(c.name != CODE for c in view.pods[0].containers) == 1
    may_be_replaced = retries != 0 or bool(spec.get("podFailurePolicy"))  # which ignores failures
    return one and many == [1, 1] and not may_be_replaced


def _passes(exc: Exception) -> bool:
    """Whether to look again: at what is gone, too, for that is told by a look at the run."""
    return isinstance(exc, ClusterAway | ClusterRefused)
