"""The runner: prepares run directories, starts supervisors, and finds runs again.

A launch is looked at with it, too: what only its start needs is imported there.
"""

import errno
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Run, Runner, Site
from launchkit.builtin.local_process.args import QueueArgs, parse_args
from launchkit.builtin.local_process.plan import Plan, checked_command, make_plan
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.rundir import (
    RunDir,
    clear_away,
    end_leftovers,
    outdated,
    prune,
)
from launchkit.errors import LaunchError, Rejected, RunLost, SubmitError
from launchkit.home import expanded
from launchkit.model import Json, Secret, Submission
from launchkit.plain_text import shortened
from launchkit.private_files import make_folder
from launchkit.supervision import cgroup
from launchkit.supervision.forks import ForkServer
from launchkit.supervision.supervisor import OLD_SETUP

log = logging.getLogger("launchkit.local_process")

SWEEP_EVERY_SECONDS = 3600.0
SWEEP_DAYS = 7.0
OVER_DAYS = 1.0
LOW_DISK_BYTES = 1 << 30
LONGEST_VARIABLE = 1 << 17
"""Bytes of one variable that Linux lets a program be started with."""
END_SECONDS = 5.0


class Elsewhere(LaunchError):
    """The record of a run names a place that is not this runner's. Not a `RunLost`, after which a
    run that was being submitted is submitted again: it may run there.
    """

    code = "run_lost"


