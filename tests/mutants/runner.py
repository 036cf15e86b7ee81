"""Runners with one defect each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from contracts.test_fakes import TestFakeRunner as FakeSuite
from workloads import Processes

from launchkit.abc import Site
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.testing import RunnerContract, started
from mutants import (
    runner_descriptions,
    runner_logs,
    runner_runs,
    runner_submitting,
    runner_variants,
)
from mutants.runner_runs import running
from mutants.table import Mutant


class LocalSuite(RunnerContract):
    """The suite for a class that is nearly the runner of local processes."""

    patience = 10.0
    has_last_chance = True
    made: type[LocalProcessRunner] = LocalProcessRunner

    @pytest.fixture
    async def runner(self, site: Site) -> AsyncIterator[LocalProcessRunner]:
        async with started(self.made(), site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, runner: LocalProcessRunner, tmp_path: Path) -> Iterator[Processes]:
        processes = Processes(runner, tmp_path)
        yield processes
        processes.kill()


RUNS = {
    "never kills": runner_runs.NeverKills,
    "only says stopped": runner_runs.OnlySaysStopped,
    "says that each run took an hour": runner_runs.RanForAnHour,
    "cancel returns early": runner_runs.CancelReturnsEarly,
    "never forces": runner_runs.NeverForces,
    "forces at once": runner_runs.ForcesAtOnce,
    "waits out the grace": runner_runs.WaitsOutTheGrace,
    "kills the main process only": runner_runs.KillsTheMainProcessOnly,
    "cancel says failed": runner_runs.CancelSaysFailed,
    "cancel rewrites the end": runner_runs.CancelRewritesTheEnd,
    "second cancel fails": runner_runs.SecondCancelFails,
    "cancel hangs on the ended": runner_runs.CancelHangsOnTheEnded,
    "changed swallows cancellation": runner_runs.ChangedSwallowsCancellation,
    "failure is success": runner_runs.FailureIsSuccess,
    "signal is success": runner_runs.SignalIsSuccess,
    "exit code is lost": runner_runs.ExitCodeIsLost,
    "exit code is one": runner_runs.ExitCodeIsOne,
    "end changes": runner_runs.EndChanges,
    "empty verdict": runner_runs.EmptyVerdict,
    "always running": runner_runs.AlwaysRunning,
    "changed gives the last": runner_runs.ChangedGivesTheLast,
    "changed never returns": runner_runs.ChangedNeverReturns,
    "changed misses what is past": runner_runs.ChangedMissesWhatIsPast,
    "changed ends the run": runner_runs.ChangedEndsTheRun,
    "close leaves all": runner_runs.CloseLeavesAll,
    "close leaves the cancelled": runner_runs.CloseLeavesTheCancelled,
    "close ends the live": runner_runs.CloseEndsTheLive,
    "close removes the live": runner_runs.CloseRemovesTheLive,
    "close fails twice": runner_runs.CloseFailsTwice,
    "close fails if another removed it": runner_runs.CloseFailsIfAnotherRemovedIt,
    "close removes other attempts": runner_runs.CloseRemovesOtherAttempts,
    "close hangs": runner_runs.CloseHangs,
    "logs end early": runner_logs.LogsEndEarly,
    "logs end in silence": runner_logs.LogsEndInSilence,
    "logs ignore the offset": runner_logs.LogsIgnoreTheOffset,
    "logs raise at the end": runner_logs.LogsRaiseAtTheEnd,
    "logs raise when cancelled": runner_logs.LogsRaiseWhenCancelled,
    "logs swallow cancellation": runner_logs.LogsSwallowCancellation,
    "logs end when given up": runner_logs.LogsEndWhenGivenUp,
    "logs of the silent raise": runner_logs.LogsOfTheSilentRaise,
    "logs never end": runner_logs.LogsNeverEnd,
    "logs once": runner_logs.LogsOnce,
    "logs keep files open": runner_logs.LogsKeepFilesOpen,
    "logs leave a thread": runner_logs.LogsLeaveAThread,
    "logs block": runner_logs.LogsBlock,
    "logs mixed": runner_logs.LogsMixed,
    "logs are decoded": runner_logs.chunks(runner_logs.text_mode),
    "logs drop a last line without its end": runner_logs.chunks(runner_logs.lines_only),
    "logs change ends of lines": runner_logs.chunks(runner_logs.universal),
    "logs drop colours": runner_logs.chunks(runner_logs.no_colours),
    "logs drop NUL": runner_logs.chunks(runner_logs.no_nul),
    "chunks of logs have the offset 0": runner_logs.chunks(runner_logs.later_from_zero),
    "logs skip a chunk": runner_logs.chunks(lambda chunk, number: [chunk] * (number != 1)),
    "logs repeat a chunk": runner_logs.chunks(lambda chunk, number: [chunk] * 2),
    "logs lose the first byte": runner_logs.chunks(runner_logs.no_first_byte),
}
RUNNERS = {
    "cancel ends all runs": runner_runs.EndsAllRuns,
    "no environment": runner_submitting.NoEnvironment,
    "no secrets": runner_submitting.NoSecrets,
    "masked secrets": runner_submitting.MaskedSecrets,
    "expanded environment": runner_submitting.ExpandedEnvironment,
    "unquoted environment": runner_submitting.UnquotedEnvironment,
    "starts again": runner_submitting.StartsAgain,
    "ended is started again": runner_submitting.EndedIsStartedAgain,
    "second submit fails": runner_submitting.SecondSubmitFails,
    "attempts share a name": runner_submitting.AttemptsShareAName,
    "ref is not the one told": runner_submitting.RefIsNotTheOneTold,
    "ref is new": runner_submitting.RefIsNew,
    "ref is of all": runner_submitting.RefIsOfAll,
    "ref makes a place": runner_submitting.RefMakesAPlace,
    "submit changes its arguments": runner_submitting.SubmitChangesItsArguments,
    "submit raises what it likes": runner_submitting.SubmitRaisesWhatItLikes,
    "submit starts what nobody wants": runner_submitting.SubmitLetsNobodyIn,
    "submit hangs": runner_submitting.SubmitHangs,
    "submit blocks": runner_submitting.SubmitBlocks,
    "submit blocks for ever": runner_submitting.SubmitBlocksForEver,
    "submit swallows cancellation": runner_submitting.SubmitSwallowsCancellation,
    "submit waits for the end": runner_submitting.SubmitWaitsForTheEnd,
    "submit leaves a task": runner_submitting.SubmitLeavesATask,
    "submit keeps a file": runner_submitting.SubmitKeepsAFile,
    "start leaves a thread": runner_submitting.StartLeavesAThread,
    "start keeps a file": runner_submitting.StartKeepsAFile,
    "start leaves a task": runner_submitting.StartLeavesATask,
    "attach starts": runner_submitting.AttachStarts,
    "attach finds anything": runner_submitting.AttachFindsAnything,
    "attaches to any run": runner_submitting.AttachesToAnyRun,
    "owns nothing": runner_submitting.OwnsNothing,
    "attach raises what it likes": runner_submitting.AttachRaisesWhatItLikes,
    "attach knows its own only": runner_submitting.AttachKnowsItsOwnOnly,
    "attach finds no ended": runner_submitting.AttachFindsNoEnded,
    "runs end with the agent": runner_submitting.RunsEndWithTheAgent,
    "prepare once": runner_submitting.PrepareOnce,
    "prepare leaves pieces": runner_submitting.PrepareLeavesPieces,
    "prepare starts": runner_submitting.PrepareStarts,
    "prepare hangs the second time": runner_submitting.PrepareHangsTheSecondTime,
    "release ends runs": runner_submitting.ReleaseEndsRuns,
    "discard ends runs": runner_submitting.DiscardEndsRuns,
    "release fails twice": runner_submitting.ReleaseFailsTwice,
    "render is new": runner_descriptions.RenderIsNew,
    "render shows secrets": runner_descriptions.RenderShowsSecrets,
    "render hides the environment": runner_descriptions.RenderHidesTheEnvironment,
    "render hides the command": runner_descriptions.RenderHidesTheCommand,
    "render changes the submission": runner_descriptions.RenderChangesTheSubmission,
    "render starts": runner_descriptions.RenderStarts,
    "secrets in a file": runner_descriptions.SecretsInAFile,
    "secrets in arguments": runner_descriptions.SecretsInArguments,
    "secrets in logs": runner_descriptions.SecretsInLogs,
    "arguments unchecked": runner_descriptions.ArgumentsUnchecked,
    "arguments all refused": runner_descriptions.ArgumentsAllRefused,
    "arguments without path": runner_descriptions.ArgumentsWithoutPath,
    "arguments raise what they like": runner_descriptions.ArgumentsRaiseWhatTheyLike,
    "schema is none": runner_descriptions.SchemaIsNone,
    "starter is bad": runner_descriptions.StarterIsBad,
    "starter is no yaml": runner_descriptions.StarterIsNoYaml,
    "env keys are not its own": runner_descriptions.EnvKeysAreNotItsOwn,
    "check ends runs": runner_descriptions.CheckEndsRuns,
    "check says nothing": runner_descriptions.CheckSaysNothing,
    "any level": runner_descriptions.AnyLevel,
    "settings unchecked": runner_descriptions.SettingsUnchecked,
    "no kind": runner_descriptions.NoKind,
}
FAST = {"cancel returns early", "attempts share a name", "logs end in silence", "no environment"}


def mutant(defect: str, made: type[LocalProcessRunner]) -> Mutant:
    return Mutant(defect, LocalSuite, {"made": made}, defect in FAST)


def variant(name: str, made: type[LocalProcessRunner], **traits: bool) -> Mutant:
    return Mutant(name, LocalSuite, {"made": made, **traits})


MUTANTS = (
    *(mutant(defect, running(run_class)) for defect, run_class in RUNS.items()),
    *(mutant(defect, made) for defect, made in RUNNERS.items()),
)
VARIANTS = (
    Mutant("the runner itself", LocalSuite, {}),
    Mutant("the fake runner", FakeSuite, {}, fast=True),
    variant("gives no logs", running(runner_variants.SilentRun), gives_logs=False),
    variant("gives logs at the end", running(runner_variants.LateRun), follows_logs=False),
    variant("is asked for changes", running(runner_variants.PolledRun)),
    variant("gives logs in small pieces", running(runner_variants.SmallPiecesRun)),
    variant("is slow to show what it made", running(runner_variants.SlowToShowRun)),
    variant("ends with its agent", runner_variants.EndsWithItsAgent),
    variant("takes no last chance", runner_submitting.SubmitLetsNobodyIn, has_last_chance=False),
    variant("gives no environment", runner_variants.NoEnvironment, gives_environment=False),
    variant("tells the ref later", runner_variants.RefComesLater),
)
