"""How a run begins: its directory is laid out, and its supervisor started."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from launchkit.builtin.local_process.plan import Plan, checked_command, make_plan
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.errors import Rejected, SubmitError
from launchkit.images.file_overrides import override_files
from launchkit.model import Submission
from launchkit.supervision.forks import ForkServer

LONGEST_VARIABLE = 1 << 17
"""Bytes of one variable that Linux lets a program be started with."""


def begin(place: RunDir, submission: Submission, setups: Path, forks: ForkServer) -> None:
    """Start what is submitted in its directory, unless that was done before.

    :raises Rejected: if it cannot run here.
    :raises SubmitError: if the disk or the system does not let it start.
    """
    try:
        if place.look().started:
            if submission.code is not None:
                place.take_code(submission.code)
            return
        plan = _prepare(place, submission, setups)
        _start_supervisor(place, plan.env, forks)
    except OSError as exc:
        raise SubmitError(
            f"{exc.filename or place.path}: the run cannot be prepared: {exc.strerror or exc}",
            hint="the command and its environment together are too long for this system"
            if exc.errno == errno.E2BIG
            else "is the disk full, or the directory not writable?",
        ) from exc
    seen = place.look()
    if place.is_over():
        raise SubmitError(f"{place.path}: a run of this name is over already")
    if not (seen.started or seen.supervisor):
        said = place.tail("supervisor.log").decode(errors="replace").strip().splitlines()
        why = said[-1] if said else "no reason"
        raise SubmitError(f"{place.path}: the run's supervisor did not start: {why}")


def discard(place: RunDir) -> None:
    """Remove a directory whose run never began."""
    seen = place.look()
    if not (seen.started or seen.cancelled or seen.supervisor):
        place.remove()


def _prepare(place: RunDir, submission: Submission, setups: Path) -> Plan:
    checked_command(submission)
    place.path.mkdir(mode=0o700, exist_ok=True)
    code = place.path / "code"
    if not code.exists():
        if submission.code is None:
            raise Rejected("a local process needs code: a job from git or a code directory")
        override_files(submission.code, submission.launch.files)
    if submission.code is not None:
        place.take_code(submission.code)
    plan = make_plan(submission, code, setups, os.environ)
    place.write("spec", plan.spec())
    return plan


def _start_supervisor(place: RunDir, env: Mapping[str, str], forks: ForkServer) -> None:
    """:raises OSError: the one for which it did not begin, as far as it could tell."""
    sizes = [len(os.fsencode(f"{name}={value}")) + 1 for name, value in env.items()]
    if max(sizes, default=0) > LONGEST_VARIABLE or sum(sizes) > os.sysconf("SC_ARG_MAX"):
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    error = forks.start(str(place.path), env, str(place.path / "supervisor.log"))
    if error > 0:
        raise OSError(error, os.strerror(error))
