"""No config names a Secret, an account or a claim of launchkit's own."""

import re
from typing import Any

import pytest
from launchkit_kubernetes.manifest.args import check_args, parse_args
from launchkit_kubernetes.manifest.build import env_secret, pull_secret
from launchkit_kubernetes.manifest.code import code_secret
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import make_launch

from .making import body, job

OWN = "launchkit-agent"
CODE = "launchkit-code"
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"


def of_kind(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "spec": spec}


def variable(source: dict[str, Any]) -> dict[str, Any]:
    return {"env": [{"name": "A", "valueFrom": source}]}


ROWS: list[tuple[dict[str, Any], str]] = [
    (
        job(variable({"secretKeyRef": {"name": OWN, "key": "token"}})),
        f"{CONTAINER}.env[0].valueFrom.secretKeyRef.name",
    ),
    (job({"envFrom": [{"secretRef": {"name": OWN}}]}), f"{CONTAINER}.envFrom[0].secretRef.name"),
    (job(imagePullSecrets=[{"name": OWN}]), f"{POD}.imagePullSecrets[0].name"),
    (
        job({}, initContainers=[{"envFrom": [{"secretRef": {"name": OWN}}]}]),
        f"{POD}.initContainers[0].envFrom[0].secretRef.name",
    ),
    *(
        (job(volumes=[{"name": "s", **volume}]), f"{POD}.volumes[0].{path}")
        for volume, path in (
            ({"secret": {"secretName": OWN}}, "secret.secretName"),
            ({"secret": {"secretName": "launchkit-r1-1-pull"}}, "secret.secretName"),
            ({"secret": {"secretName": "launchkit-${run_id}-1-env"}}, "secret.secretName"),
            ({"secret": {"secretName": "sh.helm.release.v1.a.v1"}}, "secret.secretName"),
            (
                {"projected": {"sources": [{"secret": {"name": OWN}}]}},
                "projected.sources[0].secret.name",
            ),
            (
                {"csi": {"driver": "d", "nodePublishSecretRef": {"name": OWN}}},
                "csi.nodePublishSecretRef.name",
            ),
            (
                {"csi": {"driver": "d", "volumeAttributes": {"secretName": OWN}}},
                "csi.volumeAttributes.secretName",
            ),
            ({"azureFile": {"shareName": "a", "secretName": OWN}}, "azureFile.secretName"),
            ({"cephfs": {"monitors": ["a"], "secretRef": {"name": OWN}}}, "cephfs.secretRef.name"),
        )
    ),
    (of_kind(pod={"volumes": [{"Secret": {"secret_name": OWN}}]}), "spec.pod.volumes[0].Secret"),
    (of_kind(driver={"secrets": [{"name": OWN, "path": "/s"}]}), "spec.driver.secrets[0].name"),
    (of_kind(s3={"accessKeySecret": {"name": OWN, "key": "a"}}), "spec.s3.accessKeySecret.name"),
    (of_kind(source={"kind": "Secret", "name": OWN}), "spec.source.name"),
    (
        of_kind(sparkConf={f"spark.kubernetes.driver.secrets.{OWN}": "/s"}),
        f"spec.sparkConf.spark.kubernetes.driver.secrets.{OWN}",
    ),
    (
        of_kind(sparkConf={"spark.kubernetes.driver.secretKeyRef.A": f"{OWN}:token"}),
        "spec.sparkConf.spark.kubernetes.driver.secretKeyRef.A",
    ),
    (
        of_kind(flinkConfiguration={"kubernetes.secrets": f"a:/a,{OWN}:/b"}),
        "spec.flinkConfiguration.kubernetes.secrets",
    ),
    (of_kind(podSpecPatch='{"volumes":[{"secret":{"secretName":"launchkit-a"}}]}'), "spec.podSpec"),
    (of_kind(podSpecPatch='{"secretName": "\\u006caunchkit-a"}'), "spec.podSpecPatch"),
    (of_kind(text='{"a": "secrets: [{name:\\tlaunchkit-a}]"}'), "spec.text"),
    (
        of_kind(patch=[{"op": "add", "path": "/volumes/0/secret/secretName", "value": OWN}]),
        "spec.patch[0].value",
    ),
]


