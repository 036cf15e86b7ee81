"""Decides what a look at a container means."""

import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchkit.model import RunState, RunStatus, Verdict
from launchkit.plain_text import shortened, tail_lines

NEVER = "0001-01-01T00:00:00Z"
"""When a container was started that never was."""
SHELL_NOT_EXECUTABLE, SHELL_NOT_FOUND = 126, 127


def was_started(seen: Mapping[str, Any]) -> bool:
    """Whether the container has ever been started."""
    return bool(seen["State"]["Status"] != "created" or seen["State"]["StartedAt"] != NEVER)


def is_over(seen: Mapping[str, Any]) -> bool:
    """Whether the container has run and ended."""
    return seen["State"]["Status"] in {"exited", "dead", "removing"} and was_started(seen)


def status_of(seen: Mapping[str, Any], *, cancelled: bool, output: bytes) -> RunStatus:
    """The status of a container; *output* is the end of what it printed."""
    state = seen["State"]
    code = int(state["ExitCode"])
    if cancelled and (is_over(seen) or not was_started(seen)):
        verdict = Verdict(code="stopped", summary="It was stopped.")
        return _ended(RunState.STOPPED, code if was_started(seen) else None, verdict)
    if not was_started(seen):
        return RunStatus(state=RunState.STARTING)
    if not is_over(seen):
        return RunStatus(state=RunState.RUNNING)
    if code == 0 and not state["OOMKilled"]:
        verdict = Verdict(code="ok", summary="The container ended well.")
        return _ended(RunState.FINISHED, 0, verdict)
    verdict = replace(_bad_end(state, code), evidence=tail_lines(output))
    return _ended(RunState.FAILED, code, verdict)


def start_failure(message: str) -> tuple[str, str | None]:
    """The code of a start that the Engine refused with *message*, and what to do about it."""
    said = shortened(message)  # it has words of the user's, and some patterns look far ahead
    for pattern, code, hint in _START_FAILURES:
        if re.search(pattern, said, re.IGNORECASE):
            return code, hint
    return "submit_failed", None


_START_FAILURES: Sequence[tuple[str, str, str]] = (
    (
        r"executable file not found|no such file or directory.*(exec|unknown)|exec:.*no such file",
        "entry_point_not_found",
        "is the program in the image, and in its PATH?",
    ),
    (
        r"exec:.*permission denied",
        "entry_point_not_executable",
        "chmod +x it in the image, or name its interpreter first",
    ),
    (
        r"could not select device driver|nvidia-container|unresolvable CDI",
        "no_such_device",
        "install the NVIDIA container toolkit on this machine, or ask for no gpus",
    ),
    (
        r"error gathering device information|no such device",
        "no_such_device",
        "does the device of the queue config exist on the agent's machine?",
    ),
    (
        r"port is already allocated|address already in use",
        "port_in_use",
        "another container has this port; publish a free one, or run one launch at a time",
    ),
    (
        r"bind source path does not exist|invalid mount",
        "no_such_volume",
        "does the path of the volume exist on the agent's machine?",
    ),
    (r"network .* not found", "no_such_network", "make it with docker network create"),
)


def _bad_end(state: Mapping[str, Any], code: int) -> Verdict:
    if state["OOMKilled"]:
        return Verdict(
            code="oom_killed",
            summary="The container was killed because it used more memory than it may.",
            hint="raise memory in the queue config, or give the program less to do at once",
        )
    if code in {SHELL_NOT_EXECUTABLE, SHELL_NOT_FOUND} and state.get("Error"):
        kind, hint = start_failure(state["Error"])
        summary = f"It could not be started: {shortened(state['Error'])}"
        return Verdict(code=kind, summary=summary, hint=hint)
    number = code - 128
    if number in signal.valid_signals():
        name = signal.Signals(number).name
        hint = (
            "was it killed from outside, or with the Engine?" if number == signal.SIGKILL else None
        )
        summary = f"The container was ended by {name}."
        return Verdict(code="killed_by_signal", summary=summary, hint=hint)
    return Verdict(code="user_exit", summary=f"The container ended with exit code {code}.")


def _ended(state: RunState, code: int | None, verdict: Verdict) -> RunStatus:
    return RunStatus(state=state, exit_code=code, message=verdict.summary, verdict=verdict)
