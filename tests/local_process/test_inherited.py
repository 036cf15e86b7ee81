"""A run inherits no more of the agent's environment than the queue or the agent's owner says."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from local_process.runs import Make, output_of, site_at

from launchkit.abc import Policy
from launchkit.builtin.local_process.plan import check_inherited
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import Rejected
from launchkit.model import Json, Submission
from launchkit.testing import end_of, make_launch, make_submission, started

LENT = ("LENT",)


def wanting(wanted: Json, queue_args: Json) -> Submission:
    return make_submission(launch=make_launch(resource_args=wanted, queue_args=queue_args))


@pytest.mark.parametrize(
    ("queue", "wanted", "more"),
    [
        (False, True, "true"),
        ("false", "true", "true"),
        (False, ["LENT", "KEY", "PATH"], "KEY"),
        (["OWN"], ["OWN", "KEY", "TOKEN"], "KEY, TOKEN"),
        (["OWN"], True, "true"),
        ([], ["KEY"], "KEY"),
        ("{{all}}", True, "true"),
        (["{{name}}", "X_${run_name}"], ["KEY", "X_KEY"], "KEY, X_KEY"),
    ],
)
def test_a_launch_that_wants_more_of_the_agents_environment_than_its_queue_says_is_refused(
    queue: object, wanted: object, more: str
) -> None:
    submission = wanting({"inherit_env": wanted}, {"inherit_env": queue})
    with pytest.raises(Rejected, match=f"inherit_env: {more} is more") as refused:
        check_inherited(submission, LENT)
    assert "policy.env_from_agent" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("queue", "wanted"),
    [
        ({}, {"inherit_env": ["KEY"]}),
        ({"nice": "{{nice}}"}, {}),
        ({"inherit_env": True}, {"inherit_env": False}),
        ({"inherit_env": ["OWN", "KEY"]}, {"inherit_env": ["KEY", "LENT", "HOME", "LC_ALL"]}),
        ({"inherit_env": "{{all}}"}, {"inherit_env": False}),
        ({"inherit_env": False}, {"inherit_env": ["LENT"]}),
    ],
)
def test_a_launch_may_inherit_less_than_its_queue_says_or_what_the_policy_lends(
    queue: Json, wanted: Json
) -> None:
    check_inherited(wanting(wanted, queue), LENT)


async def test_a_run_that_would_inherit_more_than_its_queue_says_is_not_started(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("env", resource_args={}, queue_args={"inherit_env": False})
    with pytest.raises(Rejected, match="inherit_env: true is more"):
        await runner.submit(submission)
    assert runner.ref_of(submission)
    assert not Path(runner.ref_of(submission)).exists()


async def test_what_the_policy_lends_a_launch_may_inherit_and_a_run_that_is_there_stays(
    place: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENT", "lent")
    wanted = {"inherit_env": ["LENT"]}
    submission = make("printenv", "LENT", resource_args=wanted, queue_args={"inherit_env": False})
    async with anyio.create_task_group() as tasks:
        site = replace(site_at(place, tasks), policy=Policy(env_from_agent=LENT))
        async with started(LocalProcessRunner(), site) as runner:
            run = await runner.submit(submission)
            await end_of(run)
            assert await output_of(run) == b"lent\n"
        async with started(LocalProcessRunner(), replace(site, policy=Policy())) as runner:
            again = await runner.submit(replace(submission, code=None))
            assert await again.status() == await run.status()
            await again.aclose()
        tasks.cancel_scope.cancel()
