"""Small operators: they make pods of custom resources, and tell of them as the real ones do."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import httpx
from launchkit_kubernetes.manifest.pods import templates

from .cluster.cluster import Cluster

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What a kind of objects is like, and what its operator writes into their status."""

    api_version: str
    kind: str
    plural: str
    running: Mapping[str, Any]
    well: Mapping[str, Any]
    badly: Mapping[str, Any]
    spec: Mapping[str, Any] = field(default_factory=lambda: ANY)
    """The schema of their spec: what is not in it is dropped."""
    templates_of: Callable[[Mapping[str, Any]], Sequence[dict[str, Any]]] | None = None
    """Templates of pods, of operators that do not find them in the object."""

    @property
    def group(self) -> str:
        return self.api_version.partition("/")[0]

    def install(self, cluster: Cluster) -> None:
        """Have the API know the kind."""
        name = f"{self.plural}.{self.group}"
        version = {
            "name": self.api_version.partition("/")[2],
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "schema": {
                "openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": self.spec, "status": ANY},
                }
            },
        }
        names = {"plural": self.plural, "kind": self.kind}
        spec = {"group": self.group, "scope": "Namespaced", "names": names, "versions": [version]}
        if name not in [one["metadata"]["name"] for one in cluster.request("GET", CRDS)["items"]]:
            cluster.request("POST", CRDS, {"metadata": {"name": name}, "spec": spec})
        cluster.wait_for(lambda: self._is_served(cluster))

    def _is_served(self, cluster: Cluster) -> bool:
        try:
            found = cluster.request("GET", f"/apis/{self.api_version}")["resources"]
        except httpx.HTTPStatusError:  # not yet
            return False
        return self.plural in [one["name"] for one in found]

    def path(self, namespace: str, name: str) -> str:
        return f"/apis/{self.api_version}/namespaces/{namespace}/{self.plural}/{name}"

    def make_pods(self, cluster: Cluster, namespace: str, name: str) -> list[str]:
        """One pod of each template of the object, not yet running; gives their names."""
        made = cluster.request("GET", self.path(namespace, name))
        found = [one for _, one in templates(made["spec"])]
        if self.templates_of is not None:
            found = [*self.templates_of(made)]
        names = []
        for number, template in enumerate(deepcopy(found)):
            names.append(f"{name}-{number}")
            metadata = {**template.get("metadata", {}), "name": names[-1]}
            for container in template["spec"]["containers"]:
                container.setdefault("image", "img:1")
            pod = {"metadata": metadata, "spec": template["spec"]}
            cluster.request("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
        return names

    def tell(self, cluster: Cluster, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Write the status of the object."""
        cluster.patch(f"{self.path(namespace, name)}/status", {"status": status})


def play(cluster: Cluster, namespace: str, pod: str, state: Mapping[str, Any], phase: str) -> None:
    """Play the node of a pod: all its containers are in that state, or each in that of its name."""
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    names = [one["name"] for one in cluster.request("GET", path)["spec"]["containers"]]
    of_each = {"image": "img:1", "imageID": "", "ready": False, "restartCount": 0}
    statuses = [{"name": name, **of_each, "state": state.get(name, state)} for name in names]
    placed = {"type": "PodScheduled", "status": "True"}
    status = {"phase": phase, "conditions": [placed], "containerStatuses": statuses}
    cluster.patch(f"{path}/status", {"status": status})


RUNS = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def ended(code: int) -> dict[str, Any]:
    """The state of a container that has ended."""
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}
    return {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", **times}}


def said(kind: str, reason: str = "", message: str = "") -> dict[str, str]:
    """A condition that holds."""
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def of_kubeflow(kind: str, role: str) -> dict[str, Mapping[str, Any]]:
    """What Kubeflow's training operator writes."""
    created = said("Created", f"{kind}Created", f"{kind} is created.")
    runs = said("Running", f"{kind}Running", f"{kind} is running.")
    before = created, {**runs, "status": "False"}
    well = said("Succeeded", f"{kind}Succeeded", f"{kind} is successfully completed.")
    badly = said("Failed", f"{kind}Failed", f"{kind} is failed because 1 {role} failed.")

    def status(replicas: str, *conditions: Mapping[str, str]) -> Mapping[str, Any]:
        return {"conditions": conditions, "replicaStatuses": {role: {replicas: 1}}}

    return {
        "running": status("active", created, runs),
        "well": status("succeeded", *before, well),
        "badly": status("failed", *before, badly),
    }


def job_set_ended(how: str) -> dict[str, str]:
    """The condition with which a JobSet ends; a TrainJob takes it over in its own words."""
    if how == "Failed":
        return said(how, "FailedJobs", "jobset failed due to one or more jobs")
    return said(how, "AllJobsCompleted", "jobset completed successfully")


def _of_runtime(made: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The pods of a TrainJob: its runtime has their template, and the JobSet of its name labels
    them.
    """
    name, spec = made["metadata"]["name"], made["spec"]
    labels = {
        "jobset.sigs.k8s.io/jobset-name": name,
        "jobset.sigs.k8s.io/replicatedjob-name": "node",
    }
    pod: dict[str, Any] = {"containers": [{"name": "node", "image": spec["trainer"]["image"]}]}
    for override in spec.get("podTemplateOverrides", ()):
        pod |= {k: v for k, v in override["spec"].items() if k == "imagePullSecrets"}
    for patch in spec.get("runtimePatches", ()):
        if runtime := patch.get("trainingRuntimeSpec"):
            for job in runtime["template"]["spec"]["replicatedJobs"]:
                pod |= job["template"]["spec"]["template"]["spec"]
    return [{"metadata": {"labels": labels}, "spec": pod}]


def train_job(group: str, *places: str) -> Operator:
    """Kubeflow's trainer in a version whose API has these fields for what holds for pods."""
    jobs = [{"name": "node", "ready": 1, "active": 1, "succeeded": 0, "failed": 0, "suspended": 0}]
    ended_jobs = [{**jobs[0], "ready": 0, "active": 0}]
    several = {"type": "array", "items": ANY}
    return Operator(
        api_version=f"{group}/v1alpha1",
        kind="TrainJob",
        plural="trainjobs",
        spec={
            "type": "object",
            "properties": {
                "runtimeRef": ANY,
                "trainer": ANY,
                "suspend": {"type": "boolean"},
                **dict.fromkeys(places, several),
            },
        },
        templates_of=_of_runtime,
        running={"jobsStatus": jobs},
        well={"conditions": [job_set_ended("Complete")], "jobsStatus": ended_jobs},
        badly={"conditions": [job_set_ended("Failed")], "jobsStatus": ended_jobs},
    )


TRAIN_JOB = train_job("trainer.kubeflow.org", "podTemplateOverrides")
JOB_SET = Operator(
    api_version="jobset.x-k8s.io/v1alpha2",
    kind="JobSet",
    plural="jobsets",
    running={"replicatedJobsStatus": [{"name": "workers", "active": 1, "ready": 1}]},
    well={"conditions": [job_set_ended("Completed")], "terminalState": "Completed"},
    badly={"conditions": [job_set_ended("Failed")], "terminalState": "Failed"},
)
PYTORCH_JOB = Operator(
    api_version="kubeflow.org/v1",
    kind="PyTorchJob",
    plural="pytorchjobs",
    **of_kubeflow("PyTorchJob", "Master"),
)
MPI_JOB = Operator(
    api_version="kubeflow.org/v2beta1",
    kind="MPIJob",
    plural="mpijobs",
    **of_kubeflow("MPIJob", "Launcher"),
)
VOLCANO_JOB = Operator(
    api_version="batch.volcano.sh/v1alpha1",
    kind="Job",
    plural="jobs",
    running={"state": {"phase": "Running"}, "running": 3, "minAvailable": 3},
    well={"state": {"phase": "Completed"}, "succeeded": 3, "minAvailable": 3},
    badly={"state": {"phase": "Failed", "reason": "JobFailed"}, "failed": 1, "minAvailable": 3},
)
RAY_JOB = Operator(
    api_version="ray.io/v1",
    kind="RayJob",
    plural="rayjobs",
    running={"jobDeploymentStatus": "Running", "jobStatus": "RUNNING", "jobId": "one-x"},
    well={
        "jobDeploymentStatus": "Complete",
        "jobStatus": "SUCCEEDED",
        "message": "Job finished successfully.",
    },
    badly={
        "jobDeploymentStatus": "Failed",
        "jobStatus": "FAILED",
        "reason": "AppFailed",
        "message": "Job entrypoint command failed with exit code 3",
    },
)
