"""What each description of a training job means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from launchkit_aws.sagemaker.failures import exit_code, failure
from launchkit_aws.sagemaker.status import Stop, is_over, status

from launchkit.model import RunState

from ..models import model_of

BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STOP = Stop(by="a")


def told(main: str, secondary: str = "", *steps: str, reason: str = "", **fields: Any) -> Any:
    """A description; *steps* are written `Status` or `Status: message`."""
    made: dict[str, Any] = {"TrainingJobStatus": main, "SecondaryStatus": secondary or main}
    made["SecondaryStatusTransitions"] = [
        {
            "Status": step.partition(": ")[0],
            "StatusMessage": step.partition(": ")[2],
            "StartTime": BORN + timedelta(seconds=number),
        }
        for number, step in enumerate(steps)
    ]
    return made | ({"FailureReason": reason} if reason else {}) | fields


STARTING, RUNNING = RunState.STARTING, RunState.RUNNING


@pytest.mark.parametrize(
    ("description", "state", "message"),
    [
        (told("InProgress", "Starting", "Starting: Starting the job"), STARTING, "Starting: Star"),
        (told("InProgress", "Pending"), STARTING, "Pending"),
        (told("InProgress", "LaunchingMLInstances"), STARTING, "LaunchingMLInstances"),
        (told("InProgress", "PreparingTrainingStack"), STARTING, "PreparingTrainingStack"),
        (told("InProgress", "Downloading"), STARTING, "Downloading"),
        (told("InProgress", "DownloadingTrainingImage"), STARTING, "DownloadingTrainingImage"),
        (told("InProgress", "Training"), RUNNING, "Training"),
        (told("InProgress", "Uploading"), RUNNING, "Uploading"),
        (told("InProgress", "Updating"), RUNNING, "Updating"),
        (told("InProgress", "Restarting"), RUNNING, "Restarting"),
        (told("InProgress", "Interrupted", "Training", "Interrupted"), RUNNING, "interrupted: its"),
        (
            told("InProgress", "Starting", "Training", "Interrupted", "Starting"),
            RUNNING,
            "Starting",
        ),
        (told("Stopping"), RUNNING, "stopping"),
        (
            told("Stopping", "", "Training", "Stopping"),
            RUNNING,
            "stopping since 2026-01-02 03:04:06",
        ),
        (told("InProgress", "SomethingNew"), RUNNING, "SomethingNew"),
    ],
)
def test_what_is_under_way_is_told_with_its_step(
    description: Any, state: RunState, message: str
) -> None:
    found = status(description)
    assert found.state is state
    assert (found.message or "").startswith(message)
    assert not is_over(description)


@pytest.mark.parametrize(
    ("description", "state", "code"),
    [
        (told("Completed"), RunState.FINISHED, "ok"),
        (told("Stopped"), RunState.STOPPED, "stopped"),
        (told("Stopped", "MaxRuntimeExceeded"), RunState.FAILED, "run_timeout"),
        (told("Stopped", "MaxWaitTimeExceeded"), RunState.FAILED, "run_timeout"),
        (told("Stopped", "Interrupted"), RunState.PREEMPTED, "preempted"),
        (told("Failed", reason="AlgorithmError: , exit code: 3"), RunState.FAILED, "user_exit"),
        (told("Failed"), RunState.FAILED, "failed"),
        (told("Deleting"), RunState.STOPPED, "stopped"),
    ],
)
def test_an_end_has_its_verdict(description: Any, state: RunState, code: str) -> None:
    found = status(description)
    assert (found.state, found.verdict and found.verdict.code) == (state, code)
    assert is_over(description)


@pytest.mark.parametrize("main", ["InProgress", "Completed", "Failed", "Stopping", "Stopped"])
@pytest.mark.parametrize("secondary", model_of("sagemaker").shape_for("SecondaryStatus").enum)
def test_every_pair_of_statuses_means_something(main: str, secondary: str) -> None:
    found = status(told(main, secondary, secondary))
    assert found.state.ended == (main in {"Completed", "Failed", "Stopped"})
    assert found.message


def test_a_stop_tells_whose_it_was() -> None:
    ours, others = status(told("Stopped"), STOP), status(told("Stopped"))
    assert "by launchkit" in str(ours.message)
    assert "somebody else" in str(others.message)


def test_a_limit_of_time_stays_one_although_it_was_also_stopped() -> None:
    limits = {"MaxRuntimeInSeconds": 60}
    found = status(told("Stopped", "MaxRuntimeExceeded", StoppingCondition=limits), STOP)
    assert found.state is RunState.FAILED
    assert "MaxRuntimeInSeconds, 60 s" in str(found.message)


def test_what_waits_for_capacity_has_no_place_yet() -> None:
    said = "Starting: Insufficient capacity error from EC2 while launching instances, retrying!"
    waits = status(told("InProgress", "Starting", said))
    assert (waits.state, waits.placed) == (RunState.STARTING, False)
    placed = status(told("InProgress", "Downloading", said, "Downloading: Downloading input data"))
    assert placed.placed
    assert placed.placed_at == (BORN + timedelta(seconds=1)).timestamp()


def test_an_end_says_how_long_it_ran_by_the_clock_of_aws() -> None:
    steps = ("Starting", "Downloading", "Training", "Interrupted", "Training", "Completed")
    ended = BORN + timedelta(seconds=62)
    assert status(told("Completed", "", *steps, TrainingEndTime=ended)).ran == 60
    assert status(told("Completed", "", *steps)).ran is None
    assert status(told("Stopped", "", "Starting", TrainingEndTime=ended)).ran is None
    assert status(told("InProgress", "Training", *steps)).ran is None


@pytest.mark.parametrize(
    ("reason", "state", "code", "exit_code"),
    [
        ("AlgorithmError: , exit code: 1", "failed", "user_exit", 1),
        ('AlgorithmError: ExecuteUserScriptError:\nExitCode 7\nErrorMessage ""', "failed",
         "user_exit", 7),
        ("AlgorithmError: , exit code: 137", "failed", "killed_by_signal", 137),
        ("AlgorithmError: Please use an instance type with more memory, exit code: 137", "failed",
         "oom_killed", 137),
        ("AlgorithmError: CapacityError: internal error on spot interruption, exit code: 2",
         "failed", "user_exit", 2),
        ("CapacityError: Unable to provision requested ML compute capacity.", "preempted",
         "preempted", None),
        ("InternalServerError: We encountered an internal error. Please try again.", "preempted",
         "node_lost", None),
        ("ClientError: Data download failed: no space left on device", "failed", "evicted", None),
        ("ClientError: Cannot pull image from ECR", "failed", "image_pull_failed", None),
        ("ClientError: AccessDenied for s3://bucket", "failed", "config_error", None),
        ("ClientError: No S3 objects found under S3 URL", "failed", "config_error", None),
        ("ClientError: exec: train: executable file not found in $PATH", "failed",
         "entry_point_not_found", None),
        ("something new", "failed", "failed", None),
    ],
)  # fmt: skip
def test_a_reason_has_its_verdict(
    reason: str, state: str, code: str, exit_code: int | None
) -> None:
    found = failure(reason)
    assert found.verdict
    assert (found.state, found.verdict.code, found.exit_code) == (state, code, exit_code)
    assert found.verdict.evidence


def test_a_reason_that_never_ends_is_bounded() -> None:
    found = failure("ClientError: " + "\x1b[31m" * 10_000 + "x" * 1_000_000)
    assert found.verdict
    assert len(str(found)) < 50_000


@pytest.mark.parametrize("text", ["exit code: 99999", "exit code: -4", "exit code:", ""])
def test_what_is_no_exit_code_is_none(text: str) -> None:
    assert exit_code(text) is None
