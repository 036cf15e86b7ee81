"""A queue's config and a submission to the object that is created. Pure and total."""

import re
import shlex
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from launchkit.code.in_base_image import installer, working_dir
from launchkit.errors import Rejected
from launchkit.model import ImageSource, Secret, Submission
from launchkit.plain_text import shortened
from launchkit.runners.fitting import is_open
from launchkit.runners.identity import KUBERNETES, RunIdentity
from launchkit.written import literal
from launchkit_kubernetes.manifest.args import QueueArgs
from launchkit_kubernetes.manifest.clear_secrets import HINT, READABLE, any_secret
from launchkit_kubernetes.manifest.closed_kinds import own_selector, pod_spec
from launchkit_kubernetes.manifest.code import (
    InSecrets,
    InVolume,
    code_folder,
    lay_code,
    require_no_claim,
)
from launchkit_kubernetes.manifest.names import (
    NAMES,
    Ref,
    own_name_problem,
    own_secret,
    workload_name,
)
from launchkit_kubernetes.manifest.namespace import require_namespace_of_queue
from launchkit_kubernetes.manifest.object_kind import ObjectKind
from launchkit_kubernetes.manifest.own_variables import OwnVariables, taken_whole
from launchkit_kubernetes.manifest.pods import all_containers, containers, starting, templates
from launchkit_kubernetes.manifest.train_job import NODE, OVERRIDES, add_pull_secret

RUN = KUBERNETES.keys["run_id"]
"""All objects of runs have this label."""
ATTEMPT = KUBERNETES.keys["attempt"]
NAME = "launchkit/name"
"""A label of pods and of what belongs to a run: the name of its root object."""
TTL = "launchkit/ttl"
"""An annotation: the seconds after which an ended object is removed, once its log was copied."""
MAIN = "launchkit/main"
"""An annotation: the name of the container that decides."""
REQUEUE = "launchkit/requeue"
"""An annotation: "false" where a run whose place is taken away has failed."""
STOP_GRACE = "launchkit/stop-grace"
"""An annotation: the seconds that what is left of a run has to end."""
DEFAULT_TTL = 60
NO_TWO_AT_ONCE = "Failed"
"""A pod that is ending is not replaced before it has ended. Servers before 1.28 do not know it.
See https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy."""
SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The seed's, section 4."""
KEEP: Mapping[str, str] = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
"""Pods of a run are not moved for the sake of order. See https://karpenter.sh/docs/concepts/disruption/
and the FAQ of the cluster autoscaler."""
MAX_KEY = 200
"""Letters of a secret's key."""
MAX_VARIABLES = 20_000
"""In all containers together; etcd takes no object that has more."""


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """What the runner adds to a submission."""

    namespace: str
    """Where objects go whose queue config names none."""
    agent: str = ""
    strict: bool = False
    pull_secret: bool = False
    """Whether the registry's login is needed to pull the image."""
    pull_place: str = OVERRIDES
    """The field of a TrainJob that takes the name of the login's secret."""
    code_pieces: int = 0
    """In how many secrets the code is that is laid into the image."""
    code_claim: str = ""
    """The claim of a volume in which it is instead, as `code_folder` names it."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The root object of a run."""

    ref: Ref
    labels: Mapping[str, str]
    """Those by which all that belongs to the run is known."""
    body: Mapping[str, Any]
    secrets: Mapping[str, Secret]
    """The keys of the Secret that its variables are taken from."""


def env_secret(name: str) -> str:
    """The name of the Secret with a run's secret variables."""
    return own_secret(name, "env")


def pull_secret(name: str) -> str:
    """The name of the Secret with the registry's login."""
    return own_secret(name, "pull")


def ref_of(args: QueueArgs, submission: Submission, namespace: str) -> Ref:
    """Where the object of a submission is. :raises Rejected: if nothing tells its place."""
    for key in ("api_version", "kind", "namespace"):
        if is_open(word := getattr(args, key)):
            raise Rejected(
                f"resource_args: nothing fills the macro in {shortened(repr(word), 200)}",
                hint="the agent's owner can open variables under policy.macros_from_env",
            )
    name = workload_name(args.metadata, submission, is_job=args.is_job)
    given = next((key for key in NAMES if args.metadata.get(key)), None)
    if given and (problem := own_name_problem(name)):
        raise Rejected(f"resource_args.metadata.{given}: {problem}")
    return Ref(args.api_version, args.kind, args.namespace or namespace, name)


