"""Runners that go wrong when their server does, most of which `RunnerContract` cannot tell."""

from mutants import runner_faults
from mutants.runner_faults import asking
from mutants.runner_jobd import FaultSuite, Jobd, JobdRunner
from mutants.table import Mutant

FAULTS: dict[str, type[JobdRunner]] = {
    "a refused submit is not repeated": runner_faults.SubmitsOnce,
    "gives up when it is throttled": asking(runner_faults.GivesUpWhenThrottled),
    "ignores Retry-After when throttled": asking(runner_faults.IgnoresRetryAfter),
    "takes a lost answer for a failure": asking(runner_faults.TakesALostAnswerForFailure),
    "takes a refused submit for done": asking(runner_faults.TakesNoAnswerForSuccess),
    "repeats a create whose answer is lost": runner_faults.NamesEachTry,
    "starts again when an answer is lost": asking(runner_faults.BeginsAnew),
    "stays away when it was refused once": asking(runner_faults.StaysAway),
    "an answer that is lost is a lost run": asking(runner_faults.NoAnswerIsNoJob),
    "a throttled look is a lost run": asking(runner_faults.ThrottledIsNoJob),
    "logs end when they are refused": asking(runner_faults.LogsEnd),
    "a refused stop is waited for": asking(runner_faults.StopsOnce),
    "a throttled stop comes too soon": asking(runner_faults.HastyStops),
    "a refused cancel gives up": asking(Jobd, runner_faults.CancelGivesUp),
    "a refused removal gives up": asking(Jobd, runner_faults.CloseGivesUp),
    "a removal that is done twice fails": asking(Jobd, runner_faults.CloseFailsIfItIsDone),
}
FAST = {"repeats a create whose answer is lost"}
MUTANTS = tuple(
    Mutant(defect, FaultSuite, {"made": made}, defect in FAST) for defect, made in FAULTS.items()
)
VARIANTS = (Mutant("the runner itself", FaultSuite, {}),)
