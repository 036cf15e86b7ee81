"""The suite for runners."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from uuid import uuid4

import anyio
import pytest
import yaml
from jsonschema import Draft202012Validator

from launchkit.abc import Policy, Runner, Site
from launchkit.codec import plain
from launchkit.errors import Rejected
from launchkit.model import Secret
from launchkit.testing.contracts.blocking import unblocked
from launchkit.testing.contracts.conduct import nothing_grows, refused
from launchkit.testing.contracts.run_ends import RunEnds
from launchkit.testing.contracts.run_logs import RunLogs
from launchkit.testing.contracts.submitting import Submitting
from launchkit.testing.contracts.workload import Workload
from launchkit.testing.recording import RecordingOutput


class RunnerContract(RunEnds, RunLogs, Submitting):
    """Give the fixtures `runner`, a started runner, and `workload`, a `Workload` for it. What it
    cannot do is said by its traits: `survives_agent` of the runner's class; `gives_logs` and
    `gives_environment` of the test's.
    """

    async def test_a_runner_that_ends_holds_nothing(
        self, runner: Runner, workload: Workload, site: Site
    ) -> None:
        """Tasks, threads and files of `start` end with its stack and the tasks of its site."""

        async def begin_and_end() -> None:
            async with self.another(runner, site) as other:
                await other.check()

        await nothing_grows(begin_and_end, "a runner whose stack has ended")

    async def test_a_run_that_is_closed_holds_nothing(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Tasks, threads and files of the agent: it does this for months. Nor does it stand in
        the way of others meanwhile.
        """

        async def live_and_end() -> None:
            submission = workload.exits(0)
            await runner.prepare(submission, RecordingOutput())
            run = await self.submitted(runner, submission)
            await self.output(run)
            await self.ended(run)
            await self.closed(run)
            stopped = await self.submitted(runner, workload.waits())
            await self.running(stopped)
            with anyio.move_on_after(0.1):
                await self.output(stopped)
            await self.cancelled(stopped)
            await self.closed(stopped)

        async with unblocked("no method of a runner or a run blocks the event loop"):
            await nothing_grows(live_and_end, "a run that is closed")

    async def test_secrets_are_neither_rendered_nor_exposed(
        self, runner: Runner, workload: Workload, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Who may see the run need not know its secrets."""
        caplog.set_level("DEBUG")
        secret = Secret(uuid4().hex)
        submission = replace(workload.waits(), env={"TOKEN": secret, "PLAIN": "shown"})
        shown = repr(plain(runner.render(submission)))
        assert secret not in shown, "render masks secrets"
        run = await self.submitted(runner, submission)
        await self.running(run)
        assert secret.encode() not in await workload.exposed(submission), (
            "a secret is in the environment of its run alone"
        )
        assert secret not in caplog.text, "a secret reaches no log"
        await self.cancelled(run)
        await self.closed(run)

    async def test_rendering_is_pure_and_shows_what_is_sent(
        self, runner: Runner, workload: Workload
    ) -> None:
        """`plan` shows what would be sent, and starts nothing."""
        submission = workload.exits(0)
        submission = replace(submission, env={**submission.env, "PLAIN": "shown", "T": Secret("x")})
        before, shown = repr(plain(submission)), plain(runner.render(submission))
        assert shown == plain(runner.render(submission)), "render is pure, but it differs"
        assert repr(plain(submission)) == before, "render is pure, but it changed its submission"
        if type(runner).render is not Runner.render:
            for word in (*submission.command, *(("PLAIN", "shown") * self.gives_environment)):
                assert said(shown, word), f"render shows what is sent, but not {word!r}"
        assert await workload.starts(submission) == 0, "render starts nothing"
        assert await workload.traces(submission) == [], "render leaves nothing"

    async def test_unknown_resource_arguments_are_rejected(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A misspelled limit must not be lost in silence; the good ones pass. The class alone
        tells: a client has no runner.
        """
        cls = type(runner)
        good = workload.exits(0).resource_args
        before = repr(good)
        cls.check_args(good)
        with refused(Rejected, "check_args rejects an unknown argument") as caught:
            cls.check_args({**good, "no_such_argument": 1})
        for line in caught.value.message.splitlines():
            path = line.partition(":")[0]
            assert "no_such_argument" in path, "each line of the message begins with the key's path"
        assert repr(good) == before, "check_args is pure, but it changed what it looked at"

    async def test_its_class_describes_a_queues_config(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Forms and editors go by the schema; what is offered to begin with is a good config."""
        cls = type(runner)
        schema = cls.args_schema()
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(plain(dict(workload.exits(0).resource_args)))
        offered = yaml.safe_load(cls.starter_config()) or {}
        Draft202012Validator(schema).validate(offered)
        cls.check_args(offered)
        keys = schema.get("properties", {})
        assert {*offered} <= {*keys}, "the starter config has keys of the schema"

    async def test_the_keys_of_variables_are_its_own(self, runner: Runner) -> None:
        """Each takes a list of `NAME=value`, or a mapping."""
        cls = type(runner)
        for key in cls.args_env():
            try:
                cls.check_args({key: ["NAME=value"]})
            except Rejected:
                cls.check_args({key: {"NAME": "value"}})

    async def test_its_class_says_what_a_policy_forbids(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Nothing, where there is none; and its own keys are fields."""
        cls = type(runner)
        args = workload.exits(0).resource_args
        said = list(cls.objections(args, Policy()))
        assert said == list(cls.objections(args, Policy())), "objections is pure"
        assert all(said), "each objection is a sentence"
        if cls.policy_class is not None:
            assert is_dataclass(cls.policy_class), "a policy is a dataclass"
            assert cls.policy_class.__dataclass_params__.frozen, "a policy is frozen"  # type: ignore[attr-defined] # as dataclasses have it

    async def test_a_check_touches_no_run(self, runner: Runner, workload: Workload) -> None:
        """`launchkit doctor` may be asked at any time."""
        run = await self.submitted(runner, workload.waits())
        status = await self.running(run)
        await runner.check()
        assert await self.now(run) == status, "check is read-only, but the run changed"
        await self.cancelled(run)
        await self.closed(run)


def said(shown: object, word: str) -> bool:
    """Whether *word* is in the keys or values, or in a text of more words."""
    if isinstance(shown, Mapping):
        return any(said(part, word) for pair in shown.items() for part in pair)
    if isinstance(shown, list | tuple):
        return any(said(part, word) for part in shown)
    return word in str(shown)
