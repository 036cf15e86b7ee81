"""How a launch ended for reasons that no runner tells."""

import traceback

from launchkit.errors import ConfigError, LaunchkitError, source
from launchkit.model import ItemState, Outcome, RunState, Verdict

REPORT_IT = "this is a fault of launchkit or of a plugin; please report it"


def failed(exc: LaunchkitError) -> Outcome:
    """An error of launchkit ended it."""
    code = "rejected" if isinstance(exc, ConfigError) else exc.code
    verdict = Verdict(code=code, summary=exc.message, hint=exc.hint)
    return Outcome(state=RunState.FAILED, verdict=verdict)


def stopped(summary: str) -> Outcome:
    """Somebody wanted its end."""
    return Outcome(state=RunState.STOPPED, verdict=Verdict(code="stopped", summary=summary))


def preempted(summary: str) -> Outcome:
    """Its place was taken away; it may run again."""
    return Outcome(state=RunState.PREEMPTED, verdict=Verdict(code="preempted", summary=summary))


def untold(state: ItemState, exc: Exception) -> Verdict:
    """Why it ended is nothing that its queue keeps."""
    return Verdict(
        code="ok" if state is ItemState.FINISHED else "internal_error",
        summary=f"It ended, and what was said of that cannot be stored: {exc!r}",
        hint=REPORT_IT,
    )


def unforeseen(exc: Exception) -> Outcome:
    """A bug ended it, of launchkit or a plugin."""
    whose = source(exc)
    summary = f"{exc!r}, {whose}" if whose else f"launchkit failed: {exc!r}"
    verdict = Verdict(
        code="internal_error",
        summary=summary,
        evidence=tuple(traceback.format_exception(exc)[-6:]),
        hint=REPORT_IT,
    )
    return Outcome(state=RunState.FAILED, verdict=verdict)
