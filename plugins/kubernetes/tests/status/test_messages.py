"""What containers leave for the cluster, of which kubelets keep a part."""

from typing import Any

import pytest
from launchkit_kubernetes.status.ending import status_of
from launchkit_kubernetes.status.pod import Pod

SECRET = "hunter2-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"
POD_BYTES = 12288


def evidence(message: str, containers: int = 1, *, init: bool = False) -> str:
    """What the verdict on a pod shows whose first container, of so many, has failed."""
    names = [f"c{nth}" for nth in range(containers)]
    ended = {"terminated": {"exitCode": 3, "message": message}}
    kind, key = ("initContainers", "initContainerStatuses") if init else ("containers", "")
    told: dict[str, Any] = {
        "spec": {kind: [{"name": name} for name in names]},
        "status": {key or "containerStatuses": [{"name": "c0", "state": ended}], "phase": "Failed"},
    }
    status = status_of(pod := Pod.of(told), pod.main("c0"))
    assert status is not None
    assert status.verdict is not None
    return "\n".join(status.verdict.evidence)


@pytest.mark.parametrize("init", [False, True], ids=["program", "init"])
@pytest.mark.parametrize("kept", [2048, 4096], ids=["log", "file"])
def test_of_the_word_at_which_a_kubelet_begins_nothing_is_shown(kept: int, init: bool) -> None:
    for known in (1, 3, 20, len(SECRET) - 1):
        printed = f"{SECRET} {'some words ' * 1000}"[: len(SECRET) - known + kept]
        shown = evidence(printed[-kept:], init=init)
        assert shown.startswith("… some")
        assert SECRET[-known:] not in shown.replace("some words", "")


@pytest.mark.parametrize("containers", [2, 3, 12, 13, 40])
def test_of_the_word_at_which_a_kubelet_ends_nothing_is_shown(containers: int) -> None:
    kept = POD_BYTES // containers
    for known in (1, 3, 20, len(SECRET) - 1):
        words = ("é words " * kept).encode()[: kept - known - 1].decode(errors="ignore")
        message = f"{words} {SECRET}".encode()[:kept].decode()
        shown = evidence(message, containers)
        assert "hunter2"[:known] not in shown
        assert shown.endswith("…")


@pytest.mark.parametrize(("containers", "lines"), [(1, 20), (5, 20), (12, 10)])
def test_a_message_that_is_whole_is_shown_as_it_is(containers: int, lines: int) -> None:
    message = "\n".join(["no such dataset: " + "x" * 80] * lines)
    assert evidence(message, containers) == message
