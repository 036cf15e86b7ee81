"""What the end of a run means, for runners of all kinds."""

import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode

MAX_REASON = 4096
"""Letters of a foreign text in which a reason is looked for, at its beginning and at its end."""
YEARS = range(2000, 2100)
"""Those in which a run can be."""
_HINTS = {
    signal.SIGKILL: "was it killed from outside, or did memory run out?",
    signal.SIGSEGV: "a native library may be broken, or the limit of memory too low",
}
_STATES: Mapping[str, RunState] = {
    VerdictCode.OK: RunState.FINISHED,
    VerdictCode.STOPPED: RunState.STOPPED,
    VerdictCode.PREEMPTED: RunState.PREEMPTED,
}


def of_exit(
    code: int, *, what: str = "program", out_of_memory: bool = False, evidence: Sequence[str] = ()
) -> Verdict:
    """The verdict on an exit code: 0 is good, unless it ended for lack of memory; 128 + n is
    signal n, as shells and containers have it, and so is -n, as Python has it.

    *what* has ended, for people: `program`, `container`, `pod`.
    """
    lines = tuple(evidence)
    if out_of_memory:
        return Verdict(
            code=VerdictCode.OOM_KILLED,
            summary=f"The {what} was killed because it used more memory than it may.",
            evidence=lines,
            hint="raise memory in the queue config, or give the program less to do at once",
        )
    if code == 0:
        return Verdict(code=VerdictCode.OK, summary=f"The {what} ended well.")
    number = -code if code < 0 else code - 128
    if number in signal.valid_signals():
        return Verdict(
            code=VerdictCode.KILLED_BY_SIGNAL,
            summary=f"The {what} was ended by {_name(number)}.",
            evidence=lines,
            hint=_HINTS.get(signal.Signals(number)) if number in _NAMED else None,
        )
    summary = f"The {what} ended with exit code {code}."
    return Verdict(code=VerdictCode.USER_EXIT, summary=summary, evidence=lines)


_NAMED = {number.value for number in signal.Signals}


def _name(number: int) -> str:
    return signal.Signals(number).name if number in _NAMED else f"signal {number}"


def status_of(
    verdict: Verdict, exit_code: int | None = None, *, ran: float | None = None
) -> RunStatus:
    """The status of a run that ended so: what is not ok, stopped or preempted has failed."""
    state = _STATES.get(verdict.code, RunState.FAILED)
    message = verdict.summary
    return RunStatus(state=state, exit_code=exit_code, message=message, verdict=verdict, ran=ran)


def lasted(began: float | None, ended: float | None) -> float | None:
    """The seconds between two Unix times of one clock; None if one of them is not known, or the
    clock was set in between.
    """
    return ended - began if began and ended and ended >= began else None


def is_believable(at: datetime) -> bool:
    """Whether a time can be one of a run: one without a zone cannot be compared with others, and
    near the ends of the calendar none can be reckoned with.
    """
    return at.tzinfo is not None and at.year in YEARS


@dataclass(frozen=True)
class Reason:
    """One cause by which something is refused, and how a foreign text tells of it."""

    pattern: str
    """A regular expression, found anywhere in the text; upper and lower case are the same."""
    code: VerdictCode
    hint: str | None = None


def reason_of(text: str, reasons: Sequence[Reason]) -> Reason | None:
    """The first of *reasons* of which *text* tells; of a long one its two ends are looked at."""
    if len(text) > MAX_REASON:
        text = text[: MAX_REASON // 2] + "\n" + text[-MAX_REASON // 2 :]
    found = (reason for reason in reasons if re.search(reason.pattern, text, re.IGNORECASE))
    return next(found, None)