@pytest.mark.parametrize(("config", "path"), ROWS, ids=range(len(ROWS)))
def test_no_config_names_a_secret_of_launchkits_own(config: dict[str, Any], path: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_args(config)
    assert refused.value.message.startswith(f"resource_args.{path}")
    assert "names a Secret of launchkit's own" in refused.value.message
    with pytest.raises(Rejected, match="names a Secret of launchkit's own"):
        check_args({"kubernetes": config})


@pytest.mark.parametrize(
    ("config", "path"),
    [
        (job(serviceAccountName=OWN), f"{POD}.serviceAccountName"),
        (job(serviceAccount=OWN), f"{POD}.serviceAccount"),
        (of_kind(head={"service_account": OWN}), "spec.head.service_account"),
        (of_kind(podSpecPatch=f"serviceAccountName: {OWN}"), "spec.podSpecPatch"),
        (of_kind(to=[{"kind": "ServiceAccount", "name": OWN}]), "spec.to[0].name"),
        (
            of_kind(sparkConf={"spark.kubernetes.authenticate.driver.serviceAccountName": OWN}),
            "spec.sparkConf.spark.kubernetes.authenticate.driver.serviceAccountName",
        ),
        (
            of_kind(patch=[{"op": "add", "path": "/spec/serviceAccountName", "value": OWN}]),
            "spec.patch[0].value",
        ),
    ],
)
def test_no_config_names_the_account_of_an_agent(config: dict[str, Any], path: str) -> None:
    """Its token reads each Secret of the namespace."""
    with pytest.raises(Rejected, match="or a service account or a claim of launchkit") as refused:
        check_args(config)
    assert refused.value.message.startswith(f"resource_args.{path}: ")


CLAIM = {"claimName": "launchkit-agent-postgresql"}
SOURCE = {"kind": "PersistentVolumeClaim", "name": CODE}
CLAIMS: list[tuple[dict[str, Any], str]] = [
    *(
        (job(volumes=[{"name": "v", **volume}]), f"{POD}.volumes[0].{path}")
        for volume, path in (
            ({"persistentVolumeClaim": CLAIM}, "persistentVolumeClaim.claimName"),
            (
                {"persistentVolumeClaim": {"claimName": "launchkit-${run_id}", "readOnly": True}},
                "persistentVolumeClaim.claimName",
            ),
            *(
                (
                    {"ephemeral": {"volumeClaimTemplate": {"spec": spec}}},
                    f"ephemeral.volumeClaimTemplate.spec.{path}",
                )
                for spec, path in (
                    ({"dataSource": SOURCE}, "dataSource.name"),
                    ({"dataSourceRef": {**SOURCE, "namespace": "a"}}, "dataSourceRef.name"),
                    ({"volumeName": CODE}, "volumeName"),
                )
            ),
        )
    ),
    (
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "launchkit-state"}}]},
        },
        "spec.volumeClaimTemplates[0].metadata.name",
    ),
    (
        {"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"claimRef": SOURCE}},
        "spec.claimRef.name",
    ),
    (of_kind(pod={"Volumes": [{"persistent_volume_claim": CLAIM}]}), "spec.pod.Volumes[0]"),
    (of_kind(worker={"pvc": CODE}), "spec.worker.pvc"),
    (of_kind(volumes=[{"volumeClaimName": CODE}]), "spec.volumes[0].volumeClaimName"),
    (of_kind(volumes=[{"dataVolume": {"name": CODE}}]), "spec.volumes[0].dataVolume"),
    (of_kind(source=SOURCE), "spec.source.name"),
    (of_kind(model={"storageUri": "pvc://launchkit-code/a"}), "spec.model.storageUri"),
    (
        of_kind(sparkConf={"a.volumes.persistentVolumeClaim.b.options.claimName": CODE}),
        "spec.sparkConf.a.volumes.persistentVolumeClaim.b.options.claimName",
    ),
    (
        of_kind(podSpecPatch=f"volumes: [{{persistentVolumeClaim: {{claimName: {CODE}}}}}]"),
        "spec.p",
    ),
    (of_kind(podSpecPatch='{"claimName": "\\u006caunchkit-code"}'), "spec.podSpecPatch"),
    (
        of_kind(patch=[{"op": "add", "path": "/volumes/0/persistentVolumeClaim/a", "value": CODE}]),
        "spec.patch[0].value",
    ),
]


