"""What the chart makes of its values as a whole, and what it refuses."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import ROOT, blocks

from launchkit.settings import load_settings

from .charts import (
    FOLDER,
    NAME,
    VALUES,
    WITH_SERVER,
    Rendered,
    at,
    merged,
    named,
    need_helm,
    pod,
    render,
)

pytestmark = pytest.mark.usefixtures("helm")
GIT = {"gitCreds": "https://me:pass%20word@git.example.com\n"}


@pytest.fixture(scope="module")
def helm() -> None:
    need_helm()


@pytest.mark.parametrize("values", [{}, WITH_SERVER], ids=["agent", "with its queue service"])
def test_the_same_values_are_rendered_to_the_same(values: Mapping[str, Any]) -> None:
    assert render(values).texts == render(values).texts


def test_nothing_is_looked_up_or_random() -> None:
    texts = [file.read_text() for file in (FOLDER / "templates").rglob("*.*")]
    assert len(texts) > 10
    assert not re.search(r"\b(lookup|rand\w*|gen[A-Z]\w+|uuidv4|now|htpasswd)\b", "".join(texts))


def test_helm_finds_nothing_to_complain_of() -> None:
    import helm_python

    told = helm_python.lint(FOLDER, merged(VALUES, WITH_SERVER), strict=True)
    assert told["errors"] == []
    assert {one["error"] for one in told["messages"]} <= {"icon is recommended"}


def test_all_goes_to_the_namespace_of_the_release() -> None:
    for namespace in ("ml", "elsewhere"):
        objects = render(WITH_SERVER, namespace=namespace).objects
        assert {one["metadata"]["namespace"] for one in objects} == {namespace}
        role = render(namespace=namespace).one("RoleBinding")
        assert role["subjects"][0]["namespace"] == namespace


def test_no_right_reaches_beyond_a_namespace_unless_it_is_asked_for() -> None:
    rendered = render({"additionalTargetNamespaces": ["a", "b"]})
    assert rendered.all("ClusterRole") == []
    assert rendered.all("ClusterRoleBinding") == []
    assert [one["metadata"]["namespace"] for one in rendered.all("Role")] == ["ml", "a", "b"]
    assert [one["metadata"]["namespace"] for one in rendered.all("RoleBinding")] == ["ml", "a", "b"]


def test_two_releases_of_one_name_may_have_runs_in_the_same_namespace() -> None:
    shared = {"additionalTargetNamespaces": ["runs"]}
    names = {
        one["metadata"]["name"]
        for namespace in ("a", "b")
        for one in render(shared, namespace=namespace).all("Role")
        if one["metadata"]["namespace"] == "runs"
    }
    assert len(names) == 2


def test_the_role_is_the_one_of_the_documentation() -> None:
    page = ROOT / "docs" / "reference" / "kubernetes.md"
    (shown,) = [yaml.safe_load(block.text) for block in blocks(page) if block.file == "role.yaml"]
    assert render().one("Role")["rules"] == shown["rules"]


def test_rights_and_accounts_may_be_somebody_elses_affair() -> None:
    rendered = render(
        {"rbac": {"create": False, "nodes": True}, "serviceAccount": {"create": False}}
    )
    kinds = {one["kind"] for one in rendered.objects}
    assert kinds == {"ConfigMap", "Secret", "Deployment"}
    assert pod(rendered)["serviceAccountName"] == "default"
    account = {"create": False, "name": "mine"}
    assert pod(render({"serviceAccount": account}))["serviceAccountName"] == "mine"


def restart_marks(*values: Mapping[str, Any]) -> dict[str, str]:
    deployment = render(*values).one("Deployment")
    marks = at(deployment, "spec template metadata annotations")
    return {name: mark for name, mark in marks.items() if name.startswith("checksum/")}


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"launchConfig": "queues: [other]"}, {"checksum/config"}),
        ({"agent": {"drainTimeout": 5}}, {"checksum/config"}),
        ({"agent": {"apiKey": "another"}}, {"checksum/secret"}),
        ({"agent": {"secretEnv": {"A": "b"}}}, {"checksum/secret"}),
        (GIT, {"checksum/secret"}),
        ({"agent": {"replicas": 3}}, set()),
        ({"additionalTargetNamespaces": ["a"]}, set()),
    ],
)
def test_another_setting_or_secret_restarts_the_agent(
    values: Mapping[str, Any], changed: set[str]
) -> None:
    before, after = restart_marks(), restart_marks(values)
    assert {name for name in before if before[name] != after[name]} == changed


def test_another_password_restarts_the_queue_service() -> None:
    def mark(password: str) -> str:
        rendered = render(WITH_SERVER, {"postgresql": {"password": password}})
        deployment = rendered.one("Deployment", f"{NAME}-server")
        return str(at(deployment, "spec template metadata annotations checksum/secret"))

    assert mark("a") != mark("b")


def test_a_secret_that_is_there_already_is_used_and_none_is_made() -> None:
    rendered = render({"agent": {"apiKey": None, "existingSecret": "mine"}})
    assert rendered.all("Secret") == []
    volume = named(pod(rendered)["volumes"], "token")["secret"]
    assert volume == {"secretName": "mine", "items": [{"key": "token", "path": "token"}]}
    mount = at(pod(rendered), "containers agent volumeMounts token")
    assert "subPath" not in mount  # such a file would never change


def test_secrets_stand_in_secrets_alone() -> None:
    secrets = ["S3CRET-token", "S3CRET-git", "S3CRET-azure", "S3CRET-env", "S3CRET-password"]
    token, git, azure, env, password = secrets
    rendered = render(
        WITH_SERVER,
        {
            "agent": {"apiKey": token, "secretEnv": {"A": env}},
            "gitCreds": f"https://me:{git}@git.example.com",
            "azureStorageAccessKey": azure,
            "postgresql": {"password": password},
        },
    )
    for one in rendered.objects:
        assert one["kind"] == "Secret" or "S3CRET" not in yaml.safe_dump(one)
    assert "S3CRET" not in rendered.texts["launchkit-agent/templates/NOTES.txt"]
    kept = yaml.safe_dump_all(rendered.all("Secret"))
    assert [secret for secret in secrets if secret not in kept] == []


def test_a_chart_above_may_switch_it_off_and_share_values_with_it(tmp_path: Path) -> None:
    above = tmp_path / "above"
    shutil.copytree(FOLDER, above / "charts" / FOLDER.name)
    dependency = {"name": FOLDER.name, "version": "0.1.0", "condition": f"{FOLDER.name}.enabled"}
    chart = {"apiVersion": "v2", "name": "above", "version": "1.0.0", "dependencies": [dependency]}
    (above / "Chart.yaml").write_text(yaml.safe_dump(chart))
    values = {"global": {"registry": "r.example.com"}, FOLDER.name: {**VALUES, "enabled": True}}
    on = render(values, folder=above)
    assert on.one("Deployment")["metadata"]["name"] == NAME
    off = render(merged(values, {FOLDER.name: {"enabled": False}}), folder=above)
    assert off.objects == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"launchConfig": None}, ["launchConfig", "queues"]),
        ({"launchConfig": "max_jobs: 3"}, ["launchConfig", "queues"]),
        ({"launchConfig": "- a"}, ["launchConfig", "no map"]),
        ({"launchConfig": "queues:\n\t- a"}, ["launchConfig", "line 2"]),
        ({"agentConfig": "queues: [a]"}, ["launchConfig", "agentConfig"]),
        ({"baseUrl": None}, ["baseUrl", "server.enabled"]),
        ({"launchConfig": "queues: [a]\nbackend: postgresql://h/q"}, ["backend", "baseUrl"]),
        *(
            (
                {"baseUrl": None, "launchConfig": {"queues": ["a"], "backend": backend}},
                ["launchConfig.backend", "PGPASSWORD", "agent.secretEnv"],
            )
            for backend in ("postgresql://u:pw@h/q", "postgresql:///q?user=u&password=pw")
        ),
        ({"agent": {"apiKey": None}}, ["agent.apiKey", "agent.existingSecret"]),
        ({"agent": {"existingSecret": "s"}}, ["agent.apiKey", "agent.existingSecret"]),
        ({**GIT, "gitCredsSecret": "s"}, ["gitCreds", "gitCredsSecret"]),
        ({"server": {"enabled": True}}, ["server.database", "postgresql.enabled"]),
        ({"postgresql": {"enabled": True, "password": "p"}}, ["server.enabled"]),
        (merged(WITH_SERVER, {"server": {"database": {"url": "postgresql://h/q"}}}), ["database"]),
        (merged(WITH_SERVER, {"postgresql": {"password": None}}), ["postgresql.password"]),
        ({"agent": {"apiKay": "t"}}, ["agent", "apiKay"]),
        ({"agent": {"replicas": "two"}}, ["agent/replicas"]),
        ({"baseUrl": "queue.example.com"}, ["baseUrl"]),
        ({"agent": {"podSpec": {"volumes": []}}}, ["podSpec", "volumes"]),
        *(
            ({"serviceAccount": account}, ["serviceAccount.name", "`default`", "rbac.create"])
            for account in ({"create": False}, {"create": None}, {"name": "default"})
        ),
    ],
)
def test_values_that_make_no_agent_are_refused_with_their_name(
    values: Mapping[str, Any], words: list[str]
) -> None:
    import helm_python

    with pytest.raises(helm_python.HelmError) as caught:
        render(values)
    assert [word for word in words if word not in str(caught.value)] == []


LOGINS = [
    *("u:hunter2@h/d", ":hunter2@h/d", "u:hunter2/x@h/d", "u:hunter2?x@h", "u%3Ahunter2@h/d"),
    *("u:hunter2@x@h/d", "h/d?user=u&Password=hunter2", "h/d?sslpassword=hunter2"),
    *("h/d?pass%77ord=hunter2", "h/d?user=u;password=hunter2", "h?a=b&token=hunter2"),
]
PLAIN = ["u@h:5432/d", "h:5432/d?user=u@server&sslmode=require", "[::1]:5432/d?passfile=/p", "h"]


def with_address(place: str, address: str) -> Mapping[str, Any]:
    config = {"launchConfig": {"queues": ["a"], "backend": f"postgresql://{address}"}}
    database = {"server": {"enabled": True, "database": {"url": f"postgresql://{address}"}}}
    return {
        "launchConfig.backend": {"baseUrl": None, **config, "agent": {"apiKey": "t"}},
        "server.database.url": {"baseUrl": None, **database},
        "baseUrl": {"baseUrl": f"https://{address}"},
        "proxy.http": {"proxy": {"http": f"http://{address}"}},
        "proxy.https": {"proxy": {"https": address}},
    }[place]


PLACES = ["launchConfig.backend", "server.database.url", "baseUrl", "proxy.http", "proxy.https"]


@pytest.mark.parametrize("place", PLACES)
def test_no_address_brings_a_login_into_an_object_that_is_no_secret(place: str) -> None:
    import helm_python

    for address in LOGINS:
        with pytest.raises(helm_python.HelmError, match=f"{place}: what it has of a login"):
            render(with_address(place, address))
    for address in PLAIN:
        assert render(with_address(place, address)).all("Deployment")


def test_a_proxy_with_a_login_stands_in_a_secret_and_the_clusters_addresses_need_none() -> None:
    rendered = render(
        {"agent": {"secretEnv": {"HTTPS_PROXY": "http://u:p@h"}}, "proxy": {"no": ".example"}}
    )
    assert "http://u:p@h" in rendered.one("Secret")["stringData"].values()
    assert ".svc,.cluster.local" in environ(rendered)["NO_PROXY"]
    assert environ(rendered)["NO_PROXY"].endswith(",.example")


def test_a_queue_in_a_database_needs_neither_service_nor_token() -> None:
    config = "queues: [a]\nbackend: postgresql://launch@db/queue"
    env = [{"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}]
    rendered = render({"baseUrl": None, "launchConfig": config},
                      {"agent": {"apiKey": None, "env": env}})  # fmt: skip
    names = [one["name"] for one in at(pod(rendered), "containers agent env")]
    assert "PGPASSWORD" in names
    assert not {"LAUNCHKIT_BACKEND", "LAUNCHKIT_TOKEN_FILE"} & {*names}


def environ(rendered: Rendered) -> dict[str, str]:
    """The variables of the agent, as far as they stand in its pod."""
    env = at(pod(rendered), "containers agent env")
    found = {one["name"]: one["value"] for one in env if "value" in one}
    return {name: text.replace("$(POD_NAME)", "a-pod") for name, text in found.items()}


def test_launchkit_takes_what_the_chart_gives_it(tmp_path: Path) -> None:
    rendered = render({"launchConfig": "queues: [train]\nmax_jobs: 1000000\nentity: vision\n"})
    path = tmp_path / "launch-config.yaml"
    path.write_text(rendered.one("ConfigMap")["data"]["launch-config.yaml"])
    environ_of_pod = {**environ(rendered), "HOME": str(tmp_path)}
    settings = load_settings(path, environ=environ_of_pod).settings
    assert (settings.queues, settings.max_jobs, settings.entity) == (("train",), 1000000, "vision")
    assert settings.builder is not None
    assert settings.builder.type == "noop"
    assert (settings.metrics_host, settings.metrics_port) == ("0.0.0.0", 9464)
    assert settings.name == "a-pod"
    assert settings.drain_timeout is not None
    assert settings.drain_timeout < pod(rendered)["terminationGracePeriodSeconds"]


def test_a_name_of_the_settings_stays_and_one_of_several_agents_is_made_longer() -> None:
    assert "LAUNCHKIT_NAME" not in environ(render({"launchConfig": "queues: [a]\nname: east"}))
    assert environ(render({"agent": {"name": "east"}}))["LAUNCHKIT_NAME"] == "east"
    several = environ(render({"agent": {"name": "east", "replicas": 2}}))
    assert several["LAUNCHKIT_NAME"] == "east-a-pod"


def test_a_variable_of_the_user_takes_the_place_of_the_charts() -> None:
    env = [{"name": "LAUNCHKIT_METRICS_HOST", "value": "::"}]
    listed = at(pod(render({"agent": {"env": env}})), "containers agent env")
    assert [one for one in listed if one["name"] == "LAUNCHKIT_METRICS_HOST"] == env


def test_git_is_given_the_credentials_and_does_not_write_to_them(tmp_path: Path) -> None:
    rendered = render(GIT)
    (tmp_path / "credentials").write_text(rendered.one("Secret")["stringData"][".git-credentials"])
    found = environ(rendered)
    place = at(pod(rendered), "containers agent volumeMounts git mountPath")
    helper = found["GIT_CONFIG_VALUE_0"].replace(place, str(tmp_path))
    env = {**found, "GIT_CONFIG_VALUE_0": helper, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    asked = "protocol=https\nhost=git.example.com\n\n"

    def git(what: str) -> str:
        command = ["git", "credential", what]
        return subprocess.run(
            command, env=env, input=asked, check=True, capture_output=True, text=True
        ).stdout

    assert "password=pass word" in git("fill")
    git("reject")
    assert "password=pass word" in git("fill")


def test_one_agent_has_no_disruption_budget_that_would_hold_a_node() -> None:
    budget = {"agent": {"podDisruptionBudget": {"enabled": True}}}
    assert render(budget).all("PodDisruptionBudget") == []
    (found,) = render(budget, {"agent": {"replicas": 2}}).all("PodDisruptionBudget")
    wanted = render().one("Deployment")["spec"]["selector"]
    assert found["spec"] == {"maxUnavailable": 1, "selector": wanted}


def test_each_container_of_the_chart_may_do_as_little_as_possible() -> None:
    rendered = render(WITH_SERVER)
    pods = [one for kind in ("Deployment", "StatefulSet") for one in rendered.all(kind)]
    specs = [at(one, "spec template spec") for one in pods]
    containers = [
        c for spec in specs for c in (*spec.get("initContainers", ()), *spec["containers"])
    ]
    assert len(containers) == 4
    for container in containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"]
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["enableServiceLinks"] is False
        assert ("serviceAccountName" in spec) != (spec.get("automountServiceAccountToken") is False)


def test_the_versions_of_chart_image_and_launchkit_are_one() -> None:
    import launchkit

    chart = yaml.safe_load((FOLDER / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == launchkit.__version__
    assert at(pod(render()), "containers agent image").endswith(f":{launchkit.__version__}")


def test_the_examples_of_the_guide_are_values_of_the_chart() -> None:
    page = ROOT / "docs" / "how-to" / "install-with-helm.md"
    examples = [yaml.safe_load(block.text) for block in blocks(page) if block.language == "yaml"]
    assert len(examples) == 5
    for example in examples:
        own = {"agent": {"apiKey": None}} if "existingSecret" in example.get("agent", {}) else {}
        rendered = render(own, {"baseUrl": None} if "server" in example else {}, example)
        assert rendered.one("Deployment")


def test_each_value_of_the_guides_table_is_one_of_the_chart() -> None:
    text = (ROOT / "docs" / "how-to" / "install-with-helm.md").read_text()
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    told = [word for row in rows for word in re.findall(r"`([\w.]+)`", row)]
    assert len(told) > 15
    for word in told:
        at(values, word.replace(".", " "))  # or it fails, naming the word


SEED = ROOT / "tests" / "data" / "seed" / "helm-values.yaml"


def test_the_values_of_the_seed_are_those_of_the_chart() -> None:
    values = yaml.safe_load(SEED.read_text())
    import helm_python

    with pytest.raises(helm_python.HelmError, match=r"agent\.apiKey: set it to the agent's token"):
        render(values)
    rendered = render(values, {"agent": {"apiKey": "its-token"}})
    (agent,) = pod(rendered)["containers"]
    assert (agent["image"], agent["imagePullPolicy"]) == ("wandb/launch-agent:latest", "Always")
    assert agent["resources"]["limits"] == {"cpu": "1000m", "memory": "1Gi"}
    assert {one["metadata"]["namespace"] for one in rendered.all("Role")} == {"wandb", "default"}
    assert "annotations" not in rendered.one("ServiceAccount")["metadata"]
    config = yaml.safe_load(rendered.one("ConfigMap")["data"]["launch-config.yaml"])
    assert config["builder"] == {"type": "kaniko", "build-context-store": "<s3-bucket-uri>"}
