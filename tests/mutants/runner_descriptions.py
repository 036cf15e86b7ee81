"""Runners of local processes that show or check with one defect each."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from launchkit.abc import Run
from launchkit.builtin.local_process.runner import LocalProcessRunner as Right
from launchkit.errors import LaunchError
from launchkit.model import Json, Submission


class RenderIsNew(Right):
    def render(self, submission: Submission) -> Json:
        return {**super().render(submission), "id": uuid4().hex}


class RenderShowsSecrets(Right):
    def render(self, submission: Submission) -> Json:
        shown = {key: str.__str__(text) for key, text in submission.env.items()}
        return {**super().render(submission), "env": shown}


class RenderHidesTheEnvironment(Right):
    def render(self, submission: Submission) -> Json:
        return {**super().render(submission), "env": {}}


class RenderHidesTheCommand(Right):
    def render(self, submission: Submission) -> Json:
        return {**super().render(submission), "command": ["…"]}


class RenderChangesTheSubmission(Right):
    def render(self, submission: Submission) -> Json:
        submission.env["RENDERED"] = "yes"  # type: ignore[index] # the defect
        return super().render(submission)


class RenderStarts(Right):
    def render(self, submission: Submission) -> Json:
        Path(self.ref_of(submission)).mkdir(exist_ok=True)
        return super().render(submission)


class SecretsInAFile(Right):
    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        text = "".join(f"{key}={str.__str__(text)}\n" for key, text in submission.env.items())
        Path(run.ref, "env").write_text(text)
        return run


class SecretsInArguments(Right):
    async def submit(self, submission: Submission) -> Run:
        words = [f"{key}={str.__str__(text)}" for key, text in submission.env.items()]
        command = ("env", *words, *submission.command)
        return await super().submit(replace(submission, command=command))


class SecretsInLogs(Right):
    async def submit(self, submission: Submission) -> Run:
        import logging

        logging.getLogger("launchkit.wrong").debug(
            "env %s", {key: str.__str__(text) for key, text in submission.env.items()}
        )
        return await super().submit(submission)


class ArgumentsUnchecked(Right):
    @classmethod
    def check_args(cls, args: Json) -> None:
        return


class ArgumentsAllRefused(Right):
    @classmethod
    def check_args(cls, args: Json) -> None:
        Right.check_args({**args, "no_such_argument": 1})


class ArgumentsWithoutPath(Right):
    @classmethod
    def check_args(cls, args: Json) -> None:
        try:
            Right.check_args(args)
        except LaunchError as exc:
            raise type(exc)("the config is wrong") from exc


class ArgumentsRaiseWhatTheyLike(Right):
    @classmethod
    def check_args(cls, args: Json) -> None:
        try:
            Right.check_args(args)
        except LaunchError as exc:
            raise ValueError(exc.message) from exc


class SchemaIsNone(Right):
    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return {"type": "objekt"}


class StarterIsBad(Right):
    @classmethod
    def starter_config(cls) -> str:
        return "no_such_argument: 1\n"


class StarterIsNoYaml(Right):
    @classmethod
    def starter_config(cls) -> str:
        return "a: [\n"


class EnvKeysAreNotItsOwn(Right):
    @classmethod
    def args_env(cls) -> tuple[str, ...]:
        return ("variables",)


class CheckEndsRuns(Right):
    async def check(self) -> Any:
        for place in self._root.glob("launchkit-*"):
            await (await self.attach(str(place))).cancel(0)
        return await super().check()


class CheckSaysNothing(Right):
    async def check(self) -> Any:
        return [replace(one, message="") for one in await super().check()]


class AnyLevel(Right):
    async def check(self) -> Any:
        return [replace(one, level="fine") for one in await super().check()]


class SettingsUnchecked(Right):
    __pydantic_config__: ClassVar[Any] = {"extra": "ignore", "arbitrary_types_allowed": True}


class NoKind(Right):
    kind = "Local Process "
