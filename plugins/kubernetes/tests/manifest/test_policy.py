"""What `policy.kubernetes: strict` forces and refuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from launchkit_kubernetes.manifest.build import SECURITY, BuildContext
from launchkit_kubernetes.manifest.pods import all_containers
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.errors import ConfigError, Rejected
from launchkit.resolving.policy import check_policy
from launchkit.testing import make_launch

from .examples import JOBSET, LEADER, MPI, RAY, SEED_JOB, SEED_PYTORCH, TRAIN, VOLCANO, example
from .making import body, job, nested

STRICT = Policy(of_runners={"kubernetes": "strict", "kubernetes_kinds": ["*"]})
UNCONFINED = "only runtime/default is allowed"
UNKNOWN = "this annotation is not among those that policy.kubernetes_annotations allows"
DEFAULT = "runtime/default"
MOUNTS = "only None and HostToContainer are allowed"
POD = "resource_args.spec.template.spec"


def objections(config: dict[str, Any], policy: Policy = STRICT) -> list[str]:
    return [*KubernetesRunner.objections(config, policy)]


ROWS: list[tuple[dict[str, Any], str]] = [
    (job({"securityContext": {}}), f"{POD}.containers[0].securityContext: is not allowed"),
    (job(securityContext={"runAsUser": 0}), f"{POD}.securityContext: is not allowed"),
    (
        job(initContainers=[{"securityContext": {"privileged": True}}]),
        f"{POD}.initContainers[0].securityContext: is not allowed",
    ),
    (
        job(ephemeralContainers=[{"securityContext": {"privileged": True}}]),
        f"{POD}.ephemeralContainers[0].securityContext: is not allowed",
    ),
    (
        job(volumes=[{"name": "a"}, {"name": "b", "hostPath": {"path": "/"}}]),
        f"{POD}.volumes[1].hostPath: is not allowed",
    ),
    (
        job(volumes=[{"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
        f"{POD}.volumes[0].projected.sources[0].serviceAccountToken: is not allowed",
    ),
    (
        job(volumes=[{"projected": {"sources": [{"podCertificate": {"signerName": "a/b"}}]}}]),
        f"{POD}.volumes[0].projected.sources[0].podCertificate: is not allowed",
    ),
    (
        {"apiVersion": "ray.io/v1", "kind": "A", "spec": {"enableInTreeAutoscaling": True}},
        "resource_args.spec.enableInTreeAutoscaling: is not allowed",
    ),
    *(
        (job(**{key: True}), f"{POD}.{key}: is not allowed")
        for key in (
            *("hostPID", "hostIPC", "hostNetwork", "shareProcessNamespace", "hostUsers"),
            "automountServiceAccountToken",
        )
    ),
    (job(hostNetwork="${x}"), f"{POD}.hostNetwork: is not allowed"),
    (
        job({"ports": [{"hostPort": 80}]}),
        f"{POD}.containers[0].ports[0].hostPort: is not allowed",
    ),
    *(
        (
            job({probe: {how: {"host": "127.0.0.1", "port": 10255}}}),
            f"{POD}.containers[0].{probe}.{how}.host: is not allowed",
        )
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for how in ("httpGet", "tcpSocket")
    ),
    *(
        (
            job({"lifecycle": {hook: {"httpGet": {"host": "169.254.169.254"}}}}),
            f"{POD}.containers[0].lifecycle.{hook}.httpGet.host: is not allowed",
        )
        for hook in ("postStart", "preStop")
    ),
    *(
        (
            {"spec": {"template": {"metadata": {"annotations": {key: "x"}}}}},
            f"resource_args.spec.template.metadata.annotations.{key}: {UNKNOWN}",
        )
        for key in (
            *("io.kubernetes.cri-o.Devices", "cdi.k8s.io/a", "devices.nri.io/container.a"),
            *("devices.crio.io", "devices.crio.io/main", "cpu-freq-governor.crio.io"),
            *("userns-mode.crio.io", "io.kubernetes.cri-o.userns-mode", "link-logs.crio.io"),
            *("io.containers.trace-syscall", "rdt.resources.beta.kubernetes.io/pod"),
            *("seccomp-profile.crio.io/POD", "vault.hashicorp.com/agent-json-patch"),
            *("blockio.resources.beta.kubernetes.io/pod", "k8s.v1.cni.cncf.io/networks"),
            *("sidecar.istio.io/userVolume", "who.knows.example.com/what", "${run_name}"),
        )
    ),
    *(
        (config, f"resource_args.{place}.{key}: is not allowed")
        for key, value in (("finalizers", ["a.example/b"]), ("ownerReferences", [{"uid": "u"}]))
        for config, place in (
            ({"metadata": {key: value}}, "metadata"),
            ({"spec": {"template": {"metadata": {key: value}}}}, "spec.template.metadata"),
            (
                {"spec": {"volumeClaimTemplates": [{"metadata": {key: value}}]}},
                "spec.volumeClaimTemplates[0].metadata",
            ),
        )
    ),
    (
        {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}},
        "resource_args.spec.persistentVolumeClaimRetentionPolicy: is not allowed",
    ),
    *(
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {key: "u"}}},
            f"resource_args.metadata.labels.{key}: is not allowed",
        )
        for key in ("controller-uid", "batch.kubernetes.io/controller-uid")
    ),
    (job(serviceAccountName="adm"), f"{POD}.serviceAccountName: is not allowed"),
    (job(serviceAccount="adm"), f"{POD}.serviceAccount: is not allowed"),
    *(
        (
            job({"volumeMounts": [{"mountPropagation": value}]}),
            f"{POD}.containers[0].volumeMounts[0].mountPropagation: {MOUNTS}",
        )
        for value in ("Bidirectional", "${run_name}")
    ),
    *(
        (
            {"spec": {"template": {"metadata": {"annotations": {key: value}}}}},
            f"resource_args.spec.template.metadata.annotations.{key}: {UNCONFINED}",
        )
        for key, value in (
            ("container.apparmor.security.beta.kubernetes.io/a", "unconfined"),
            ("seccomp.security.alpha.kubernetes.io/pod", "unconfined"),
            ("container.seccomp.security.alpha.kubernetes.io/a", "localhost/unconfined"),
            ("container.apparmor.security.beta.kubernetes.io/a", "${run_name}"),
            ("container.apparmor.security.beta.kubernetes.io/a", "localhost/weak"),
            ("seccomp.security.alpha.kubernetes.io/pod", "localhost/weak.json"),
        )
    ),
]


@pytest.mark.parametrize(("config", "line"), ROWS, ids=range(len(ROWS)))
def test_a_strict_policy_names_what_it_does_not_allow(config: dict[str, Any], line: str) -> None:
    assert objections(config) == [line]
    assert objections(config, Policy()) == []
    wrapped = line.replace("resource_args", "resource_args.kubernetes")
    assert objections({"kubernetes": config}) == [wrapped]


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"podSecurityContext": {"sysctls": [{"name": "a"}]}}, "podSecurityContext"),
        ({"driver": {"securityContext": {}}}, "driver.securityContext"),
        ({"driver": {"hostNetwork": True}}, "driver.hostNetwork"),
        ({"pod_security_context": {}}, "pod_security_context"),
        ({"host_path": "/"}, "host_path"),
        ({"HostPID": True}, "HostPID"),
        ({"privileged": True}, "privileged"),
        ({"conf": {"spark.kubernetes.driver.volumes.hostPath.a.mount.path": "/"}}, None),
        ({"conf": {"spark.kubernetes.authenticate.driver.serviceAccountName": "a"}}, None),
        ({"conf": {"spark.kubernetes.executor.podTemplateFile": "s3://a/b"}}, None),
        ({"conf": {"kubernetes.pod-template-file": "a"}}, None),
        ({"podSpecPatch": "{}"}, "podSpecPatch"),
        ({"templates": [{"podSpecPatch": "x"}]}, "templates[0].podSpecPatch"),
        ({"templates": [{"resource": {"manifest": "x"}}]}, "templates[0].resource.manifest"),
        ({"templates": [{"script": {"securityContext": {}}}]}, "script.securityContext"),
        ({"nodeName": "control-plane"}, "nodeName"),
        ({"podMetadata": {"owner_references": [{"uid": "u"}]}}, "podMetadata.owner_references"),
        ({"jobTemplate": {"metadata": {"Finalizers": ["a.b/c"]}}}, "metadata.Finalizers"),
        ({"volumes": [{"hostDisk": {"path": "/"}}]}, "volumes[0].hostDisk"),
        ({"domain": {"devices": {"hostDevices": [{}]}}}, "devices.hostDevices"),
        ({"chartContent": "H4sI"}, "chartContent"),
        ({"conf": {"pod.livenessProbe.httpGet.host": "127.0.0.1"}}, None),
        ({"headGroupSpec": {"serviceType": "NodePort"}}, "headGroupSpec.serviceType"),
        ({"headService": {"spec": {"type": "LoadBalancer"}}}, "headService.spec.type"),
        ({"ports": [{"nodePort": 30053}]}, "ports[0].nodePort"),
        ({"service": {"externalIPs": ["10.96.0.10"]}}, "service.externalIPs"),
        ({"conf": {"kubernetes.rest-service.exposed.type": "nodeport"}}, None),
        ({"patch": [{"op": "add", "path": "/spec/type", "value": "NodePort"}]}, None),
    ],
    ids=range(28),
)
def test_it_does_so_however_an_operator_has_it_spelt(
    spec: dict[str, Any], place: str | None
) -> None:
    (line,) = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": spec})
    assert line.endswith(": is not allowed")
    assert place is None or f"{place}: is not" in line


CLOSED_OF_A_POD = {
    *("automountServiceAccountToken", "hostIPC", "hostNetwork", "hostPID", "hostUsers"),
    *("nodeName", "securityContext", "serviceAccount", "serviceAccountName"),
    "shareProcessNamespace",
}
OPEN_OF_A_POD = {
    *("activeDeadlineSeconds", "affinity", "containers", "dnsConfig", "dnsPolicy", "hostname"),
    *("enableServiceLinks", "ephemeralContainers", "hostAliases", "hostnameOverride", "os"),
    *("imagePullSecrets", "initContainers", "nodeSelector", "overhead", "preemptionPolicy"),
    *("priority", "priorityClassName", "readinessGates", "resourceClaims", "resources"),
    *("restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "volumes"),
    *("schedulingGroup", "setHostnameAsFQDN", "subdomain", "terminationGracePeriodSeconds"),
    *("tolerations", "topologySpreadConstraints"),
}
CLOSED_VOLUMES = {
    *("hostPath", "flexVolume", "gitRepo", "iscsi", "fc", "rbd", "scaleIO", "cephfs", "glusterfs"),
    *("quobyte", "flocker", "portworxVolume", "storageos", "photonPersistentDisk", "cinder"),
    *("awsElasticBlockStore", "azureDisk", "gcePersistentDisk", "vsphereVolume"),
}
OPEN_VOLUMES = {
    *("azureFile", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "nfs"),
    *("persistentVolumeClaim", "projected", "secret"),
}
CLOSED_OF_A_CONTAINER = {"securityContext"}
OPEN_OF_A_CONTAINER = {
    *("args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "ports"),
    *("livenessProbe", "readinessProbe", "startupProbe", "resizePolicy", "resources", "tty"),
    *("restartPolicy", "restartPolicyRules", "stdin", "stdinOnce", "terminationMessagePath"),
    *("terminationMessagePolicy", "volumeDevices", "volumeMounts", "workingDir"),
}


@pytest.mark.parametrize(
    ("kind", "around", "closed", "left"),
    [
        ("V1PodSpec", lambda one: job(**one), CLOSED_OF_A_POD, OPEN_OF_A_POD),
        ("V1Volume", lambda one: job(volumes=[one]), CLOSED_VOLUMES, OPEN_VOLUMES),
        ("V1Container", job, CLOSED_OF_A_CONTAINER, OPEN_OF_A_CONTAINER),
    ],
    ids=["pod", "volume", "container"],
)
def test_of_each_field_that_kubernetes_has_it_is_known_whether_it_is_open(
    kind: str,
    around: Callable[[dict[str, Any]], dict[str, Any]],
    closed: set[str],
    left: set[str],
) -> None:
    fields = KubernetesRunner.args_schema()["$defs"][kind]["properties"]
    assert closed | left == set(fields) - {"name"}
    for name in closed | left:
        assert bool(objections(around({name: {"x": 1}}))) is (name in closed)


def test_it_does_so_anywhere_in_a_custom_resource() -> None:
    config = example(VOLCANO)
    config["spec"]["tasks"][1]["template"]["spec"]["hostPID"] = True
    config["extra"] = [{"hostPath": {}}]
    assert objections(config) == [
        "resource_args.spec.tasks[1].template.spec.hostPID: is not allowed",
        "resource_args.extra[0].hostPath: is not allowed",
    ]


def test_capabilities_are_a_queues_to_add_and_refused_by_a_strict_policy() -> None:
    config = job({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}})
    launch = replace(make_launch(), resource_args=config)
    check_policy(launch, Policy(secure_mode=True), KubernetesRunner)
    both = replace(STRICT, secure_mode=True)
    with pytest.raises(Rejected, match=r"securityContext: is not allowed"):
        check_policy(launch, both, KubernetesRunner)


@pytest.mark.parametrize(
    "config",
    [
        job(hostNetwork=False, automountServiceAccountToken=False, serviceAccountName=""),
        job({"volumeMounts": [{"name": "a", "mountPath": "/coco/annotations"}]}),
        job({"volumeMounts": [{"name": "rbd", "mountPath": "/mnt/cephfs", "subPath": "a/rbd"}]}),
        job({"ports": [{"containerPort": 80, "hostPort": 0}]}),
        job({"volumeMounts": [{"name": "a", "mountPropagation": "HostToContainer"}]}),
        {"metadata": {"annotations": {"note": "unconfined", "prometheus.io/port": "80"}}},
        {"metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": DEFAULT}}},
        {"metadata": {"labels": {"team.io/privileged": "yes", "capabilities": "a"}}},
        {"metadata": {"labels": {"type": "NodePort"}}, "x": "NodePort", "type": "ClusterIP"},
        *(example(text) for text in (SEED_JOB, SEED_PYTORCH, MPI, RAY, JOBSET, TRAIN, LEADER)),
    ],
    ids=range(16),
)
def test_it_lets_the_rest_pass(config: dict[str, Any]) -> None:
    assert objections(config) == []


def test_what_is_nested_too_deep_is_not_allowed() -> None:
    (line,) = objections({"spec": nested(10_000)})
    assert line.endswith(": it is nested too deep to be looked at")


@pytest.mark.parametrize(
    "config",
    [
        job({}, {}, initContainers=[{"name": "i"}], ephemeralContainers=[{"name": "e"}]),
        *(example(text) for text in (SEED_PYTORCH, MPI, VOLCANO, RAY, JOBSET, TRAIN, LEADER)),
        {"apiVersion": "x.io/v1", "kind": "A", "pods": [{"initContainers": [{}]}]},
        {"apiVersion": "x.io/v1", "kind": "A", "spec": {"templates": [{"script": {"image": "a"}}]}},
        {"apiVersion": "x.io/v1", "kind": "A", "spec": {"container": {"image": "a"}}},
        {"apiVersion": "x.io/v1", "kind": "A", "spec": {"steps": [{"image": "a"}]}},
        {"apiVersion": "x.io/v1", "kind": "A", "spec": {"Steps": [{"image": "a", "Ref": None}]}},
    ],
    ids=range(13),
)
def test_each_container_gets_launchkits_security_context(config: dict[str, Any]) -> None:
    made = body(config, context=BuildContext(namespace="default", strict=True))
    found = [*all_containers(made)]
    assert found
    assert all(container["securityContext"] == SECURITY for container in found)


def test_a_container_that_has_its_image_from_elsewhere_gets_it_too() -> None:
    task = {"stepTemplate": {"image": "a"}, "steps": [{"args": ["id"]}], "sidecars": [{}]}
    argo = {"templateDefaults": {"container": {"image": "a"}}, "templates": [{"container": {}}]}
    context = BuildContext(namespace="default", strict=True)
    for spec, containers in ((task, 3), (argo, 2)):
        made = body({"apiVersion": "x.io/v1", "kind": "A", "spec": spec}, context=context)
        assert repr(made).count("allowPrivilegeEscalation") == containers
    steps = {"steps": [{"name": "s", "ref": {"name": "x"}}]}
    made = body({"apiVersion": "x.io/v1", "kind": "A", "spec": steps}, context=context)
    assert made["spec"] == steps


@pytest.mark.parametrize("key", ["template", "Template", "templateRef", "inline", "ref"])
@pytest.mark.parametrize("value", ["y", "", {}, False])
@pytest.mark.parametrize("place", ["sidecars", "steps"])
def test_what_has_an_image_gets_it_whatever_else_it_has(place: str, key: str, value: Any) -> None:
    spec = {place: [{"name": "s", "image": "evil", key: value}]}
    context = BuildContext(namespace="default", strict=True)
    made = body({"apiVersion": "x.io/v1", "kind": "A", "spec": spec}, context=context)
    assert made["spec"][place][0]["securityContext"] == SECURITY
    patch = {"op": "add", "path": f"/spec/{place}/-", "value": spec[place][0]}
    told = objections({"apiVersion": "x.io/v1", "kind": "A", "spec": {"patches": [patch]}})
    assert told == ["resource_args.spec.patches[0]: a container in a patch is not allowed"]


def test_a_launch_that_slipped_through_gets_it_in_place_of_its_own() -> None:
    config = job({"securityContext": {"privileged": True}})
    made = body(config, context=BuildContext(namespace="default", strict=True))
    assert "privileged" not in repr(made)


def test_the_policy_is_a_word() -> None:
    with pytest.raises(ConfigError, match=r"policy\.kubernetes"):
        objections({}, Policy(of_runners={"kubernetes": "sometimes"}))
