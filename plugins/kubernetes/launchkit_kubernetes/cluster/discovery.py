"""Which resource of the API an object's kind is: asked, and never guessed."""

from dataclasses import dataclass

from launchkit.errors import SubmitError
from launchkit_kubernetes.cluster.answers import FOREIGN
from launchkit_kubernetes.cluster.client import ClusterClient
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterRefused


@dataclass(frozen=True)
class Resource:
    """A kind of objects, and where they are."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str, name: str = "") -> str:
        """Where they are in a namespace, or where one of them is."""
        root = "apis" if self.group else "api"
        end = f"/{name}" if name else ""
        return f"{root}/{self.api_version}/namespaces/{namespace}/{self.plural}{end}"


PODS = Resource("v1", "Pod", "pods")
SECRETS = Resource("v1", "Secret", "secrets")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
EVENTS = Resource("v1", "Event", "events")
JOBS = Resource("batch/v1", "Job", "jobs")
KINDS = "APIResourceList"


class Discovery:
    """Asks once for each kind."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._known = {(one.api_version, one.kind): one for one in (JOBS, PODS)}

    async def resource(self, api_version: str, kind: str) -> Resource:
        """The resource of a kind.

        :raises SubmitError: if the cluster has no such kind.
        :raises ClusterError: if it cannot be told.
        """
        key = api_version, kind
        if key not in self._known:
            self._known[key] = await self._found(api_version, kind)
        return self._known[key]

    async def _found(self, api_version: str, kind: str) -> Resource:
        root = "apis" if "/" in api_version else "api"
        try:
            told = await self._client.json("GET", f"{root}/{api_version}")
        except ClusterRefused as exc:
            if not exc.not_found:
                raise
            told = {"kind": KINDS}
        if told.get("kind") != KINDS:
            raise ClusterAway(f"{FOREIGN}: it tells of no kinds of objects")
        resources = told.get("resources")
        for one in resources if isinstance(resources, list) else ():
            if isinstance(one, dict) and one.get("kind") == kind:
                plural = one.get("name")
                if not isinstance(plural, str) or "/" in plural:
                    continue
                if not one.get("namespaced"):
                    raise SubmitError(f"a {kind} of {api_version} belongs to no namespace")
                return Resource(api_version, kind, plural)
        raise SubmitError(
            f"the cluster has no kind {kind} in {api_version}",
            hint="is its operator installed? `kubectl api-resources` lists what there is",
        )
