"""What the containers of a run print."""

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from launchkit.aio.retry import Backoff, pauses
from launchkit.aio.topics import Subscription
from launchkit.model import LogChunk
from launchkit.plain_text import LINES, TAIL_BYTES, tail_lines
from launchkit.runners.log_following import Following, Piece
from launchkit_kubernetes.cluster.board import RunView
from launchkit_kubernetes.cluster.client import ClusterClient, Request
from launchkit_kubernetes.cluster.discovery import PODS
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterError, ClusterRefused
from launchkit_kubernetes.manifest.build import CODE
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.status.pod import Pod

log = logging.getLogger("launchkit.kubernetes")

LOOK_SECONDS = 10.0
GIVE_UP_SECONDS = 120.0
"""How long a node is asked for the output of what has ended, if it gives errors alone."""
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")
STAMP_BYTES = 40
STORED_BYTES = 1 << 14
"""In parts of so many bytes container runtimes store a line."""
SILENT_SECONDS = 120.0
"""A stream that gives nothing for so long is opened again: the kubelet may have turned to another
file."""
HELD_NS = 2_000_000_000
"""Lines of several containers are put in the order of their times, and so long is waited for those
that are late."""
AT_ONCE_BYTES = 1 << 20
"""So much of a stream is read before the next one's turn: a log may be larger than the memory."""
BACKOFF = Backoff(first=0.3, cap=5.0)
LOST_BACKOFF = Backoff(first=0.3, cap=30.0)
"""While a node gives no output: of all the runs on it each asks."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, order=True)
class Stream:
    """What one container prints."""

    pod: str
    container: str


class RunLogs:
    """The output of a run. That of one container is given byte by byte; lines of several get the
    name of their container and come in the order of their times.
    """

    def __init__(
        self,
        client: ClusterClient,
        ref: Ref,
        view: Callable[[], Awaitable[RunView]],
        over: Callable[[], Awaitable[bool]],
        subscribed: Callable[[], AbstractContextManager[Subscription]],
    ) -> None:
        self._client = client
        self._namespace = ref.namespace
        self._view = view
        self._over = over
        self._subscribed = subscribed
        self._over_since: float | None = None
        self._rests = pauses(LOST_BACKOFF)

    async def chunks(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, until all was given."""
        view = await self._begun()
        streams = streams_of(view.pods)
        if len(streams) == 1 and _is_alone(view):
            source = self._one(streams[0]).chunks(offset)
        else:
            source = self._several(offset)
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

    def _one(self, stream: Stream) -> Following[int]:
        def source(since_ns: int | None) -> AbstractAsyncContextManager[AsyncIterator[Piece[int]]]:
            return self._followed(stream, since_ns)

        return Following(source=source, over=self._over, on=_passes, trouble=self._client.trouble)

    @asynccontextmanager
    async def _followed(
        self, stream: Stream, since_ns: int | None
    ) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        """The lines of a container with the seconds in which they were printed, as they come; all
        of them, or those since a second; nothing if they are lost.

        :raises ClusterAway: if they cannot be read now.
        """
        async with AsyncExitStack() as stack:
            try:
                opening = opened(self._client, self._namespace, stream, since_ns, follow=True)
                pieces = _pieces(await stack.enter_async_context(opening))
            except ClusterError as exc:
                if not await self._is_lost(stream, exc):
                    if isinstance(exc, ClusterAway):
                        exc.retry_after = max(exc.retry_after or 0.0, next(self._rests))
                    raise
                pieces = _nothing()
            self._rests = pauses(LOST_BACKOFF)
            yield pieces

    async def _is_lost(self, stream: Stream, exc: ClusterError) -> bool:
        """Whether the output of a container is not waited for any more: its pod is gone, it may not
        be read, or its node has not given it for long after the run has ended.
        """
        if not isinstance(exc, ClusterAway):
            return True
        if exc.status is None or not await self._over():
            return False
        now = anyio.current_time()
        self._over_since = self._over_since if self._over_since is not None else now
        if now - self._over_since < GIVE_UP_SECONDS:
            return False
        log.warning("the output of %s in %s is lost: %s", stream.container, stream.pod, exc)
        return True

    async def _several(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        merge = _Merge()
        at = 0
        steps = pauses(BACKOFF)
        while True:
            over = await self._over()
            whole = True
            for stream in streams_of((await self._view()).pods):
                try:
                    whole = await merge.read(self._client, self._namespace, stream) and whole
                except ClusterError as exc:
                    whole = await self._is_lost(stream, exc) and whole
            found = merge.ready(all_of_it=over and whole)
            for line in found:
                new = line[max(0, offset - at) :]
                at += len(line)
                if new:
                    yield LogChunk(offset=at - len(new), data=new)
            if over and whole:
                return
            if found:
                steps = pauses(BACKOFF)
            await anyio.sleep(next(steps))


class _Merge:
    """Lines of several streams on their way into one order."""

    def __init__(self) -> None:
        self._given: dict[Stream, tuple[int, int]] = {}
        """The time of the last line of each stream that was read, and how many had that time."""
        self._cut: set[Stream] = set()
        """Those that have more than was read."""
        self._inside: set[Stream] = set()
        """Those whose last line is not at its end."""
        self._waiting: list[tuple[int, Stream, bytes]] = []

    async def read(self, client: ClusterClient, namespace: str, stream: Stream) -> bool:
        """Read what is new in a stream, up to a bound; whether that is all."""
        last, same = self._given.get(stream, (0, 0))
        skip, size = same, 0
        self._cut.discard(stream)
        async with opened(client, namespace, stream, last or None, follow=False) as lines:
            async for time_ns, line in lines:
                if time_ns < last:
                    continue
                if time_ns == last and skip:
                    skip -= 1
                    continue
                at, many = self._given.get(stream, (0, 0))
                self._given[stream] = (time_ns, many + 1 if time_ns == at else 1)
                self._waiting.append((time_ns, stream, line))
                size += len(line)
                if size >= AT_ONCE_BYTES:
                    self._cut.add(stream)
                    return False
        return True

    def ready(self, *, all_of_it: bool) -> list[bytes]:
        """The lines whose turn has come."""
        until = min([_now_ns() - HELD_NS, *(self._given[stream][0] for stream in self._cut)])
        self._waiting.sort(key=lambda one: one[:2])
        many = len(self._waiting)
        if not all_of_it:
            many = sum(one[0] <= until for one in self._waiting)
        out, self._waiting = self._waiting[:many], self._waiting[many:]
        return [self._named(stream, line) for _, stream, line in out]

    def _named(self, stream: Stream, line: bytes) -> bytes:
        """A line with the name of its container; a part of one that has begun without."""
        goes_on = stream in self._inside
        (self._inside.discard if line.endswith(b"\n") else self._inside.add)(stream)
        return line if goes_on else f"{stream.pod}/{stream.container} | ".encode() + line


def streams_of(pods: Sequence[Pod]) -> list[Stream]:
    """The containers that may have printed something, but for the one that unpacks code."""
    return [
        Stream(pod.name, container.name)
        for pod in pods
        for container in pod.containers
        if container.started and container.name != CODE
    ]


async def _nothing() -> AsyncIterator[Piece[int]]:
    return
    yield


async def _pieces(lines: AsyncIterator[tuple[int, bytes]]) -> AsyncIterator[Piece[int]]:
    async for time_ns, line in lines:
        second = time_ns - time_ns % SECOND_NS
        yield Piece(line, cursor=second, time_ns=second)


@asynccontextmanager
async def opened(
    client: ClusterClient, namespace: str, stream: Stream, since_ns: int | None, *, follow: bool
) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
    """The lines of a container with their times in nanoseconds."""
    params = {"container": stream.container, "timestamps": "true"}
    if follow:
        params["follow"] = "true"
    if since_ns:
        since = datetime.fromtimestamp(since_ns // SECOND_NS, UTC)
        params["sinceTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"{PODS.path(namespace, stream.pod)}/log"
    asked = Request("GET", path, params, read_seconds=SILENT_SECONDS, last=True)
    async with client.request(asked) as response:
        yield _stamped(response.content.iter_any(), follow=follow)


async def _stamped(
    chunks: AsyncIterator[bytes], *, follow: bool
) -> AsyncGenerator[tuple[int, bytes], None]:
    """Lines without the times before them. A long line comes in several parts; older kubelets put
    a time before each part of one that the node stores (kubernetes/kubernetes#77603), which is no
    output.
    """
    rest, time_ns = b"", 0
    part = 0
    """Bytes since the last time; 0: a time may stand here."""
    try:
        async for chunk in chunks:
            rest += chunk
            while rest:
                if part % STORED_BYTES == 0:
                    found = STAMP.match(rest)
                    if found is None and len(rest) < STAMP_BYTES and b"\n" not in rest:
                        break  # the rest of a time may be still to come
                    if found is not None:
                        time_ns, rest = _time_ns(found), rest[found.end() :]
                room = STORED_BYTES - part % STORED_BYTES
                line, newline, _ = rest[:room].partition(b"\n")
                if not line and not newline:
                    break
                yield time_ns, line + newline
                rest = rest[len(line + newline) :]
                part = 0 if newline else part + len(line)
    except TimeoutError:
        if not follow:
            raise
        return  # silence: it is opened again
    if rest:
        yield time_ns, rest


async def last_output(
    client: ClusterClient, namespace: str, pods: Sequence[Pod]
) -> tuple[str, ...]:
    """The last lines of the container that failed first, for a verdict; nothing if they cannot be
    read.
    """
    failed = [
        Stream(pod.name, each.name)
        for pod in pods
        for each in pod.containers
        if each.ended is not None and each.ended.code
    ]
    for stream in failed[:1]:
        params = {"container": stream.container, "tailLines": str(LINES)}
        params["limitBytes"] = str(2 * TAIL_BYTES)
        path = f"{PODS.path(namespace, stream.pod)}/log"
        try:
            with anyio.move_on_after(10):
                async with client.request(Request("GET", path, params)) as response:
                    data = bytearray()
                    async for piece in response.content.iter_any():
                        data += piece
                        del data[: -2 * TAIL_BYTES]
                return tail_lines(bytes(data))
        except ClusterError:
            return ()
    return ()


def _is_alone(view: RunView) -> bool:
    """Whether one container is all that will ever print."""
    spec = (view.workload or {}).get("spec") or {}
    many = [spec.get(key) or 1 for key in ("completions", "parallelism")]
    retries = spec.get("backoffLimit", 6)
    one = len(view.pods) == 1 and sum(c.name != CODE for c in view.pods[0].containers) == 1
    return one and many == [1, 1] and retries == 0


def _time_ns(found: re.Match[bytes]) -> int:
    zone = "+00:00" if found[3] == b"Z" else found[3].decode()
    second = int(datetime.fromisoformat(found[1].decode() + zone).timestamp())
    return second * SECOND_NS + int((found[2] or b"0").ljust(9, b"0"))


def _now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * SECOND_NS)


def _passes(exc: Exception) -> bool:
    """Whether to look again: at what is gone, too, for that is told by a look at the run."""
    return isinstance(exc, ClusterAway | ClusterRefused)
