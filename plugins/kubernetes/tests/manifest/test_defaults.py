"""What launchkit adds to a Job, and only where nothing is said."""

from typing import Any

import pytest
from launchkit_kubernetes.manifest.build import KEEP, SECURITY

from .examples import JOBSET, VOLCANO, example
from .making import body, job, pod


def test_a_job_of_which_nothing_is_said_is_whole() -> None:
    made = body({}, "python", "train.py", args=("--lr", "1"))
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
    assert made["spec"]["backoffLimit"] == 0
    assert pod(made) == {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "launch0",
                "image": "img:1",
                "command": ["python", "train.py"],
                "args": ["--lr", "1"],
                "env": [],
                "securityContext": SECURITY,
            }
        ],
    }


@pytest.mark.parametrize(
    ("spec", "annotation"), [({}, "60"), ({"ttlSecondsAfterFinished": 600}, "600")]
)
def test_the_ttl_waits_in_an_annotation_until_logs_are_copied(
    spec: dict[str, Any], annotation: str
) -> None:
    made = body({"spec": spec})
    assert "ttlSecondsAfterFinished" not in made["spec"]
    assert made["metadata"]["annotations"]["launchkit/ttl"] == annotation


def test_what_the_queue_says_stays() -> None:
    own = {"name": "a", "securityContext": {"runAsUser": 1000}}
    config = job(own, {}, restartPolicy="OnFailure", initContainers=[{"name": "i"}])
    config["spec"] |= {"backoffLimit": 3}
    made = body(config)
    assert made["spec"]["backoffLimit"] == 3
    assert pod(made)["restartPolicy"] == "OnFailure"
    first, second = pod(made)["containers"]
    assert first["securityContext"] == {"runAsUser": 1000}
    assert (second["name"], second["securityContext"]) == ("launch1", SECURITY)
    assert pod(made)["initContainers"] == [{"name": "i", "securityContext": SECURITY}]


@pytest.mark.parametrize("config", [{"spec": {"backoffLimit": None}}, job(None, {"name": None})])
def test_null_says_nothing(config: dict[str, Any]) -> None:
    made = body(config)
    assert made["spec"]["backoffLimit"] == 0
    assert pod(made)["containers"][0]["name"] == "launch0"


def test_an_empty_security_context_is_one() -> None:
    assert pod(body(job({"securityContext": {}})))["containers"][0]["securityContext"] == {}


@pytest.mark.parametrize("text", [VOLCANO, JOBSET])
def test_a_custom_resource_gets_no_defaults_of_jobs(text: str) -> None:
    shown = repr(body(example(text)))
    assert "securityContext" not in shown
    assert "launchkit/ttl" not in shown


def test_pods_are_not_moved_unless_the_queue_lets_them() -> None:
    config: dict[str, Any] = {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}
    annotations = body(config)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {**KEEP, "a": "b"}
    config["spec"]["template"]["metadata"]["annotations"] = dict.fromkeys(KEEP, "no")
    assert body(config)["spec"]["template"]["metadata"]["annotations"] == dict.fromkeys(KEEP, "no")


def test_labels_tell_whose_run_it_is_beside_those_of_the_queue() -> None:
    config: dict[str, Any] = {
        "metadata": {"labels": {"team": "a", "launchkit/run-id": "another"}},
        "spec": {"template": {"metadata": {"labels": {"team": "b"}}}},
    }
    made = body(config, item_id="i1", attempt=2, entity="me", queue="q")
    ours = {
        "launchkit/run-id": "r1",
        "launchkit/item": "i1",
        "launchkit/attempt": "2",
        "launchkit/entity": "me",
        "launchkit/queue": "q",
        "launchkit/agent": "agent-x",
        "launchkit/name": "launchkit-r1-2",
    }
    assert made["metadata"]["labels"] == {"team": "a", **ours}
    assert made["spec"]["template"]["metadata"]["labels"] == {"team": "b", **ours}


def test_annotations_of_the_queue_stay() -> None:
    made = body({"metadata": {"annotations": {"a": "b"}}})
    assert made["metadata"]["annotations"] == {
        "a": "b",
        "launchkit/ttl": "60",
        "launchkit/main": "launch0",
        "launchkit/stop-grace": "5",
    }
