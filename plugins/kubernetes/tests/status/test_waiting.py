"""What pods wait for, and when two waits are the same."""

import pytest
from launchkit_kubernetes.status.container import Container
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.pod import Pod, starting_on, waits_for_key
from launchkit_kubernetes.status.waiting import never_starts

HERE = Pod(name="here", scheduled=True)
NOWHERE = Pod(name="nowhere")


def test_the_same_warning_with_other_numbers_is_the_same() -> None:
    before = "0/12 nodes are available: 12 Insufficient cpu."
    after = "0/9 nodes are available: 9 Insufficient cpu."
    assert waits_for_key(before) == waits_for_key(after)
    assert waits_for_key(before) != waits_for_key(after.replace("cpu", "memory"))
    assert waits_for_key(None) == ""


@pytest.mark.parametrize(
    ("pods", "on"),
    [
        ([], "place"),
        ([NOWHERE], "place"),
        ([HERE], "start"),
        ([HERE, NOWHERE], "place"),
        ([HERE, HERE], "start"),
    ],
)
def test_a_workload_waits_for_a_place_until_all_its_pods_have_one(pods: list[Pod], on: str) -> None:
    assert starting_on(*pods) == on


@pytest.mark.parametrize(
    ("message", "fatal"),
    [
        ("manifest unknown", True),
        ("denied: requested access to the resource is denied", True),
        ("no basic auth credentials", True),
        ("unexpected status code 401 Unauthorized", True),
        ("unexpected status: 403 Forbidden", True),
        ("name unknown: repository does not exist", True),
        ("no matching manifest for linux/arm64 in the manifest list entries", True),
        ("received unexpected HTTP status: 502 Bad Gateway", False),
        ("unexpected status from HEAD request to https://r/v2/denied: 500 Internal Server", False),
        ("unexpected status code 504", False),
        ("net/http: TLS handshake timeout", False),
        ("dial tcp: lookup reg.example on 10.0.0.1:53: no such host", False),
        ("read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer", False),
        ("pull QPS exceeded", False),
        ("httpReadSeeker: failed open: unexpected EOF", False),
        ("x509: certificate signed by unknown authority", False),
        ("", False),
    ],
)
def test_a_pull_fails_for_good_only_if_trying_again_cannot_help(message: str, fatal: bool) -> None:
    container = Container(name="main", role="app", reason="ErrImagePull", message=message)
    verdict = never_starts(container, restarted=False)
    assert (verdict is not None) is fatal
    assert verdict is None or (verdict.code == "image_pull_failed" and verdict.hint)


def test_what_kueue_waits_for_stands_in_its_workload() -> None:
    pending = {"type": "QuotaReserved", "status": "False", "reason": "Pending"}
    pending["message"] = "couldn't assign flavors to pod set main: insufficient unused quota"
    evicted = {"type": "Evicted", "status": "True", "reason": "Preempted"}
    evicted["message"] = "Preempted to accommodate a workload in the ClusterQueue"
    admitted = {"type": "Admitted", "status": "True", "reason": "Admitted"}
    reserved = {"type": "QuotaReserved", "status": "True", "reason": "QuotaReserved"}

    def waits(*conditions: dict[str, str]) -> str | None:
        return waits_for_quota({"status": {"conditions": [*conditions]}})

    assert waits(pending) == f"Pending: {pending['message']}"
    assert waits(pending, evicted) == f"Pending: {pending['message']}; {evicted['message']}"
    assert waits(reserved) == "QuotaReserved"
    assert waits(reserved, admitted) is None
    assert waits() == "Kueue has not looked at it yet"


def test_a_pod_has_started_when_one_of_its_containers_proper_has_run() -> None:
    ran = Container(name="main", role="app", reason="CrashLoopBackOff", restarts=2)
    beside = Container(name="proxy", role="sidecar", running=True, restarts=5)
    assert Pod(name="p", containers=(beside, ran)).started
    assert Pod(name="p", containers=(beside, ran)).restarts == 2
    assert not Pod(name="p", containers=(beside,)).started
