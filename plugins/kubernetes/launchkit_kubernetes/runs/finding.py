"""Runs of earlier agents, found again by what they have left in the cluster."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from launchkit.abc import others_run
from launchkit.errors import Elsewhere, RunLost, SubmitError
from launchkit.model import Attempt
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import NAME
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.records import Record, Records
from launchkit_kubernetes.runs.secrets import RunSecrets
from launchkit_kubernetes.runs.whose import Whose, whose_is
from launchkit_kubernetes.status.pod import Pod

Look = Callable[[Ref], Awaitable[Mapping[str, Any] | None]]
"""Reads an object; None: there is none."""
Pods = Callable[[Ref], Awaitable[Sequence[Pod]]]
"""Reads the pods of an object that is gone."""


@dataclass(frozen=True)
class Finder:
    """Tells a run's object, and what stands beside one, from those of others of its name."""

    look: Look
    pods: Pods
    is_known: Callable[[Ref], bool]
    """Whether there are runs of an object's kind in its namespace for all that the agent knows
    without what is on record: what may not be looked at there is trouble."""
    records: Records
    secrets: RunSecrets
    _sought: dict[Ref, Whose] = field(default_factory=dict)
    """Whose the objects are that are about to be attached to, or discarded."""

    async def require_own(self, ref: Ref, attempt: Attempt) -> None:
        """See that an object is of this attempt, as far as anything is known of it.

        :raises OthersRun: if all that is known of it is of others.
        :raises Elsewhere: if it may not be looked at, and nothing else says that it is there.
        """
        own = whose_is(attempt)
        with self._looking(ref):
            try:
                told = await self.look(ref)
            except SubmitError:  # `found` tells of it
                told = None
            if told is None or not own.owns(told):
                others = [record.whose for record in await self.records.of(ref)]
                if told is None and not others:
                    others = [*await self.secrets.runs(ref)]
                if (told or others) and all(other.exact != own.exact for other in others):
                    raise others_run(str(ref))
        self._sought[ref] = own

    async def found(self, ref: Ref) -> tuple[Whose, Record | None]:
        """The run that is looked for, if its object, a record or pods of it are there, or the one
        whose object is; and what is remembered of it.

        :raises RunLost: if there is nothing of it.
        :raises Elsewhere: as `require_own` does.
        """
        sought = self._sought.pop(ref, None)
        with self._looking(ref):
            try:
                told = await self.look(ref)
            except SubmitError as exc:  # what objects of its kind there were went with it
                raise RunLost(exc.message, hint=exc.hint) from exc
            root = Whose.of(told) if told is not None else None
            if sought is not None and (root is None or root.exact != sought.exact):
                root = None
            record = await self._record(ref, sought or root, told)
            whose = root or (record.whose if record is not None else None)
            if whose is None and told is None and sought is not None:
                whose = await self._left(ref, sought)
        if whose is None:
            raise RunLost(f"there is no {ref.kind} {ref.name} of a run in {ref.namespace}")
        return whose, record

    async def unmade(self, ref: Ref) -> Whose | None:
        """The run that is looked for, or the only one that has secrets there, if its object was
        never made.
        """
        sought = self._sought.pop(ref, None)
        runs = [sought] if sought else await self.secrets.runs(ref)
        if len(runs) != 1:  # none, or others too, whose objects may be about to be made
            return None
        return runs[0] if await self.is_unmade(ref, runs[0]) else None

    async def is_unmade(self, ref: Ref, whose: Whose) -> bool:
        """Whether the object of a run is not there, and is not known to have been."""
        if await self.records.get(ref, whose) is not None:
            return False
        told = await self.look(ref)
        return told is None or not whose.owns(told)

    @contextmanager
    def _looking(self, ref: Ref) -> Iterator[None]:
        """Tell a place where nothing may be looked at from trouble in one where runs are."""
        try:
            yield
        except ClusterRefused as exc:
            if exc.forbidden and not self.is_known(ref):
                raise Elsewhere(exc.message, hint=exc.hint) from exc
            raise

    async def _left(self, ref: Ref, whose: Whose) -> Whose | None:
        """The same, if there are pods that say to be its; a label that is not there says nothing
        where no object tells of them.
        """
        pods = await self.pods(ref)
        if not any(whose.exact.items() <= pod.labels.items() for pod in pods):
            return None
        return replace(whose, labels={**whose.labels, NAME: ref.name})

    async def _record(
        self, ref: Ref, whose: Whose | None, told: Mapping[str, Any] | None
    ) -> Record | None:
        """What is remembered of a run, or of the last one whose object had that name."""
        if whose is not None:
            return await self.records.get(ref, whose, told)
        return next(reversed(await self.records.of(ref)), None)
