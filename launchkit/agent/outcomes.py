"""How a launch ended for reasons that no runner tells."""

import traceback

from launchkit.errors import ConfigError, LaunchkitError, source
from launchkit.model import Outcome, RunState, Verdict
from launchkit.plain_text import shortened

MOST_CHARACTERS = 16 * 2**10
"""Of a summary or a hint: what an error repeats of others may be as long as they like."""


def failed(exc: LaunchkitError) -> Outcome:
    """An error of launchkit ended it."""
    code = "rejected" if isinstance(exc, ConfigError) else exc.code
    hint = exc.hint and shortened(exc.hint, MOST_CHARACTERS)
    verdict = Verdict(code=code, summary=shortened(exc.message, MOST_CHARACTERS), hint=hint)
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
    lines = traceback.format_exception(exc)[-6:]
    verdict = Verdict(
        code="internal_error",
        summary=shortened(summary, MOST_CHARACTERS),
        evidence=tuple(shortened(line, MOST_CHARACTERS) for line in lines),
        hint="this is a fault of launchkit or of a plugin; please report it",
    )
    return Outcome(state=RunState.FAILED, verdict=verdict)
