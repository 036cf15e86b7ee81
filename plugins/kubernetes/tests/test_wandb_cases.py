"""What W&B makes of the config of a Kubernetes queue, as cases."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.model import GitSource
from launchkit.runners.identity import KUBERNETES

from .manifest.making import CHOSEN, CONTEXT, body, job, pod

FILE = Path(__file__).parent / "data" / "wandb_cases.yaml"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]
}
REFUSED = [case for case in CASES.values() if case["stance"] == "optional"]
STRICT = Policy(of_runners={"kubernetes": "strict", "kubernetes_kinds": ["*"]})


def starting(text: str) -> list[dict[str, Any]]:
    return [case for case in CASES.values() if case["id"].startswith(text)]


def test_a_name_that_the_queue_gives_is_kept_with_its_labels() -> None:
    case = CASES["k8s-explicit-name-kept"]
    made, wanted = body(case["input"]["queue_config"])["metadata"], case["expected"]["metadata"]
    assert (made["name"], made["namespace"]) == (wanted["name"], wanted["namespace"])
    assert "generateName" not in made
    assert made["labels"]["team"] == wanted["labels"]["team"]
    assert made["labels"]["launchkit/agent"] == wanted["labels"]["wandb.ai/agent"]


def test_containers_get_names_and_the_first_one_the_image() -> None:
    case = CASES["k8s-container-auto-names-and-image"]
    found = pod(body(case["input"]["queue_config"], image=case["input"]["image"]))["containers"]
    assert [one["name"] for one in found] == case["expected"]["names"]
    assert [one.get("image") for one in found] == case["expected"]["images"]


def test_an_entry_point_of_the_launch_leaves_containers_beside_the_main_one_alone() -> None:
    asked = CASES["k8s-override-entrypoint-wins-everywhere"]["input"]
    made = body(job(*asked["containers"]), *asked["override_entry_point"], origins=CHOSEN)
    first, second = pod(made)["containers"]
    assert first["command"] == asked["override_entry_point"]
    assert "command" not in second


def test_a_security_context_of_the_queue_stays_or_is_refused() -> None:
    config = job(CASES["k8s-security-context-forced-vs-default"]["input"]["queue_config_container"])
    (container,) = pod(body(config))["containers"]
    assert container["securityContext"] == {"runAsUser": 1234}
    assert [*KubernetesRunner.objections(config, STRICT)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in REFUSED])
def test_a_strict_policy_refuses_what_wandb_refuses(case: dict[str, Any]) -> None:
    config = job(**case["input"].get("pod_spec_patch", {}))
    config["metadata"] = {"annotations": case["input"].get("annotations", {})}
    (line,) = KubernetesRunner.objections(config, STRICT)
    assert case["expected"]["field"] in line
    assert [*KubernetesRunner.objections(config, Policy())] == []


@pytest.mark.parametrize("case", starting("k8s-label-safe"), ids=lambda case: case["id"])
def test_a_label_keeps_what_it_can(case: dict[str, Any]) -> None:
    value = case["input"]["value"]
    made = KUBERNETES.text(value)
    assert made == value if len(value) <= 63 else made.startswith("x" * 50)
    assert len(made) <= 63


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (CASES["k8s-dns-safe-6dee1"], "launch-test-entity-my-project-"),
        (CASES["k8s-dns-safe-9be3b"], "launch-e1-proj2-r1-1"),
        (CASES["k8s-dns-safe-d6ec2"], "launch-test-entity-p-r1-1-"),
    ],
    ids=lambda case: case["id"] if isinstance(case, dict) else "",
)
def test_a_generated_name_keeps_its_words(case: dict[str, Any], name: str) -> None:
    made = body({"metadata": {"generateName": case["input"]["value"]}})["metadata"]
    assert made["name"].startswith(name[:31])
    assert "generateName" not in made


def test_code_without_a_build_starts_as_its_job_says() -> None:
    asked = CASES["k8s-auto-default-image-installs-deps"]["input"]
    context = type(CONTEXT)(namespace="default", code_pieces=1)
    source = GitSource(remote="https://example.com/code")
    fields: dict[str, Any] = {"context": context, "source": source, "image": "python:3.12-slim"}
    (plain,) = pod(body({}, *asked["job_entrypoint"], **fields))["containers"]
    assert plain["command"] == asked["job_entrypoint"]
    made = body({}, *asked["job_entrypoint"], builder_args={"install": True}, **fields)
    (container,) = pod(made)["containers"]
    assert container["command"][2].index("requirements.txt") < container["command"][2].index(
        "pyproject.toml"
    )
    assert container["args"] == asked["job_entrypoint"]


def test_each_case_that_launchkit_improves_on_says_how() -> None:
    assert all("note" in case for case in CASES.values() if case["stance"] == "improve")
