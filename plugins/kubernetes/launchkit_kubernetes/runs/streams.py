"""What one container prints, as its node gives it: lines with the times at which they came."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio

from launchkit.model import RunState, RunStatus
from launchkit.plain_text import LINES, TAIL_BYTES, tail_lines, without_last_word
from launchkit_kubernetes.cluster.client import ClusterClient, Request
from launchkit_kubernetes.cluster.discovery import PODS
from launchkit_kubernetes.cluster.errors import ClusterError
from launchkit_kubernetes.manifest.code import CODE
from launchkit_kubernetes.status.pod import Pod

STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")
STAMP_BYTES = 40
STORED_BYTES = 1 << 14
"""In parts of so many bytes container runtimes store a line."""
SILENT_SECONDS = 120.0
"""A stream that gives nothing for so long is opened again: the kubelet may have turned to another
file."""
LIMIT_BYTES = 2 * TAIL_BYTES
"""How much a node is asked for of what a container printed last."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, order=True)
class Stream:
    """What one container prints."""

    pod: str
    container: str

    def __str__(self) -> str:
        return f"{self.pod}/{self.container}"

    def lost(self, why: str) -> bytes:
        """A line of the log in the place of what is missing."""
        return f"[launchkit] output of {self} {why}\n".encode()


TURNED = "may be lost: its node has begun a new file of the log, and gives out the newest alone"


def streams_of(pods: Sequence[Pod]) -> dict[Stream, bool]:
    """The containers that may have printed something, but for the one that unpacks code; and
    whether each has ended.
    """
    return {
        Stream(pod.name, container.name): container.ended is not None
        for pod in pods
        for container in pod.containers
        if container.started and container.name != CODE
    }


def nothing() -> None:
    """What is done where nothing is to be done."""


@asynccontextmanager
async def opened(
    client: ClusterClient,
    namespace: str,
    stream: Stream,
    since_ns: int | None,
    *,
    follow: bool,
    at_end: Callable[[], None] = nothing,
) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
    """The lines of a container with their times in nanoseconds; *at_end* is called where the node
    says that there is no more.
    """
    params = {"container": stream.container, "timestamps": "true"}
    if follow:
        params["follow"] = "true"
    if since_ns:
        since = datetime.fromtimestamp(since_ns // SECOND_NS, UTC)
        params["sinceTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"{PODS.path(namespace, stream.pod)}/log"
    asked = Request("GET", path, params, read_seconds=SILENT_SECONDS, last=True)
    async with client.request(asked) as answer:
        yield _stamped(answer, follow=follow, at_end=at_end)


async def _stamped(
    chunks: AsyncIterator[bytes], *, follow: bool, at_end: Callable[[], None]
) -> AsyncGenerator[tuple[int, bytes], None]:
    """Lines without the times before them. A long line comes in several parts; older kubelets put
    a time before each part of one that the node stores (kubernetes/kubernetes#77603), which is no
    output.
    """
    rest, time_ns = b"", 0
    part, is_timed = 0, False
    """Bytes since the last time; 0: a time may stand here, unless it was taken already."""
    try:
        async for chunk in chunks:
            rest, at = rest + chunk, 0
            while at < len(rest):
                if part % STORED_BYTES == 0 and not is_timed:
                    found = _stamp(rest, at)
                    if found is None and _is_begun(rest, at):
                        break  # the rest of a time may be still to come
                    if found is not None:
                        (time_ns, at), is_timed = found, True
                room = STORED_BYTES - part % STORED_BYTES
                newline = rest.find(b"\n", at, at + room)
                end = min(at + room, len(rest)) if newline < 0 else newline + 1
                if end == at:
                    break
                yield time_ns, rest[at:end]
                part, is_timed = 0 if newline >= 0 else part + end - at, False
                at = end
            rest = rest[at:]
    except TimeoutError:
        if not follow:
            raise
        return  # silence: it is opened again
    if rest:
        yield time_ns, rest
    at_end()


def _is_begun(data: bytes, at: int) -> bool:
    """Whether a time may stand there that is not whole yet."""
    return len(data) - at < STAMP_BYTES and data.find(b"\n", at) < 0


async def with_last_output(
    status: RunStatus, client: ClusterClient, namespace: str, pods: Sequence[Pod]
) -> RunStatus:
    """The status with the last lines of the container that failed."""
    verdict = status.verdict
    if status.state is not RunState.FAILED or verdict is None:
        return status
    printed = await last_output(client, namespace, pods)
    return replace(status, verdict=replace(verdict, evidence=(*verdict.evidence, *printed)))


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
        params["limitBytes"] = str(LIMIT_BYTES)
        path = f"{PODS.path(namespace, stream.pod)}/log"
        try:
            with anyio.move_on_after(10):
                async with client.request(Request("GET", path, params)) as answer:
                    data = bytearray()
                    async for piece in answer:
                        data += piece
                        del data[:-LIMIT_BYTES]
                return tail_lines(_marked(bytes(data)))
        except ClusterError:
            return ()
    return ()


def _marked(data: bytes) -> bytes:
    """Output with an ellipsis where the node has cut it off."""
    if len(data) < LIMIT_BYTES:
        return data
    return without_last_word(data) + "…".encode()


def _stamp(data: bytes, at: int) -> tuple[int, int] | None:
    """The time that stands there, and where it ends. What a program prints may look like one."""
    found = STAMP.match(data, at)
    if found is None:
        return None
    zone = "+00:00" if found[3] == b"Z" else found[3].decode()
    try:
        second = int(datetime.fromisoformat(found[1].decode() + zone).timestamp())
        datetime.fromtimestamp(second, UTC)
    except ValueError:
        return None
    return second * SECOND_NS + int((found[2] or b"0").ljust(9, b"0")), found.end()
