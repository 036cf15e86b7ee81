"""The names of what belongs to the chart alone: no run may name it."""

import re

import pytest
import yaml
from launchkit_kubernetes.manifest.args import check_args

from launchkit.errors import Rejected

from .charts import WITH_SERVER, Object, merged, named, need_helm, pod, render
from .values import CREDENTIALS, VOLUME

pytestmark = pytest.mark.usefixtures("helm")
RELEASES = ["demo", "launchkit-agent", "my-launchkit-agent", "a" * 41]
NOTES = "launchkit-agent/templates/NOTES.txt"


@pytest.fixture(scope="module")
def helm() -> None:
    need_helm()


@pytest.mark.parametrize("release", RELEASES)
def test_no_run_can_have_a_secret_of_a_release(release: str) -> None:
    given = merged(WITH_SERVER, {"agent": {"secretEnv": {"A": "b"}}, "gitCreds": CREDENTIALS})
    rendered = render({**given, "fullnameOverride": release})
    names = {one["metadata"]["name"] for one in rendered.all("Secret")}
    assert len(names) == 2
    for name in names:
        with pytest.raises(Rejected, match="names a Secret of launchkit's own"):
            check_args({"spec": {"template": {"spec": {"imagePullSecrets": [{"name": name}]}}}})
    pods = yaml.safe_dump_all(
        one["spec"]["template"]["spec"]
        for one in rendered.objects
        if one["kind"] in {"Deployment", "StatefulSet"}
    )
    assert {*re.findall(r"secretName: (\S+)", pods)} <= names
    used = re.findall(r"secretKeyRef:\n +key: \S+\n +name: (\S+)", pods)
    assert {*used} == names


@pytest.mark.parametrize("release", RELEASES)
def test_no_run_can_have_the_database_of_a_release(release: str) -> None:
    rendered = render(WITH_SERVER, {"fullnameOverride": release})
    (claim,) = rendered.all("PersistentVolumeClaim")
    name = {"claimName": claim["metadata"]["name"]}
    of_database = pod(rendered, "StatefulSet", f"{release}-postgresql")
    assert named(of_database["volumes"], "data")["persistentVolumeClaim"] == name
    volumes = [{"name": "v", "persistentVolumeClaim": name}]
    with pytest.raises(Rejected, match="a claim of launchkit's own"):
        check_args({"spec": {"template": {"spec": {"volumes": volumes}}}})


def test_claims_that_runs_may_have_are_told() -> None:
    told = "can have the volumes of these claims"
    assert told not in render(WITH_SERVER).texts[NOTES]

    def claim(name: str) -> Object:
        return {"persistentVolumeClaim": {"claimName": name}}

    extra = [{"name": "a", **claim("code")}, {"name": "b", **claim("launchkit-code")}, *VOLUME]
    parts = {
        "agent": {"extraVolumes": extra, "workVolume": claim("work")},
        "postgresql": {"volume": claim("mine")},
    }
    _, _, names = render(WITH_SERVER, parts).texts[NOTES].partition(told)
    assert re.findall(r"(?m)^  (\S+)$", names) == ["mine", "work", "code"]


def test_secrets_that_runs_may_have_are_told() -> None:
    assert "can have these Secrets" not in render(WITH_SERVER).texts[NOTES]
    given = {"agent": {"apiKey": None, "existingSecret": "mine"}, "gitCredsSecret": "launchkit-git"}
    whole = [{"secretRef": {"name": "whole"}}, {"configMapRef": {"name": "open"}}]
    pulls = [{"name": "pull"}, {"name": "launchkit-pull"}]
    init = {"name": "i", "image": "i", "envFrom": [{"secretRef": {"name": "of-init"}}]}
    beside = {"name": "x", "image": "i", "env": [of_key("of-extra")]}
    volumes = [
        {"name": "a", "secret": {"secretName": "of-volume"}},
        {"name": "b", "projected": {"sources": [{"secret": {"name": "in-pieces"}}]}},
        {"name": "c", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "of-driver"}}},
        {"name": "d", "emptyDir": {}},
    ]
    work = {"csi": {"driver": "d", "nodePublishSecretRef": {"name": "of-work"}}}
    of_agent = {"env": [of_key("of-env"), {"name": "B", "value": "b"}], "envFrom": whole}
    told = render(
        given,
        {"sshAuthSecrets": [{"name": "keys", "host": "h"}]},
        {"agent": {**of_agent, "imagePullSecrets": pulls}},
        {"agent": {"initContainers": [init], "extraContainers": [beside]}},
        {"agent": {"extraVolumes": volumes, "workVolume": work}},
    ).texts[NOTES]
    _, _, names = told.partition("can have these Secrets")
    of_containers = ["whole", "of-env", "of-init", "of-extra"]
    of_volumes = ["of-work", "of-volume", "in-pieces", "of-driver"]
    assert re.findall(r"(?m)^  (\S+)$", names) == [
        *("mine", "keys", "pull"),
        *of_containers,
        *of_volumes,
    ]


def of_key(secret: str) -> Object:
    return {"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": "a"}}}


def test_a_service_account_that_runs_may_have_is_told() -> None:
    told = "can have the service account"
    own = {"serviceAccount": {"name": "launchkit-mine"}}
    assert told not in render().texts[NOTES] + render(own).texts[NOTES]
    assert f"{told} mine in" in render({"serviceAccount": {"name": "mine"}}).texts[NOTES]