@pytest.mark.parametrize(("config", "path"), CLAIMS, ids=range(len(CLAIMS)))
def test_no_config_names_a_claim_of_launchkits_own(config: dict[str, Any], path: str) -> None:
    """Such as that of the chart's database."""
    with pytest.raises(Rejected, match="or a claim of launchkit's own") as refused:
        check_args(config)
    assert refused.value.message.startswith(f"resource_args.{path}")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("${run_name}-1-pull", {"name": "launchkit-r2"}),
        ("${project_name}-${run_id}-1-pull", {"project": "Launchkit"}),
    ],
)
def test_no_macro_makes_the_name_of_a_secret_or_a_claim_of_launchkits_own(
    name: str, fields: dict[str, Any]
) -> None:
    secret = {"name": "s", "secret": {"secretName": name}}
    claim = {"name": "c", "persistentVolumeClaim": {"claimName": name}}
    config = job(volumes=[secret, claim])
    check_args(config)
    launch = make_launch(resource_args=config, **fields)
    agent = AgentSide(policy=Policy(), environ={}, extra_env={})
    bound = bind(launch, image=None, code=None, runner=KubernetesRunner, agent=agent)
    with pytest.raises(Rejected) as refused:
        parse_args(bound.submission.resource_args)
    for path in (r"\[0\].secret.secretName", r"\[1\].persistentVolumeClaim.claimName"):
        assert re.search(rf"volumes{path}: names a Secret of", refused.value.message)


@pytest.mark.parametrize(
    "config",
    [
        job({"image": "launchkit-agent:1", "name": "launchkit-a"}),
        job({"args": ["cat", "/secrets/launchkit-agent"]}),
        job({"env": [{"name": "SECRET", "value": "launchkit-agent"}]}),
        job(volumes=[{"name": "s", "secret": {"secretName": "my-launchkit-a"}}]),
        job(volumes=[{"name": "s", "configMap": {"name": "launchkit-agent"}}]),
        job(volumes=[{"name": "launchkit-a", "persistentVolumeClaim": {"claimName": "a"}}]),
        job(volumes=[{"name": "s", "persistentVolumeClaim": {"claimName": "my-launchkit-a"}}]),
        job({"image": "secret.example.com/launchkit-a"}, serviceAccountName="my-launchkit-runs"),
        {"namespace": "launchkit-runs"},
    ],
)
def test_other_names_that_begin_so_are_names(config: dict[str, Any]) -> None:
    assert body(config)


@pytest.mark.parametrize("name", ["launchkit-r1-1", "train", "train-r1", "r1-1"])
def test_no_config_can_name_a_secret_of_any_run(name: str) -> None:
    for secret in (env_secret(name), pull_secret(name), code_secret(name, 0)):
        with pytest.raises(Rejected, match="names a Secret of launchkit's own"):
            check_args(job(imagePullSecrets=[{"name": secret}]))


def test_objects_of_different_names_have_different_secrets() -> None:
    names = ["launchkit-r1-1", "r1-1", "of-r1-1", "launchkit-of-r1-1", "launchkit"]
    assert len({*map(env_secret, names)}) == len(names)
