"""How a run begins: its directory is laid out, and its supervisor started."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from launchkit.builtin.local_process.plan import Plan, checked_command, make_plan
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.traces import Traces
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import Rejected, RunLost, SubmitError
from launchkit.images.file_overrides import override_files
from launchkit.model import Submission
from launchkit.plain_text import tail_lines
from launchkit.supervision.forks import ForkServer
from launchkit.supervision.spec import MOST_SPEC

LONGEST_VARIABLE = 1 << 17
"""Bytes of one variable that Linux lets a program be started with."""


def was_started(place: RunDir) -> bool:
    """Whether what is submitted was started before. :raises SubmitError: if that cannot be told."""
    with _troubles_told(place):
        return place.look().started


def drop_code(place: RunDir, submission: Submission) -> None:
    """Remove the code of what was started before. :raises SubmitError: if the disk does not let."""
    with _troubles_told(place):
        if submission.code is not None:
            remove_tree(submission.code)


def lay_out(place: RunDir, submission: Submission, setups: Path) -> Plan:
    """Have all in its directory that what is submitted needs to start.

    :raises Rejected: if it cannot run here.
    :raises SubmitError: if the disk does not let it.
    """
    with _troubles_told(place):
        return _prepare(place, submission, setups)


def start(place: RunDir, plan: Plan, forks: ForkServer) -> None:
    """Start what is laid out. :raises SubmitError: if the system does not let it."""
    with _troubles_told(place):
        _start_supervisor(place, plan.env, forks)


def begun(place: RunDir) -> Traces:
    """By what a run is known that has just begun. :raises SubmitError: if it has not."""
    if place.is_over():
        raise SubmitError(f"{place.path}: a run of this name is over already")
    if traces := _traces(place):
        return traces
    said = tail_lines(place.tail("supervisor.log"))
    why = said[-1] if said else "no reason"
    raise SubmitError(f"{place.path}: the run's supervisor did not start: {why}")


def found(place: RunDir, ref: str) -> Traces:
    """By what a run is known that began before. :raises RunLost: if it is gone or never began."""
    if traces := _traces(place):
        return traces
    what = "this run was never started" if place.path.is_dir() else "there is no such run"
    raise RunLost(f"{ref}: {what}")


def discard(place: RunDir) -> None:
    """Remove a directory whose run never began."""
    if not place.look().is_told:
        place.remove()


def _traces(place: RunDir) -> Traces | None:
    """By what a run is known, also one that has replaced its lock, or moved or removed its
    directory; None if there is none, as far as the system tells.
    """
    seen = place.look()
    if seen.supervisor is not None or seen.record is not None:
        return Traces.left_in(place)
    traces = Traces.sought(place.path)
    if seen.is_told:
        return Traces.left_in(place).after(traces)
    return traces if traces.lives() else None


@contextmanager
def _troubles_told(place: RunDir) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise SubmitError(
            f"{exc.filename or place.path}: the run cannot be prepared: {exc.strerror or exc}",
            hint="the command and its environment together are too long for this system"
            if exc.errno == errno.E2BIG
            else "is the disk full, or the directory not writable?",
        ) from exc


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
    spec = plan.spec()
    if len(spec) > MOST_SPEC:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    place.write("spec", spec)
    return plan


def _start_supervisor(place: RunDir, env: Mapping[str, str], forks: ForkServer) -> None:
    """:raises OSError: the one for which it did not begin, as far as it could tell."""
    sizes = [len(os.fsencode(f"{name}={value}")) + 1 for name, value in env.items()]
    if max(sizes, default=0) > LONGEST_VARIABLE or sum(sizes) > os.sysconf("SC_ARG_MAX"):
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    error = forks.start(str(place.path), env, str(place.path / "supervisor.log"))
    if error > 0:
        raise OSError(error, os.strerror(error))