def workload_of(args: QueueArgs, submission: Submission, context: BuildContext) -> Workload:
    """The object that is created.

    :raises Rejected: if nothing tells its place, or it is not its queue's, a secret would stand in
        it, code is laid into an image and nothing says what to start, or a strict policy keeps the
        volume with code.
    """
    require_namespace_of_queue(submission.launch, strict=context.strict)
    ref = ref_of(args, submission, context.namespace)
    if context.strict and context.code_claim:
        parts = {"metadata": args.metadata, "spec": args.spec, **args.rest}
        require_no_claim(parts, context.code_claim)
    identity = RunIdentity.of(submission.launch, context.agent)
    labels = {**KUBERNETES.labels(identity), NAME: ref.name}
    own = OwnVariables(submission.is_own)
    spec = own.without(args.spec, "resource_args.spec")
    rest = own.without(args.rest, "resource_args")
    annotations = {STOP_GRACE: str(round(submission.launch.limits.stop_grace))}
    if not args.requeue:
        annotations[REQUEUE] = "false"
    if args.is_job:
        ttl = spec.pop("ttlSecondsAfterFinished", DEFAULT_TTL)
        annotations[TTL] = str(ttl if isinstance(ttl, int) else DEFAULT_TTL)
        _complete_job(spec)
    filler = _Filler(args, submission, context, ref, labels)
    filler.fill(spec)
    for part in (spec, rest):
        filler.secure(part)
        filler.silence(part)
    if context.strict:
        _close(spec, ObjectKind(args.api_version, args.kind), submission)
    if filler.main:
        annotations[MAIN] = filler.main
    metadata = own.without(args.metadata, "resource_args.metadata")
    metadata.pop("generateName", None)
    metadata |= {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": {**metadata.get("labels", {}), **labels},
        "annotations": {**metadata.get("annotations", {}), **annotations},
    }
    body = {
        "apiVersion": args.api_version,
        "kind": args.kind,
        "metadata": metadata,
        "spec": spec,
        **rest,
    }
    if path := any_secret(body, "resource_args"):
        raise Rejected(f"{path}: {READABLE}", hint=HINT)
    return Workload(ref=ref, labels=labels, body=body, secrets=filler.secrets)


def _close(spec: dict[str, Any], kind: ObjectKind, submission: Submission) -> None:
    """What a workload has under a strict policy, whatever its config says."""
    if (pod := pod_spec(kind.group, kind.kind, spec)) is not None:
        pod["automountServiceAccountToken"] = False
    if selector := own_selector(kind.group, kind.kind, KUBERNETES.exact(submission.launch.which)):
        spec["selector"] = selector


def _complete_job(spec: dict[str, Any]) -> None:
    """What a Job needs where the queue's config says nothing (reference, section 2.3)."""
    spec.setdefault("backoffLimit", 0)
    spec.setdefault("podReplacementPolicy", NO_TWO_AT_ONCE)
    pod = spec.setdefault("template", {}).setdefault("spec", {})
    pod.setdefault("restartPolicy", "Never")
    pod["containers"] = [one or {} for one in pod.get("containers") or [{}]]
    for index, container in enumerate(pod["containers"]):
        container.setdefault("name", f"launch{index}")


