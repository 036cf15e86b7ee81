"""Whose a pod is: anybody may write a label, so the chain of what controls it is followed."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from launchkit.errors import LaunchkitError
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.discovery import JOBS, Discovery, Resource
from launchkit_kubernetes.cluster.errors import ClusterAway
from launchkit_kubernetes.status.owner import OWNERS, Owner, controller
from launchkit_kubernetes.status.pod import Pod
from launchkit_kubernetes.status.shape import mapping, text

DEEPEST = 8
"""More objects than operators put between a root object and its pods."""
UNKNOWN = Owner("", "", "", "")
"""What controls an object that cannot be read."""
_VERSION = re.compile(r"[a-z0-9.-]{1,253}(?:/[a-z0-9]{1,63})?")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Root:
    """The root object of a run, as pods may name it."""

    name: str
    uid: str = ""
    """Empty once it is gone: by then its name must do."""


@dataclass(eq=False)
class Owners:
    """What stands between the root objects of one kind and pods with the label of a run."""

    client: ClusterClient
    resource: Resource
    namespace: str
    _discovery: Discovery = field(init=False)
    _above: dict[str, Owner | None] = field(init=False, default_factory=dict)
    """What controls an object in between, by the uid of that object."""

    def __post_init__(self) -> None:
        self._discovery = Discovery(self.client)

    async def look(self, root: Root, pods: Collection[Pod]) -> None:
        """Read what stands in between, as far as it is not known."""
        for pod in pods:
            for owner in self._chain(pod):
                if self.resource == JOBS or owner is UNKNOWN or self._same(owner, root):
                    break
                if owner.uid not in self._above:
                    await self._read(owner)

    def keep(self, pods: Collection[Pod]) -> None:
        """Forget what stands above none of these."""
        needed = {owner.uid for pod in pods for owner in self._chain(pod)}
        self._above = {uid: above for uid, above in self._above.items() if uid in needed}

    def lead(self, pod: Pod, root: Root) -> bool:
        """Whether a pod with the label of a run is not known to be somebody else's."""
        if pod.controller is None:
            return self.resource != JOBS or _is_claimed(pod, root)
        for owner in self._chain(pod):
            if self._same(owner, root):
                return root.uid in {"", owner.uid}
            if self.resource == JOBS:
                return False  # nothing stands between a Job and its pods
            if self._above.get(owner.uid, UNKNOWN) is None:
                return False
        return True

    def _chain(self, pod: Pod) -> Iterator[Owner]:
        """What controls it, what controls that, and so on, as far as it is known."""
        owner = pod.controller
        for _ in range(DEEPEST):
            if owner is None:
                return
            yield owner
            owner = self._above.get(owner.uid)

    def _same(self, owner: Owner, root: Root) -> bool:
        """Whether it has the kind and the name of the root object."""
        kind = (owner.group, owner.kind, owner.name)
        return kind == (self.resource.group, self.resource.kind, root.name)

    async def _read(self, owner: Owner) -> None:
        """Learn what controls it. What cannot be read is not asked for again."""
        try:
            told = await self._object(owner)
        except ClusterAway:
            return
        except LaunchkitError:  # no right, no such kind, or gone
            told = {}
        metadata = mapping(told.get("metadata"))
        above = controller(told)
        if text(metadata.get("uid")) != owner.uid or (not above and metadata.get(OWNERS)):
            above = UNKNOWN  # gone, or somebody's without being controlled
        self._above[owner.uid] = above

    async def _object(self, owner: Owner) -> dict[str, object]:
        """Who makes a pod may write any words into it: what is no name becomes no path."""
        if not (_VERSION.fullmatch(owner.api_version) and _NAME.fullmatch(owner.name)):
            return {}
        resource = await self._discovery.resource(owner.api_version, owner.kind)
        return await self.client.one("GET", resource.path(self.namespace, owner.name))


def _is_claimed(pod: Pod, root: Root) -> bool:
    """Whether a Job that was removed without its pods has left it: it keeps the Job's labels."""
    return pod.claim == root.uid if root.uid else pod.job == root.name
