"""Decides what a look at a run means."""

import errno
import math
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from launchkit.builtin.local_process.rundir import RunDirState
from launchkit.model import RunState, RunStatus, Verdict
from launchkit.model.verdicts import VerdictCode
from launchkit.plain_text import shortened, tail_lines
from launchkit.shell_words import shell_command
from launchkit.supervision.spec import Spec

MOST_CODE = 255


def alive(seen: RunDirState) -> RunStatus:
    """The status of a run whose supervisor lives."""
    if seen.running:
        return RunStatus(state=RunState.RUNNING)
    return RunStatus(state=RunState.STARTING, message="setup" if seen.in_setup else None)


def lost(evidence: Sequence[str], *, cancelled: bool) -> RunStatus:
    """The status of a run whose supervisor died before the run ended."""
    if cancelled:
        return _ended(RunState.STOPPED, None, Verdict(code="stopped", summary="It was stopped."))
    verdict = Verdict(
        code="run_lost",
        summary="The process that watched the run died, and how the run ended cannot be told.",
        evidence=tuple(evidence),
        hint="was the machine restarted, or did it run out of memory?",
    )
    return _ended(RunState.FAILED, None, verdict)


def ended(record: Mapping[str, str], spec: Spec, output: bytes) -> RunStatus:
    """The status of a run that left an exit record; *output* is the end of what it printed. A
    record that the run itself has overwritten, or a power cut, tells nothing.
    """
    try:
        return replace(_recorded(record, spec, output), ran=_ran(record))
    except (LookupError, ValueError, OverflowError):
        unread = ("The record of its end is not understood.", *tail_lines(output))
        return lost(unread, cancelled=record.get("cancelled") == "1")


def _ran(record: Mapping[str, str]) -> float | None:
    """For how many seconds it ran, if the record says so."""
    ran = float(record["ran"]) if "ran" in record else None
    if not 0 <= (ran or 0) < math.inf:
        raise ValueError(ran)
    return ran


def _recorded(record: Mapping[str, str], spec: Spec, output: bytes) -> RunStatus:
    number = int(record.get("signal", 0))
    code = 128 + number if number else int(record["code"]) if "code" in record else None
    if not 0 <= (code or 0) <= MOST_CODE:
        raise ValueError(code)
    if record.get("cancelled") == "1":
        verdict = Verdict(code="stopped", summary="It was stopped.")
        return _ended(RunState.STOPPED, code, verdict)
    evidence = tail_lines(output)
    if record["stage"] == "setup":
        how = f"was killed by {_signal_name(number)}" if number else f"ended with exit code {code}"
        verdict = Verdict(code="setup_failed", summary=f"The setup command {how}.")
    elif record["stage"] != "ran":
        return _ended(RunState.FAILED, None, _not_started(record, spec))
    elif number:
        verdict = _killed(number, record, spec)
    elif code:
        verdict = Verdict(code="user_exit", summary=f"The program ended with exit code {code}.")
    else:
        return _ended(RunState.FINISHED, 0, Verdict(code="ok", summary="The program ended well."))
    return _ended(RunState.FAILED, code, _with(verdict, evidence))


def _ended(state: RunState, code: int | None, verdict: Verdict) -> RunStatus:
    return RunStatus(state=state, exit_code=code, message=verdict.summary, verdict=verdict)


def _with(verdict: Verdict, evidence: tuple[str, ...]) -> Verdict:
    return Verdict(code=verdict.code, summary=verdict.summary, evidence=evidence, hint=verdict.hint)


def _killed(number: int, record: Mapping[str, str], spec: Spec) -> Verdict:
    limit = _limit(spec, "RLIMIT_CPU")
    spent = limit is not None and float(record.get("cpu", 0)) >= limit
    if number == signal.SIGXCPU or (number == signal.SIGKILL and spent):
        return Verdict(
            code="cpu_limit",
            summary=f"The program used up its {limit} seconds of processor time.",
            hint="raise limits.cpu_time in the queue config",
        )
    if number == signal.SIGKILL and record.get("oom") == "1":
        return Verdict(
            code="oom_killed",
            summary="The program was killed while the machine was out of memory.",
            hint="give it less to do at once, or run fewer jobs at a time on this machine",
        )
    hints = {
        signal.SIGKILL: "the kernel kills so when memory runs out; its log (dmesg) would tell",
        signal.SIGXFSZ: "it wrote a file larger than limits.file_size in the queue config",
        signal.SIGSEGV: "a native library may be broken, or limits.memory too low",
    }
    return Verdict(
        code="killed_by_signal",
        summary=f"The program was killed by {_signal_name(number)}.",
        hint=hints.get(signal.Signals(number)) if number in signal.valid_signals() else None,
    )


def _not_started(record: Mapping[str, str], spec: Spec) -> Verdict:
    stage = record["stage"].removeprefix("setup-")
    what = os.strerror(int(record["errno"]))
    if stage == "exec":
        return _no_exec(record, spec)
    unwritten = {
        "supervisor": "The run could not be set going",
        "unrecorded": "The program was ended at its start, which could not be written down",
    }
    if stage in unwritten:
        hint = "is the disk full, or the runner's directory not writable?"
        summary = f"{unwritten[stage]}: {what}."
        return Verdict(code="submit_failed", summary=summary, hint=hint)
    where = {"cwd": "its working directory", "nice": "its niceness"}.get(stage, f"its {stage}")
    return Verdict(code="submit_failed", summary=f"The program could not be given {where}: {what}.")


def _no_exec(record: Mapping[str, str], spec: Spec) -> Verdict:
    setup = record["stage"].startswith("setup-")
    program = shortened(os.fsdecode(spec["setup_arg" if setup else "arg"][0]))
    paths = (Path(os.fsdecode(path)) for path in spec["setup_try" if setup else "try"])
    found = next((path for path in paths if _is_file(path)), None)
    name = f"{'setup command' if setup else 'entry point'} {program!r}"
    with_python = shell_command("python", Path(program))
    number = int(record["errno"])
    if number in {errno.EACCES, errno.ENOEXEC} and found:
        return Verdict(
            code="setup_failed" if setup else "entry_point_not_executable",
            summary=f"The {name} is not executable: {found.name}: {os.strerror(number)}.",
            hint="chmod +x it and let its first line name an interpreter (#!/bin/sh),"
            f" or put the interpreter first: {with_python}",
        )
    hint: str | None = None
    if number == errno.ENOENT and found:
        summary = f"The {name} names an interpreter in its first line that is not here."
        hint = f"name one that is on the agent's machine, or put it first: {with_python}"
    elif number == errno.ENOENT:
        summary = f"The {name} is neither in the code nor a program on this machine's PATH."
        where = "in the queue's setup" if setup else "such as -E 'python train.py'"
        hint = f"name a file of the code, or a program that is there: {where}"
    else:
        summary = f"The {name} could not be started: {os.strerror(number)}."
    code = VerdictCode.SETUP_FAILED if setup else VerdictCode.ENTRY_POINT_NOT_FOUND
    return Verdict(code=code, summary=summary, hint=hint)


def _is_file(path: Path) -> bool:
    """Whether there is one that can be looked at: a name may be too long for any."""
    try:
        return path.is_file()
    except OSError:
        return False


def _limit(spec: Spec, name: str) -> int | None:
    limits = (limit.decode().split() for limit in spec.get("limit", ()))
    return next((int(soft) for key, soft, _ in limits if key == name), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