@dataclass(kw_only=True)
class LocalProcessRunner(Runner):
    """Runs code as processes of this machine. They live on when the agent dies."""

    kind: ClassVar[str] = "local-process"
    needs_image: ClassVar[bool] = False
    survives_agent: ClassVar[bool] = True
    bound_to_site: ClassVar[bool] = True
    option_keys: ClassVar[frozenset[str]] = frozenset({"env", "setup", "limits", "inherit_env"})

    dir: str | None = None
    """Where run directories live; by default with the agent's other state."""
    keep: bool = False
    """Keep the directories of ended runs."""

    _root: Path = field(init=False, repr=False)
    _setups: Path = field(init=False, repr=False)
    _forks: ForkServer = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Make the directories, and clear away what earlier runs left long ago."""
        self._root = _absolute(self.dir or site.state_dir / "runs")
        self._setups = _absolute(site.cache_dir / "setup")
        await run_sync(_make_private, self._root, self._setups)
        self._forks = ForkServer()
        stack.push_async_callback(self._end_forks)
        site.tasks.start_soon(self._sweep, name="sweep of old local runs")

    async def check(self) -> Sequence[Finding]:
        """Whether runs can be written and watched here."""
        return await run_sync(self._findings)

    @classmethod
    def check_args(cls, args: Json) -> None:
        """Look at a queue's config. :raises Rejected: if it is none for local processes."""
        parse_args(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """The keys of a queue's config."""
        from launchkit.json_schema import json_schema

        return json_schema(QueueArgs)

    @classmethod
    def args_env(cls) -> tuple[str, ...]:
        """`env`."""
        return ("env",)

    def render(self, submission: Submission) -> Json:
        """What will run, in which part of the code, within which limits."""
        args = parse_args(submission.resource_args)
        limits = {key: value for key, value in vars(args.limits).items() if value is not None}
        return {
            "command": list(checked_command(submission)),
            "cwd": submission.launch.working_dir or ".",
            "env": {
                name: "…" if isinstance(value, Secret) else value
                for name, value in submission.env.items()
            },
            "setup": args.setup_args.command if args.setup_args else None,
            "limits": limits,
            "nice": args.nice,
        }

    def ref_of(self, submission: Submission) -> str:
        """The path of the run's directory, which follows from its name."""
        return str(self._place(submission.name).path)

    async def submit(self, submission: Submission) -> Run:
        """Start it in a directory named like the submission; a run that is there already is given
        as it is, for it is started at most once.

        :raises Rejected: if it cannot run here.
        :raises SubmitError: if the disk or the system does not let it start.
        """
        place = self._place(submission.name)
        await run_sync(_submit, place, submission, self._setups, self._forks)
        return ProcessRun(place, keep=self.keep)

    async def attach(self, ref: str) -> Run:
        """Find a run again by its directory.

        :raises RunLost: if it is not there or never began.
        :raises Elsewhere: if that is no place where this runner keeps runs.
        """
        place = await run_sync(self._place_at, ref)
        seen = await run_sync(place.look)
        if not (seen.started or seen.cancelled or seen.supervisor):
            what = "this run was never started" if place.path.is_dir() else "there is no such run"
            raise RunLost(f"{ref}: {what}")
        return ProcessRun(place, keep=self.keep)

    async def discard(self, ref: str) -> None:
        """Remove a directory whose run never began. :raises Elsewhere: as `attach` does."""
        place = await run_sync(self._place_at, ref)
        await run_sync(_discard, place)

    def _place(self, name: str) -> RunDir:
        if not _names_a_run(name):
            raise SubmitError(f"{shortened(name)!r} cannot be the name of a directory for a run")
        return RunDir(self._root / name)

    def _place_at(self, ref: str) -> RunDir:
        """The directory of a run that is on record: the record is no reason to touch any other."""
        parent, name = os.path.split(ref)
        if "\0" in parent or not _names_a_run(name) or not _is_same(parent, self._root):
            raise Elsewhere(
                f"{shortened(ref)!r} is not in {self._root}, where this runner keeps its runs",
                hint="was `dir` or `state_dir` changed while it ran? then see what became of it",
            )
        return RunDir(self._root / name)

    async def _end_forks(self) -> None:
        with anyio.move_on_after(END_SECONDS, shield=True):
            await run_sync(self._forks.close)

    async def _sweep(self) -> None:
        tried: set[Path] = set()  # what cannot be removed is told once
        while True:
            try:
                await run_sync(end_leftovers, self._root)
                if not self.keep:
                    for path in await run_sync(self._outdated) - tried:
                        tried |= {path, await run_sync(clear_away, path)}
                    await run_sync(prune, self._root, time.time(), OVER_DAYS)
            except OSError as exc:
                log.warning("old runs in %s cannot be cleared away: %s", self._root, exc)
            await anyio.sleep(SWEEP_EVERY_SECONDS)

    def _outdated(self) -> set[Path]:
        setups = self._setups.glob(f"*{OLD_SETUP}*")
        return {*outdated(self._root, time.time(), SWEEP_DAYS), *setups}

    def _findings(self) -> Sequence[Finding]:
        if not os.access(self._root, os.W_OK):
            return [Finding(level="error", subject="runs", message=f"{self._root} is not writable")]
        free = shutil.disk_usage(self._root).free
        disk = Finding(
            level="ok" if free > LOW_DISK_BYTES else "warning",
            subject="runs",
            message=f"their directory is writable, {free / 2**30:.1f} GiB free",
        )
        if hasattr(os, "pidfd_open") and Path("/proc/self/environ").exists():
            watch = Finding(level="ok", subject="processes", message="can be watched and found")
        else:
            watch = Finding(
                level="warning",
                subject="processes",
                message="no pidfd or no /proc here: ends are seen later, and processes that leave"
                " their group are not found",
                hint="run the agent on Linux 5.3 or later",
            )
        return [disk, watch, _group_finding()]


def _group_finding() -> Finding:
    if home := cgroup.home():
        message = f"each run has a cgroup of its own in {home}"
        return Finding(level="ok", subject="cgroups", message=message)
    return Finding(
        level="ok",
        subject="cgroups",
        message="none may be made here; if the process that watches a run is killed, what has"
        " cleared its environment stays",
        hint="run the agent in a systemd unit with Delegate=yes",
    )


def _names_a_run(name: str) -> bool:
    return bool(name) and not name.startswith(".") and not {"/", "\0"} & {*name}


def _is_same(folder: str, root: Path) -> bool:
    return os.path.realpath(folder) == os.path.realpath(root)


def _absolute(path: str | Path) -> Path:
    return expanded(path).absolute()


def _make_private(*paths: Path) -> None:
    for path in paths:
        make_folder(path)


def _submit(place: RunDir, submission: Submission, setups: Path, forks: ForkServer) -> None:
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


def _discard(place: RunDir) -> None:
    seen = place.look()
    if not (seen.started or seen.cancelled or seen.supervisor):
        place.remove()


def _prepare(place: RunDir, submission: Submission, setups: Path) -> Plan:
    from launchkit.images.file_overrides import override_files

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