class _Filler:
    """Puts what a launch decides into each template of pods."""

    def __init__(
        self,
        args: QueueArgs,
        submission: Submission,
        context: BuildContext,
        ref: Ref,
        labels: Mapping[str, str],
    ) -> None:
        self._args = args
        self._submission = submission
        self._context = context
        self._name, self._ref = ref.name, ref
        self._labels = labels
        self.main = ""
        """The name of the container that decides."""
        self.secrets: dict[str, Secret] = {}

    def fill(self, spec: dict[str, Any]) -> None:
        """:raises Rejected: if there is code, and no pod to lay it into, or it is too large."""
        kind, variables = self._args.kind, self._submission.env
        if len(variables) * sum(1 for _ in all_containers(spec)) > MAX_VARIABLES:
            raise Rejected(
                f"a {kind} with {len(variables)} variables in each container is too large"
            )
        found = [] if kind == "TrainJob" else [template for _, template in templates(spec)]
        if self._context.code_pieces and not found:
            raise Rejected(
                f"code cannot be laid into a {kind}: there is no template of its pods in it",
                hint="have an image built of it: give the agent a builder",
            )
        started = starting(kind, spec)
        for template in found:
            self._template(template, starts=any(template is one for one in started))
        for template in started or found:
            self.main = self.main or _main_name(template)
        if kind == "TrainJob":
            self._train_job(spec)
        if kind == "RayJob":
            self._ray_job(spec)

    def secure(self, value: Any) -> None:
        """Put the security context into containers: all there are, if the policy is strict, or
        those of a Job that have none.
        """
        for container in all_containers(value):
            if self._context.strict:
                container["securityContext"] = deepcopy(dict(SECURITY))
            elif self._args.is_job:
                container.setdefault("securityContext", deepcopy(dict(self._security)))

    def silence(self, value: Any) -> None:
        """Say nothing of what launchkit leaves out, or says to other containers alone, to whatever
        has all of a Secret or a ConfigMap as its variables: under which names, nobody knows here.
        """
        names = self._submission.own_names()
        for container in taken_whole(value):
            given = container.setdefault("env", [])
            if isinstance(given, list):
                said = {one.get("name") for one in given if isinstance(one, dict)}
                given += [{"name": name, "value": ""} for name in names if name not in said]

    def _train_job(self, spec: dict[str, Any]) -> None:
        """Its pods' templates are in the cluster."""
        trainer = spec.setdefault("trainer", {})
        self._image(trainer)
        self._program(trainer)
        self._variables(trainer, "trainer")
        spec["labels"] = {**spec.get("labels", {}), **self._labels}
        self.main = NODE
        if self._context.pull_secret:
            add_pull_secret(spec, self._context.pull_place, pull_secret(self._name))

    def _ray_job(self, spec: dict[str, Any]) -> None:
        """Ray starts the program, which it is given as a line of a shell."""
        launch = self._submission.launch
        given = "" if self._chosen else spec.get("entrypoint", "")
        words = [*launch.args] if given else [*self._submission.command]
        if words and not given:
            words = [*self._installer(), *words]
        if line := f"{given} {shlex.join(words)}".strip():
            spec["entrypoint"] = line

    def _template(self, template: dict[str, Any], *, starts: bool) -> None:
        metadata = template.setdefault("metadata", {})
        metadata["labels"] = {**metadata.get("labels", {}), **self._labels}
        metadata["annotations"] = {**KEEP, **metadata.get("annotations", {})}
        pod, found = template["spec"], containers(template)
        if not found:
            return
        self._image(found[0])
        if starts:
            self._program(found[0])
        for container in found:
            self._variables(container, str(container.get("name")))
        if self._context.pull_secret:
            secrets = pod.get("imagePullSecrets", [])
            pod["imagePullSecrets"] = [*secrets, {"name": pull_secret(self._name)}]
        if self._context.code_pieces:
            found[0].setdefault("workingDir", working_dir(self._submission))
            lay_code(pod, found[0], self._place_of_code(), self._security)

    @property
    def _security(self) -> Mapping[str, Any]:
        return self._args.container_security or SECURITY

    @property
    def _chosen(self) -> bool:
        """Whether the launch itself says what to start."""
        return self._submission.launch.origins.get("entry_point") == "launch"

    def _image(self, main: dict[str, Any]) -> None:
        submission = self._submission
        if submission.image is None:
            return
        named = isinstance(submission.launch.source, ImageSource) and self._args.is_job
        if named or not main.get("image"):
            main["image"] = submission.image.ref

    def _program(self, main: dict[str, Any]) -> None:
        """The command of the container that decides."""
        launch = self._submission.launch
        if launch.entry_point and (self._chosen or not main.get("command")):
            main["command"] = [*map(literal, launch.entry_point)]
        if launch.args:
            main["args"] = [*map(literal, launch.args)]
        if install := self._installer():
            main["command"] = [*map(literal, install)]
            main["args"] = [*map(literal, self._submission.command)]

    def _installer(self) -> Sequence[str]:
        """What stands before the command where code is laid into an image."""
        return installer(self._submission) if self._context.code_pieces else ()

    def _variables(self, container: dict[str, Any], of_name: str) -> None:
        ours = self._submission.env
        given = [one for one in container.get("env", []) if isinstance(one, dict)]
        kept = [one for one in given if str(one.get("name")) not in ours]
        container["env"] = [
            *(self._given(one, of_name) for one in kept),
            *({"name": name, **self._value(name, stays(value))} for name, value in ours.items()),
        ]

    def _given(self, variable: dict[str, Any], of_container: str) -> dict[str, Any]:
        """A variable of the queue's config."""
        rest = {key: value for key, value in variable.items() if key != "value"}
        value = self._value(f"{of_container}.{variable.get('name')}", variable.get("value"))
        return {**rest, **value}

    def _value(self, key: str, value: Any) -> dict[str, Any]:
        """The value of a variable, or where it is taken from."""
        if not isinstance(value, Secret):
            return {} if value is None else {"value": value}
        key = re.sub(r"[^-._A-Za-z0-9]", "_", key)[:MAX_KEY]
        while self.secrets.setdefault(key, value) != value:
            key += "_"
        source = {"secretKeyRef": {"name": env_secret(self._name), "key": key}}
        return {"valueFrom": source}

    def _place_of_code(self) -> InVolume | InSecrets:
        if claim := self._context.code_claim:
            return InVolume(claim, code_folder(self._ref, self._labels))
        return InSecrets(self._name, self._context.code_pieces)


def stays(value: str) -> str:
    """The value of a variable so that no other is put into it; the node does so in no secret."""
    return value if isinstance(value, Secret) else literal(value)


def _main_name(template: dict[str, Any]) -> str:
    return next((str(one.get("name") or "") for one in containers(template)), "")


def no_image(args: QueueArgs, submission: Submission) -> Rejected | None:
    """The error of a launch whose object would have a container without an image; None if all
    have one.
    """
    if submission.image is not None or not args.is_job:
        return None
    template = args.spec.get("template") or {}
    given = (template.get("spec") or {}).get("containers") or [{}]
    if all(isinstance(one, Mapping) and one.get("image") for one in given):
        return None
    return Rejected(
        "a pod needs an image, and this launch has none",
        hint="launch an image, give the agent a builder, or set base_image at the job",
    )
