"""All runs of one kind in one namespace: two watches, however many runs there are."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from launchkit.errors import unwrapped
from launchkit.runners.informer import Informer
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import PODS, Resource
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.cluster.owners import Owners, Root
from launchkit_kubernetes.manifest.build import NAME, RUN
from launchkit_kubernetes.status.pod import Pod
from launchkit_kubernetes.status.shape import mapping, text

RELIST_SECONDS = 300.0
BUFFERED = 1024
POD_LABELS: Mapping[str, str] = {"TrainJob": "jobset.sigs.k8s.io/jobset-name"}
"""By which label pods name a root object that has no templates of theirs; others have ours."""
METADATA = ("name", "uid", "labels", "annotations", "deletionTimestamp", "resourceVersion")
SPEC = (
    *("suspend", "completions", "parallelism", "completionMode"),
    *("backoffLimit", "podFailurePolicy"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """What the cluster has of one run."""

    workload: Mapping[str, Any] | None = None
    """The root object, as far as it matters; None: there is none, or no longer."""
    pods: tuple[Pod, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether nothing is left of it."""
        return self.workload is None and not self.pods


class Board:
    """The root objects and pods of a namespace, by the name of their run's root object."""

    def __init__(
        self, client: ClusterClient, resource: Resource, namespace: str, *, label: str | None = None
    ) -> None:
        """*label* is the one by which others than runs are known: its value is the name of their
        root object.
        """
        self.resource = resource
        self.namespace = namespace
        self._client = client
        self._owners = Owners(client, resource, namespace)
        self._workloads = Objects(client, resource.path(namespace), _kept, _own_name, label or RUN)
        self._label = label or POD_LABELS.get(resource.kind, NAME)
        run_of = partial(_label_of, self._label)
        self._pods = Objects(client, PODS.path(namespace), Pod.of, run_of, self._label)
        self.informer = Informer[str, RunView](
            list_all=self._list,
            watch=self._watch,
            merged=True,
            trouble=client.trouble,
            relist=RELIST_SECONDS,
        )

    def ages(self) -> Mapping[str, Callable[[], float | None]]:
        """What tells the age of the last news of each watch, by its kind and namespace."""
        kind = self.resource.kind
        return {
            f"kubernetes {kind} in {self.namespace}": partial(self._age, self._workloads),
            f"kubernetes Pod of {kind} in {self.namespace}": partial(self._age, self._pods),
        }

    def _age(self, objects: Objects[Any]) -> float | None:
        return time.monotonic() - objects.heard_at if self.informer.active else None

    async def pods(self, run: str, uid: str = "") -> Sequence[Pod]:
        """The pods of a run as they are now; a cluster that is away is waited for. They are those
        of the root object with this *uid*, or of the one that is known to have the name.
        """
        found = await self._client.answered(partial(self._read_pods, run))
        root = Root(run, uid) if uid else self._root(run)
        await self._owners.look(root, found)
        return [pod for pod in found if self._owners.lead(pod, root)]

    def left(self, run: str, uid: str) -> Sequence[Pod]:
        """The pods of a root object that is gone, as far as they are known; its name may be that of
        another by now.
        """
        root = Root(run, uid)
        found = [pod for pod in self._pods.of(run) if self._owners.lead(pod, root)]
        return sorted(found, key=lambda pod: pod.name)

    def learn(self, told: Mapping[str, Any]) -> None:
        """Take note of a root object that was just made or changed."""
        if run := self._workloads.learn(told):
            self.informer.learn(run, self._view(run))

    async def _read_pods(self, run: str) -> Sequence[Pod]:
        query = {"labelSelector": f"{self._label}={run}"}
        async with aclosing(self._client.pages(PODS.path(self.namespace), query)) as pages:
            return [Pod.of(each) async for page, _ in pages for each in page]

    async def _list(self) -> Mapping[str, RunView]:
        await self._workloads.list()
        await self._pods.list()
        for run in [*self._pods.runs]:
            await self._owners.look(self._root(run), self._pods.of(run))
        self._owners.keep([pod for run in self._pods.runs for pod in self._pods.of(run)])
        return {name: self._view(name) for name in self._workloads.runs | self._pods.runs}

    @asynccontextmanager
    async def _watch(self) -> AsyncIterator[AsyncIterator[tuple[str, RunView | None]]]:
        begun = [(objects, await objects.begin()) for objects in (self._workloads, self._pods)]
        send, receive = anyio.create_memory_object_stream[str](BUFFERED)
        with unwrapped():
            async with receive, anyio.create_task_group() as tasks:
                for objects, since in begun:
                    tasks.start_soon(_follow, objects, since, send.clone(), tasks.cancel_scope)
                send.close()
                yield self._changes(receive)
                tasks.cancel_scope.cancel()

    async def _changes(
        self, receive: MemoryObjectReceiveStream[str]
    ) -> AsyncIterator[tuple[str, RunView | None]]:
        async for run in receive:
            await self._owners.look(self._root(run), self._pods.of(run))
            whole = self._workloads.known and self._pods.known
            yield run, self._view(run) if whole else None

    def _view(self, run: str) -> RunView:
        root = self._root(run)
        pods = [pod for pod in self._pods.of(run) if self._owners.lead(pod, root)]
        pods.sort(key=lambda pod: pod.name)
        return RunView(workload=self._workload(run), pods=tuple(pods))

    def _workload(self, run: str) -> Mapping[str, Any] | None:
        return next(iter(self._workloads.of(run)), None)

    def _root(self, run: str) -> Root:
        metadata = mapping(mapping(self._workload(run)).get("metadata"))
        return Root(run, text(metadata.get("uid")))


async def _follow(
    objects: Objects[Any],
    since: str,
    send: MemoryObjectSendStream[str],
    both: anyio.CancelScope,
) -> None:
    """Pass on whose objects have changed; the end of one watch is that of both."""
    async with send, aclosing(objects.changes(since)) as changes:
        async for run in changes:
            await send.send(run)
    both.cancel()


def _kept(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is kept of a root object: thousands of them are held at once."""
    metadata, spec = mapping(told.get("metadata")), mapping(told.get("spec"))
    return {
        "metadata": {key: metadata[key] for key in METADATA if key in metadata},
        "spec": {key: spec[key] for key in SPEC if key in spec},
        "status": told.get("status"),
    }


def _own_name(told: Mapping[str, Any]) -> str:
    return text(mapping(told.get("metadata")).get("name"))


def _label_of(label: str, told: Mapping[str, Any]) -> str:
    return text(mapping(mapping(told.get("metadata")).get("labels")).get(label))
