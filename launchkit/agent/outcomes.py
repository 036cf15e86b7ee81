"""How a launch ended for reasons that no runner tells."""

import traceback

from launchkit.errors import ConfigError, LaunchkitError, source
from launchkit.model import Outcome, RunState, Verdict


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


def unforeseen(exc: Exception) -> Outcome:
    """A bug ended it, of launchkit or a plugin."""
    whose = source(exc)
    summary = f"{exc!r}, {whose}" if whose else f"launchkit failed: {exc!r}"
    verdict = Verdict(
        code="internal_error",
        summary=summary,
        evidence=tuple(traceback.format_exception(exc)[-6:]),
        hint="this is a fault of launchkit or of a plugin; please report it",
    )
    return Outcome(state=RunState.FAILED, verdict=verdict)
