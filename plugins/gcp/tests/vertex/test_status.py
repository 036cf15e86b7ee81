"""What each state of a job, and each error, means for its run."""

from typing import Any

import pytest
from google.cloud.aiplatform_v1 import types
from launchkit_gcp.vertex.failures import NO_CAPACITY_HINT
from launchkit_gcp.vertex.status import status
from launchkit_gcp.vertex.view import ENDED, LIVE, JobView, view_of

from launchkit.model import RunState, VerdictCode

NAME = "projects/p/locations/us-central1/customJobs/42"
BORN = 1_767_322_800


def job(state: str, error: str = "", **fields: Any) -> JobView:
    """One in that state."""
    return JobView(name=NAME, state=f"JOB_STATE_{state}", error=error, **fields)


@pytest.mark.parametrize(
    ("state", "wanted", "code"),
    [
        ("UNSPECIFIED", RunState.STARTING, None),
        ("QUEUED", RunState.STARTING, None),
        ("PENDING", RunState.STARTING, None),
        ("RUNNING", RunState.RUNNING, None),
        ("CANCELLING", RunState.RUNNING, None),
        ("PAUSED", RunState.RUNNING, None),
        ("UPDATING", RunState.RUNNING, None),
        ("SUCCEEDED", RunState.FINISHED, VerdictCode.OK),
        ("PARTIALLY_SUCCEEDED", RunState.FINISHED, VerdictCode.OK),
        ("FAILED", RunState.FAILED, VerdictCode.FAILED),
        ("CANCELLED", RunState.STOPPED, VerdictCode.STOPPED),
        ("EXPIRED", RunState.FAILED, VerdictCode.RUN_TIMEOUT),
        ("OF_NEXT_YEAR", RunState.RUNNING, None),
    ],
)
def test_each_state_has_its_meaning(state: str, wanted: RunState, code: Any) -> None:
    found = status(job(state))
    assert found.state is wanted
    assert (found.verdict.code if found.verdict else None) == code
    assert found.exit_code == (0 if wanted is RunState.FINISHED else None)


def test_each_state_of_the_proto_is_known() -> None:
    names = {one.name for one in types.JobState}
    assert names == {*LIVE, *ENDED, "JOB_STATE_UNSPECIFIED"}


def test_a_job_that_waits_for_machines_has_no_place() -> None:
    assert not status(job("QUEUED")).placed
    assert status(job("PENDING")).placed
    waits = status(job("PENDING", "Resources are insufficient in region: us-central1. Retrying"))
    assert not waits.placed
    assert "Resources are insufficient" in str(waits.message)
    assert "job 42" in str(waits.message)


def test_an_end_says_how_long_it_ran_by_the_clock_of_vertex_ai() -> None:
    assert status(job("FAILED", started=100.0, ended=160.5)).ran == 60.5
    assert status(job("CANCELLED", ended=160.5)).ran is None
    assert status(job("SUCCEEDED", started=100.0)).ran is None
    assert status(job("RUNNING", started=100.0)).ran is None


def test_a_job_that_is_made_ready_anew_is_still_running() -> None:
    assert status(job("PENDING", started=1.0)).state is RunState.RUNNING


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (
            "The replica workerpool0-0 exited with a non-zero status of 3. To find out more",
            VerdictCode.USER_EXIT,
            3,
        ),
        (
            "The replica workerpool0-0 ran out-of-memory and exited with a non-zero status of 137",
            VerdictCode.OOM_KILLED,
            137,
        ),
        (
            "The replica workerpool0-0 exited with a non-zero status of 137.",
            VerdictCode.KILLED_BY_SIGNAL,
            137,
        ),
        ("Job exceeded the maximum running time.", VerdictCode.RUN_TIMEOUT, None),
        ("Failed to pull image x: not found", VerdictCode.IMAGE_PULL_FAILED, None),
        (
            "Permission 'artifactregistry.repositories.downloadArtifacts' denied on resource",
            VerdictCode.IMAGE_PULL_FAILED,
            None,
        ),
        ("The replica workerpool0-0 is low on disk", VerdictCode.EVICTED, None),
        ("exec: train: executable file not found", VerdictCode.ENTRY_POINT_NOT_FOUND, None),
        ("Service account x does not exist", VerdictCode.CONFIG_ERROR, None),
        ("Something new", VerdictCode.FAILED, None),
        ("", VerdictCode.FAILED, None),
    ],
)
def test_what_an_error_says_becomes_a_verdict(
    error: str, code: VerdictCode, exit_code: Any
) -> None:
    found = status(job("FAILED", error, timeout=60))
    assert found.state is RunState.FAILED
    assert found.verdict is not None
    assert (found.verdict.code, found.exit_code) == (code, exit_code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("Resources are insufficient in region: us-central1.", VerdictCode.PREEMPTED),
        ("Internal error occurred for the current attempt.", VerdictCode.NODE_LOST),
        ("The spot VM was preempted", VerdictCode.PREEMPTED),
    ],
)
def test_what_has_nothing_to_do_with_the_program_is_run_again(
    error: str, code: VerdictCode
) -> None:
    found = status(job("FAILED", error))
    assert found.state is RunState.PREEMPTED
    assert found.verdict is not None
    assert found.verdict.code is code


def test_that_a_region_has_no_machines_is_told_as_such() -> None:
    found = status(job("FAILED", "Resources are insufficient in region: us-central1."))
    assert found.verdict is not None
    assert found.verdict.hint == NO_CAPACITY_HINT


def test_a_job_that_its_limit_has_cancelled_was_not_stopped_by_a_person() -> None:
    found = status(job("CANCELLED", "The job exceeded the maximum run time", timeout=60))
    assert found.verdict is not None
    assert (found.verdict.code, "60 s" in found.verdict.summary) == (VerdictCode.RUN_TIMEOUT, True)


def test_a_view_is_what_the_proto_tells() -> None:
    told = types.CustomJob(
        name=NAME,
        state=types.JobState.JOB_STATE_RUNNING,
        job_spec={
            "worker_pool_specs": [{"replica_count": 1}, {"replica_count": 3}],
            "scheduling": {"timeout": {"seconds": 60}},
        },
        labels={"a": "b"},
        start_time={"seconds": BORN},
    )
    seen = view_of(told)
    assert (seen.state, seen.machines, seen.timeout) == ("JOB_STATE_RUNNING", 4, 60)
    assert (seen.started, seen.ended, seen.labels) == (BORN, 0.0, {"a": "b"})


@pytest.mark.parametrize("odd", [-62_135_596_800, 253_402_300_799], ids=["year 1", "year 9999"])
def test_a_time_at_an_end_of_the_calendar_is_as_none(odd: int) -> None:
    seen = view_of(types.CustomJob(name=NAME, create_time={"seconds": odd}))
    assert seen.created == 0.0
