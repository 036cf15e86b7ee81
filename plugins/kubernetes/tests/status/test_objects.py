"""What objects of clusters old and new mean: each example is a case of a table in YAML."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from launchkit_kubernetes.manifest.build import TTL
from launchkit_kubernetes.runs.ends import encoded, ttl_of
from launchkit_kubernetes.status.custom import custom_status
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.pod import Pod, pod_status, starting_on

from launchkit.codec import decode
from launchkit.model import RunStatus, VerdictCode

OBJECTS = Path(__file__).with_name("objects")
KEYS = {"name", "servers", "pod", "job", "custom", "pods", "main", "state", "code", "exit"}
KEYS |= {"says", "evidence", "waits_on"}


def examples() -> Iterator[Any]:
    for path in sorted(OBJECTS.glob("*.yaml")):
        for example in yaml.safe_load(path.read_text()):
            seen = json.loads(json.dumps(example))  # a time that is not quoted is no JSON
            yield pytest.param(seen, id=f"{path.stem}: {seen['name']}")


EXAMPLES = [*examples()]


def status_of(example: Mapping[str, Any]) -> RunStatus:
    main = example.get("main", "main")
    pods = [Pod.of(pod) for pod in example.get("pods", [])]
    if "pod" in example:
        return pod_status(Pod.of(example["pod"]), main=main)
    if "job" in example:
        return job_status(example["job"], pods, main=main)
    return custom_status(example["custom"], pods, main=main)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_object_means_what_people_would_say_of_it(example: Mapping[str, Any]) -> None:
    assert example.keys() <= KEYS
    status = status_of(example)
    code = status.verdict.code if status.verdict else None
    wanted = (example["state"], example.get("code"), example.get("exit"))
    assert (status.state.value, code, status.exit_code) == wanted, status
    assert status.state.ended is (status.verdict is not None)
    if "says" in example:
        says = example["says"]
        assert status.message is None if says is None else says in str(status.message)
    if "evidence" in example:
        assert status.verdict
        assert example["evidence"] in status.verdict.evidence
    if "waits_on" in example:
        shown = [example["pod"]] if "pod" in example else example.get("pods", [])
        assert starting_on(*map(Pod.of, shown)) == example["waits_on"]


ENDED = {"exitCode": 0, "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:05:05Z"}
COMPLETE = [{"type": "Complete", "status": "True"}]


def complete(pods: int = 1, restarts: int = 0, **status: object) -> RunStatus:
    """The end of a Job that ended well."""
    seen = {"name": "main", "restartCount": restarts, "state": {"terminated": ENDED}}
    pod = {"status": {"phase": "Succeeded", "containerStatuses": [seen]}}
    job = {"status": {"conditions": COMPLETE, "succeeded": 1, **status}}
    return job_status(job, [Pod.of(pod)] * pods, main="main")


def test_the_end_of_a_job_says_how_long_its_container_ran_by_the_clock_of_the_node() -> None:
    assert complete().ran == 60
    assert decode(RunStatus, json.loads(encoded(complete()))).ran == 60


def test_a_job_of_several_pods_or_tries_does_not_say_how_long_it_ran() -> None:
    assert complete(pods=0).ran is None
    assert complete(pods=2).ran is None
    assert complete(restarts=1).ran is None
    assert complete(failed=1).ran is None


def test_the_examples_are_many_and_each_has_a_name_of_its_own() -> None:
    names = [example.values[0]["name"] for example in EXAMPLES]
    assert len({*names}) == len(names) >= 60


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_verdict_has_a_code_that_the_pages_tell_of(example: Mapping[str, Any]) -> None:
    assert example.get("code", VerdictCode.OK) in {*VerdictCode}


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("900", 900), ("0", 0), ("-1", 0), ("2147483648", 0), ("9" * 5000, 0), (None, 0)],
)
def test_how_long_a_job_stays_is_a_number_that_it_can_have(told: str | None, seconds: int) -> None:
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    job = {"metadata": {"annotations": {TTL: told}}, "status": complete}
    assert ttl_of(job) == seconds
    assert ttl_of({**job, "status": {}}) == 0
