"""The runner `kubernetes`: Jobs and custom resources of a cluster."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from anyio.to_thread import run_sync
from pydantic import Field

from launchkit.abc import Finding, Output, Policy, Run, Runner, Site
from launchkit.aio.lazy import Lazy
from launchkit.model import Attempt, Json, Submission
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.manifest import schema, secure_keys
from launchkit_kubernetes.manifest.args import check_args, parse_args
from launchkit_kubernetes.manifest.build import BuildContext, ref_of, workload_of
from launchkit_kubernetes.manifest.object_kind import object_kind
from launchkit_kubernetes.manifest.policy import KubernetesPolicy, strict_objections

if TYPE_CHECKING:
    from launchkit_kubernetes.runs.service import RunService

SERVICE = "launchkit_kubernetes.runs.service"


@dataclass(kw_only=True)
class KubernetesRunner(Runner):
    """Runs images as Jobs, or as the custom resources that a queue's config describes. They outlive
    the agent, and any agent of the cluster finds them again.

    The cluster is asked with the first run.
    """

    kind: ClassVar[str] = "kubernetes"
    aliases: ClassVar[tuple[str, ...]] = ("k8s",)
    mounts_code: ClassVar[bool] = True
    option_keys: ClassVar[frozenset[str]] = secure_keys.OPTION_KEYS
    expanding_keys: ClassVar[frozenset[str]] = secure_keys.EXPANDING_KEYS
    literal_ways: ClassVar[frozenset[tuple[str, ...]]] = secure_keys.LITERAL_WAYS
    policy_class: ClassVar[type[Any] | None] = KubernetesPolicy

    config_file: str | None = None
    """A kubeconfig; by default KUBECONFIG, ~/.kube/config, or the service account of the agent's
    pod."""
    context: str | None = None
    """A context of the kubeconfig; by default its current one."""
    namespace: str | None = None
    """Where runs go whose queue names none; by default that of the context."""
    api_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 100.0
    """Requests a second to the API server, on average."""
    api_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Requests at once."""
    gone_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    """How long pods may take to end after their grace, before their node counts as lost."""
    force_delete: bool = False
    """Remove pods from the cluster that do not end for so long: they may still run on a node that
    cannot be reached."""
    namespaces: tuple[str, ...] = ()
    """More namespaces in which queues have runs: looked after from the start, and by `launchkit
    doctor`."""
    code_pvc_name: str = ""
    """A PersistentVolumeClaim in the namespaces of runs, through which code comes to them that is
    not built into an image; without it, up to 11 MB come as secrets."""
    code_pvc_mount_path: Path = Path("/launchkit-code")
    """Where the agent has mounted the volume of that claim."""

    _site: Site = field(init=False, repr=False)
    _namespace: str = field(init=False, repr=False, default="default")
    _service: "Lazy[RunService]" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; the cluster need not answer yet."""
        self._site = site
        self._namespace = self.namespace or str(await run_sync(self.access.namespace))
        self._service = Lazy(SERVICE, lambda service: service.open_runs(stack, site, self))

    @property
    def access(self) -> Access:
        """How the cluster is reached."""
        return Access(config_file=self.config_file, context=self.context)

    @property
    def default_namespace(self) -> str:
        """Where runs go whose queue names none."""
        return self._namespace

    def secret_files(self) -> Mapping[Path, str]:
        """Those with which the cluster is asked."""
        return self.access.secret_files()

    async def check(self) -> Sequence[Finding]:
        """Whether the cluster answers, and what the agent may do in its namespace."""
        return await (await self._service.opened()).findings()

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        """What the agent may do with the queue's kind of objects in its namespace."""
        return await (await self._service.opened()).queue_findings(parse_args(args))

    @classmethod
    def harmless_keys(cls, args: Json) -> frozenset[str | tuple[str, ...]]:
        """Amounts, times and nodes; of custom resources wherever they stand, since nobody knows all
        that starts something there.
        """
        is_job = object_kind(args).is_job
        return secure_keys.JOB_HARMLESS if is_job else secure_keys.CUSTOM_HARMLESS

    @classmethod
    def check_args(cls, args: Json) -> None:
        """Look at a queue's config. :raises Rejected: naming each field that is wrong."""
        check_args(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """The fields of a Job, and what holds for custom resources."""
        return schema.schema()

    @classmethod
    def starter_config(cls) -> str:
        """A Job with requests of CPU and memory."""
        return schema.STARTER

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        """What a strict policy does not allow."""
        part = policy.part(KubernetesPolicy)
        return strict_objections(args, part) if part.kubernetes == "strict" else ()

    def render(self, submission: Submission) -> Json:
        """The object, as `kubectl apply` takes it."""
        context = self.build_context(code_pieces=1 if submission.code else 0)
        if service := self._service.value:
            context = service.context(submission)
        return dict(workload_of(parse_args(submission.resource_args), submission, context).body)

    def build_context(self, *, code_pieces: int = 0, pull_secret: bool = False) -> BuildContext:
        """What the agent adds to each submission."""
        return BuildContext(
            namespace=self._namespace,
            agent=self._site.agent,
            strict=self._site.policy.part(KubernetesPolicy).kubernetes == "strict",
            pull_secret=pull_secret,
            code_pieces=code_pieces,
            code_claim=self.code_pvc_name,
        )

    def ref_of(self, submission: Submission) -> str:
        """Version, kind, namespace and name. :raises Rejected: if its name is none."""
        args = parse_args(submission.resource_args)
        return str(ref_of(args, submission, self._namespace))

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Ask the cluster whether it would take the object, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        """
        await (await self._service.opened()).prepare(submission, out)

    async def release(self, submission: Submission) -> None:
        """Forget its code, and remove the secrets of an object that was never made."""
        if self._service.value is not None:
            await self._service.value.release(submission)

    async def submit(self, submission: Submission) -> Run:
        """Create the object, unless it is there.

        :raises NotYet: if a quota is used up.
        :raises SubmitError: if the cluster refuses, or the name belongs to somebody else.
        """
        return await (await self._service.opened()).submit(submission)

    async def require_own(self, ref: str, attempt: Attempt) -> None:
        """Look at the labels of its object. :raises OthersRun: if they are of another run."""
        await (await self._service.opened()).require_own(ref, attempt)

    async def attach(self, ref: str) -> Run:
        """Find an object again.

        :raises RunLost: if it is gone, or *ref* is not a run's.
        :raises Elsewhere: if nothing of its kind may be looked at in its namespace.
        """
        return await (await self._service.opened()).attach(ref)

    async def discard(self, ref: str) -> None:
        """Remove the secrets of an object that was never made."""
        await (await self._service.opened()).discard(ref)
