"""Decides what a look at a container means."""

from collections.abc import Sequence

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import shortened, tail_lines
from launchkit.runners import verdicts
from launchkit.runners.verdicts import Reason, of_exit, reason_of
from launchkit_docker.containers.container import Container

SHELL_NOT_EXECUTABLE, SHELL_NOT_FOUND = 126, 127
_START_FAILURES: Sequence[Reason] = (
    Reason(
        r"executable file not found|no such file or directory.*(exec|unknown)|exec:.*no such file",
        VerdictCode.ENTRY_POINT_NOT_FOUND,
        "is the program in the image, and in its PATH?",
    ),
    Reason(
        r"exec:.*permission denied",
        VerdictCode.ENTRY_POINT_NOT_EXECUTABLE,
        "chmod +x it in the image, or name its interpreter first",
    ),
    Reason(
        r"could not select device driver|nvidia-container|unresolvable CDI",
        VerdictCode.NO_SUCH_DEVICE,
        "install the NVIDIA container toolkit on this machine, or ask for no gpus",
    ),
    Reason(
        r"error gathering device information|no such device",
        VerdictCode.NO_SUCH_DEVICE,
        "does the device of the queue config exist on the agent's machine?",
    ),
    Reason(
        r"port is already allocated|address already in use",
        VerdictCode.PORT_IN_USE,
        "another container has this port; publish a free one, or run one launch at a time",
    ),
    Reason(
        r"bind source path does not exist|invalid mount",
        VerdictCode.NO_SUCH_VOLUME,
        "does the path of the volume exist on the agent's machine?",
    ),
    Reason(
        r"network .* not found", VerdictCode.NO_SUCH_NETWORK, "make it with docker network create"
    ),
)


def status_of(
    container: Container, *, cancelled: bool, output: bytes, unseen: bool = False
) -> RunStatus:
    """The status of a container; *output* is the end of what it printed, and *unseen* says that the
    Engine does not know how it ended.
    """
    if cancelled and (container.over or not container.started):
        verdict = Verdict(code=VerdictCode.STOPPED, summary="It was stopped.")
        code = container.exit_code if container.started else None
        return verdicts.status_of(verdict, code, ran=container.ran)
    if not container.started:
        return RunStatus(state=RunState.STARTING)
    if not container.over:
        return RunStatus(state=RunState.RUNNING)
    if unseen:
        return verdicts.status_of(_unseen(output))
    verdict = _not_started(container) or of_exit(
        container.exit_code,
        what="container",
        out_of_memory=container.out_of_memory,
        evidence=tail_lines(output),
    )
    return verdicts.status_of(verdict, container.exit_code, ran=container.ran)


def start_failure(message: str) -> Reason | None:
    """Why the Engine refused with *message* to start a container, and what to do about it."""
    return reason_of(message, _START_FAILURES)


def _unseen(output: bytes) -> Verdict:
    return Verdict(
        code=VerdictCode.RUN_LOST,
        summary="It ended while the Docker Engine was away or its machine was off: how it ended is"
        " not known.",
        evidence=tail_lines(output),
        hint="launch it again; with `live-restore` containers outlive a restart of the Engine",
    )


def _not_started(container: Container) -> Verdict | None:
    """The verdict on a program that could not be started in its container."""
    if not container.error or container.exit_code not in {SHELL_NOT_EXECUTABLE, SHELL_NOT_FOUND}:
        return None
    reason = start_failure(container.error)
    return Verdict(
        code=reason.code if reason else VerdictCode.SUBMIT_FAILED,
        summary=f"It could not be started: {shortened(container.error)}",
        hint=reason.hint if reason else None,
    )
