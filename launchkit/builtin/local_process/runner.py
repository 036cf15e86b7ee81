"""The runner: prepares run directories, starts supervisors, and finds runs again.

A launch is looked at with it, too: what only its start needs is imported there.
"""

import os
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Run, Runner, Site
from launchkit.aio.carried_through import last_chance
from launchkit.builtin.local_process.args import QueueArgs, parse_args
from launchkit.errors import Elsewhere, SubmitError
from launchkit.home import expanded
from launchkit.model import Json, Secret
from launchkit.plain_text import shortened
from launchkit.private_files import make_folder

if TYPE_CHECKING:
    from launchkit.builtin.local_process.rundir import RunDir
    from launchkit.model import Submission
    from launchkit.supervision.forks import ForkServer

END_SECONDS = 5.0


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
    _lent: Collection[str] = field(init=False, repr=False)
    _forks: "ForkServer" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Make the directories, and clear away what earlier runs left long ago."""
        from launchkit.builtin.local_process.sweeping import sweep
        from launchkit.supervision.forks import ForkServer

        self._root = _absolute(self.dir or site.state_dir / "runs")
        self._setups = _absolute(site.cache_dir / "setup")
        self._lent = site.policy.env_from_agent
        await run_sync(_make_private, self._root, self._setups)
        self._forks = ForkServer()
        stack.push_async_callback(self._end_forks)
        site.tasks.start_soon(
            sweep, self._root, self._setups, self.keep, name="sweep of old local runs"
        )

    async def check(self) -> Sequence[Finding]:
        """Whether runs can be written and watched here."""
        from launchkit.builtin.local_process.checkup import findings

        return await run_sync(findings, self._root)

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

    def render(self, submission: "Submission") -> Json:
        """What will run, in which part of the code, within which limits."""
        from launchkit.builtin.local_process.plan import checked_command

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

    def ref_of(self, submission: "Submission") -> str:
        """The path of the run's directory, which follows from its name."""
        return str(self._place(submission.name).path)

    async def submit(self, submission: "Submission") -> Run:
        """Start it in a directory named like the submission; a run that is there already is given
        as it is, for it is started at most once.

        :raises Rejected: if it cannot run here.
        :raises SubmitError: if the disk or the system does not let it start.
        """
        from launchkit.builtin.local_process.beginning import (
            begun,
            drop_code,
            lay_out,
            start,
            was_started,
        )
        from launchkit.builtin.local_process.plan import check_inherited
        from launchkit.builtin.local_process.reach import Reach
        from launchkit.builtin.local_process.run import ProcessRun

        place = self._place(submission.name)
        reach = Reach(place.path)
        if await reach.promptly(was_started, place):
            await reach.at_length(drop_code, place, submission)
        else:
            check_inherited(submission, self._lent)
            plan = await reach.at_length(lay_out, place, submission, self._setups)
            await last_chance()
            await reach.at_length(start, place, plan, self._forks)
        return ProcessRun(place, keep=self.keep, traces=await reach.promptly(begun, place))

    async def attach(self, ref: str) -> Run:
        """Find a run again by its directory; one that does not answer may be its, and is given.

        :raises RunLost: if it is not there or never began.
        :raises Elsewhere: if that is no place where this runner keeps runs.
        """
        from launchkit.builtin.local_process.beginning import found
        from launchkit.builtin.local_process.reach import NoAnswer, Reach
        from launchkit.builtin.local_process.run import ProcessRun

        place = await run_sync(self._place_at, ref)
        try:
            traces = await Reach(place.path).promptly(found, place, ref)
        except (NoAnswer, OSError):
            traces = None
        return ProcessRun(place, keep=self.keep, traces=traces)

    async def discard(self, ref: str) -> None:
        """Remove a directory whose run never began.

        :raises Elsewhere: as `attach` does.
        :raises NoAnswer: if it does not answer.
        """
        from launchkit.builtin.local_process.beginning import discard
        from launchkit.builtin.local_process.reach import Reach

        place = await run_sync(self._place_at, ref)
        await Reach(place.path).at_leisure(
            discard,
            place,
        )

    def _place(self, name: str) -> "RunDir":
        from launchkit.builtin.local_process.rundir import RunDir

        if not _names_a_run(name):
            raise SubmitError(f"{shortened(name)!r} cannot be the name of a directory for a run")
        return RunDir(self._root / name)

    def _place_at(self, ref: str) -> "RunDir":
        """The directory of a run that is on record: the record is no reason to touch any other."""
        from launchkit.builtin.local_process.rundir import RunDir

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


def _names_a_run(name: str) -> bool:
    return bool(name) and not name.startswith(".") and not {"/", "\0"} & {*name}


def _is_same(folder: str, root: Path) -> bool:
    return os.path.realpath(folder) == os.path.realpath(root)


def _absolute(path: str | Path) -> Path:
    return expanded(path).absolute()


def _make_private(*paths: Path) -> None:
    for path in paths:
        make_folder(path)
