"""Objects of one kind in a namespace, as lists and a watch tell of them."""

import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Set
from contextlib import aclosing
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from launchkit.aio.lines import lines
from launchkit_kubernetes.cluster.answers import decoded
from launchkit_kubernetes.cluster.client import ClusterClient, Request
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterError, refusal
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.status.shape import mapping, text, whole

V = TypeVar("V")

WATCH_SECONDS = 1500
"""After so long the server ends a watch, and another is opened."""
SILENT_SECONDS = 150.0
"""A server that lives sends a bookmark each minute; one that was replaced sends nothing."""
LINE_BYTES = 1 << 24
OF_ANOTHER_PAST = ""
"""The version of what is known of before the cluster was restored from a backup: what is asked of a
list without a version is read from etcd itself, so that nothing known before can be newer. Versions
have begun there at older ones again, and all that is told from then on is newer than this.
"""


@dataclass(frozen=True, slots=True)
class _Seen(Generic[V]):
    version: str
    run: str
    value: V


class Objects(Generic[V]):
    """The objects of runs, by the run that they belong to. Of what a list and the watch tell, the
    newer stands.
    """

    def __init__(
        self,
        client: ClusterClient,
        path: str,
        decode: Callable[[Mapping[str, Any]], V],
        run_of: Callable[[Mapping[str, Any]], str],
        label: str = RUN,
    ) -> None:
        self._client = client
        self._path = path
        self._decode = decode
        self._run_of = run_of
        self._selector = {"labelSelector": label}
        self.known = False
        """Whether a list of them was ever whole."""
        self.heard_at = time.monotonic()
        """When the server last told anything of them, if only that it is there."""
        self._seen: dict[str, _Seen[V]] = {}
        self._by_run: defaultdict[str, dict[str, V]] = defaultdict(dict)
        self._dropped: dict[str, str] = {}
        """Those that the watch has told to be gone since the list began that is under way."""

    @property
    def runs(self) -> Set[str]:
        """The runs of which there is one."""
        return self._by_run.keys()

    def of(self, run: str) -> Collection[V]:
        """Those of a run."""
        return self._by_run[run].values() if run in self._by_run else ()

    def learn(self, told: Mapping[str, Any]) -> str:
        """Take note of one, unless a newer look at it is known; the run that it belongs to, or
        nothing where it makes no sense.
        """
        if (seen := self._decoded(told)) is None:
            return ""
        self._take(_name(told), seen)
        return seen.run

    async def list(self) -> None:
        """Read all of them. :raises ClusterError: if that fails."""
        self._dropped.clear()
        found: dict[str, _Seen[V]] = {}
        version = ""
        async with aclosing(self._client.pages(self._path, self._selector)) as pages:
            async for page, shown in pages:
                version = shown
                for told in map(mapping, page):
                    if (one := self._decoded(told)) is not None:
                        found[_name(told)] = one
        before, self._seen = self._seen, {}
        self._by_run.clear()
        for name, one in found.items():
            self._take(name, one)
        for name, seen in before.items():
            if _is_newer(seen.version, version):  # the watch has told of it while the list was read
                self._put(name, seen)
        self.known = True
        self.heard_at = time.monotonic()

    async def begin(self) -> str:
        """From where on `changes` is to tell of them: a list that begins later has what was before.

        :raises ClusterError: if that fails.
        """
        before = {**self._seen}
        one = {**self._selector, "limit": "1"}
        newest = _version(await self._client.json("GET", self._path, params=one))
        for name, seen in before.items():
            if self._seen.get(name) is seen and _is_newer(seen.version, newest):
                self._seen[name] = replace(seen, version=OF_ANOTHER_PAST)
        return newest

    async def changes(self, since: str) -> AsyncGenerator[str, None]:
        """The run of each object that has changed, until the server ends the watch.

        :raises ClusterError: if it breaks off.
        """
        params = {
            **self._selector,
            "watch": "true",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        asked = Request("GET", self._path, params, read_seconds=SILENT_SECONDS)
        async with self._client.request(asked) as answer:
            async for line in lines(answer, longest=LINE_BYTES):
                self.heard_at = time.monotonic()
                told = mapping(await decoded(line)) if line.strip() else {}
                if run := self._heard(told):
                    yield run

    def _heard(self, event: Mapping[str, Any]) -> str:
        """Whose object an event is about; nothing if it is none."""
        told, what = mapping(event.get("object")), event.get("type")
        if what == "ERROR":
            raise _ended(told)
        if what == "BOOKMARK":
            return ""
        if what == "DELETED":
            self._dropped[_name(told)] = _version(told)
            return self._drop(_name(told), self._run_of(told))
        return self.learn(told)

    def _decoded(self, told: Mapping[str, Any]) -> _Seen[V] | None:
        """What is kept of one; None if it makes no sense."""
        run = self._run_of(told)
        return _Seen(_version(told), run, self._decode(told)) if _name(told) and run else None

    def _is_dropped(self, name: str, version: str) -> bool:
        gone_at = self._dropped.get(name)
        return gone_at is not None and not _is_newer(version, gone_at)

    def _take(self, name: str, seen: _Seen[V]) -> None:
        known = self._seen.get(name)
        if self._is_dropped(name, seen.version):
            return
        if known is None or not _is_newer(known.version, seen.version):
            self._put(name, seen)

    def _put(self, name: str, seen: _Seen[V]) -> None:
        known = self._seen.get(name)
        if known is not None and known.run != seen.run:
            self._drop(name, known.run)
        self._seen[name] = seen
        self._by_run[seen.run][name] = seen.value

    def _drop(self, name: str, run: str) -> str:
        self._seen.pop(name, None)
        if run in self._by_run:
            self._by_run[run].pop(name, None)
            if not self._by_run[run]:
                del self._by_run[run]
        return run


def _ended(status: Mapping[str, Any]) -> ClusterError:
    """The error with which a watch ends."""
    code = whole(status.get("code")) or int(HTTPStatus.INTERNAL_SERVER_ERROR)
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR or code == HTTPStatus.TOO_MANY_REQUESTS:
        return ClusterAway(text(status.get("message")) or f"a watch ended with {code}")
    return refusal(code, status)


def _name(told: Mapping[str, Any]) -> str:
    return text(mapping(told.get("metadata")).get("name"))


def _version(told: Mapping[str, Any]) -> str:
    return text(mapping(told.get("metadata")).get("resourceVersion"))


def _is_newer(one: str, other: str) -> bool:
    """Whether a version is a later one, as far as that can be told. Servers promise that they are
    numbers that grow since 1.35, and all of them were so before
    (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
    """
    if not (one.isdecimal() and other.isdecimal()) or len(one) + len(other) > 80:
        return False
    return int(one) > int(other)
