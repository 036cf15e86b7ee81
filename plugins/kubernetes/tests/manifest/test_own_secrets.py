"""No config names a Secret of launchkit's own."""

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
    with pytest.raises(Rejected, match="a service account of launchkit's own") as refused:
        check_args(config)
    assert refused.value.message.startswith(f"resource_args.{path}: ")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("${run_name}-1-pull", {"name": "launchkit-r2"}),
        ("${project_name}-${run_id}-1-pull", {"project": "Launchkit"}),
    ],
)
def test_no_macro_makes_the_name_of_a_secret_of_launchkits_own(
    name: str, fields: dict[str, Any]
) -> None:
    config = job(volumes=[{"name": "s", "secret": {"secretName": name}}])
    check_args(config)
    launch = make_launch(resource_args=config, **fields)
    agent = AgentSide(policy=Policy(), environ={}, extra_env={})
    bound = bind(launch, image=None, code=None, runner=KubernetesRunner, agent=agent)
    with pytest.raises(Rejected, match=r"volumes\[0\]\.secret\.secretName: names a Secret of"):
        parse_args(bound.submission.resource_args)


@pytest.mark.parametrize(
    "config",
    [
        job({"image": "launchkit-agent:1", "name": "launchkit-a"}),
        job({"args": ["cat", "/secrets/launchkit-agent"]}),
        job({"env": [{"name": "SECRET", "value": "launchkit-agent"}]}),
        job(volumes=[{"name": "s", "secret": {"secretName": "my-launchkit-a"}}]),
        job(volumes=[{"name": "s", "configMap": {"name": "launchkit-agent"}}]),
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
