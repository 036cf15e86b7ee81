"""The pages about Kubernetes: the tutorial is typed on a real cluster, and the rest is right."""

from pathlib import Path

import yaml
from launchkit_kubernetes.cluster.findings import RIGHTS
from launchkit_kubernetes.runner import KubernetesRunner
from pages import ROOT, blocks, commands_of, type_commands, write_files

from .cluster.access import Access

TUTORIAL = ROOT / "docs" / "tutorial" / "kubernetes.md"
REFERENCE = ROOT / "docs" / "reference" / "kubernetes.md"
IMAGE = "busybox:1.36"


def test_the_tutorial_does_what_it_says(
    cluster: Access, namespace: str, busybox: str, tmp_path: Path
) -> None:
    kubeconfig = cluster.write_kubeconfig(tmp_path / "kubeconfig", namespace=namespace)
    write_files(TUTORIAL, tmp_path, {IMAGE: busybox})
    environ = {"KUBECONFIG": str(kubeconfig)}
    type_commands(commands_of(blocks(TUTORIAL)), tmp_path, {IMAGE: busybox}, environ)
    pods = cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert not [pod for pod in pods if pod["status"]["phase"] in {"Pending", "Running"}]


def test_the_role_of_the_page_has_the_rights_that_an_agent_needs() -> None:
    (role,) = (
        yaml.safe_load(one.text) for one in blocks(REFERENCE) if "file=role.yaml" in one.words
    )
    told = {
        (group, resource): tuple(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert told == RIGHTS


def test_the_page_names_each_setting_of_the_runner() -> None:
    text = REFERENCE.read_text()
    assert [name for name in KubernetesRunner.setting_names() if f"| `{name}` |" not in text] == []
