"""The containers of an agent's runs, by name, with the marks that must outlive them."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import QueueBackend
from launchkit.aio.retry import Backoff, retry
from launchkit.aio.trouble import Trouble
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import LaunchError, QueueError, RunLost, SubmitError
from launchkit.plain_text import shortened
from launchkit.runners.identity import DOCKER
from launchkit.runners.markers import Markers
from launchkit_docker.containers import labels
from launchkit_docker.containers.container import Container, id_in
from launchkit_docker.containers.informer import (
    ListedContainer,
    container_informer,
    list_runs,
)
from launchkit_docker.containers.names import kept_as
from launchkit_docker.containers.outside import Outside, outside
from launchkit_docker.containers.verdicts import start_failure
from launchkit_docker.engine.client import (
    AnswerTooLarge,
    EngineClient,
    EngineError,
    EngineRefused,
    understood,
)

log = logging.getLogger("launchkit.docker")

CANCELLED, OVER, UNSEEN = "cancelled", "over", "unseen"
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
"""There is none, or it does not run."""
CREATED = "created"
ENDED = frozenset({CREATED, "exited", "dead"})
START_SECONDS = 3.0
"""How long a start whose answer was lost may still be under way."""
CREATE_BACKOFF = Backoff(first=0.05, cap=1.0, deadline=60.0)
REMOVE_BACKOFF = Backoff(first=0.05, cap=1.0, deadline=10.0)
SWEEP_SECONDS = 3600.0
SWEEP_BACKOFF = Backoff(first=60.0, cap=SWEEP_SECONDS)
UNSTARTED_SECONDS = 3600.0
"""How old a container is that nobody will start any more."""
UNWANTED_GRACE = 10.0
"""What runs without a launch has so many seconds to end."""
KEEP_SECONDS = 86400.0
"""How long an agent that slept is kept from starting again what has ended."""


class Containers:
    """What the runs of one agent share. An Engine that is away is waited for."""

    def __init__(
        self, engine: EngineClient, folder: Path, backend: QueueBackend | None = None
    ) -> None:
        """Keep marks and code in *folder*; *backend* tells which attempts are over."""
        self.engine = engine
        self._backend = backend
        self.markers = Markers(folder / "marks")
        self.informer = container_informer(engine)
        self._folder = folder
        self._info: Mapping[str, Any] | None = None
        self._outside: Outside | None = None

    async def info(self) -> Mapping[str, Any]:
        """What the Engine says of itself; it is asked once."""
        if self._info is None:
            self._info = await self.engine.answered(self.engine.info)
        return self._info

    async def outside(self) -> Outside:
        """Where the agent's files are for the Engine; it is asked once."""
        if self._outside is None:
            self._outside = await self.engine.answered(partial(outside, self.engine))
        return self._outside

    async def find(self, name: str) -> Container | None:
        """Look at a container, until the Engine can tell of it; None if there is none.

        :raises RunLost: if it has more to tell than that of any run: asked again, it does not end.
        """
        path, absent = f"containers/{name}/json", (HTTPStatus.NOT_FOUND,)

        async def once() -> Container | None:
            seen = await self.engine.json(path, none_for=absent)
            with understood():
                return Container.of(seen) if seen is not None else None

        try:
            return await self.engine.answered(once, on=_may_pass)
        except AnswerTooLarge as exc:
            raise RunLost(
                f"container {name} cannot be looked at: {exc.message}",
                hint="does its image have long labels? docker rm -f removes it",
            ) from exc

    async def look(self, name: str) -> Container:
        """As `find`. :raises RunLost: if there is none of that name."""
        if container := await self.find(name):
            return container
        raise RunLost(f"there is no container {name}")

    async def created(
        self, name: str, body: Mapping[str, Any], platform: str | None
    ) -> tuple[Container, Sequence[str]]:
        """The container of that name: one that has been started, or a new one with what the Engine
        warns of, which nobody else starts. What another agent creates can be looked at some time
        after its name is taken.

        :raises SubmitError: if the Engine refuses.
        :raises RunLost: if it cannot be looked at; one that was created here and now is removed.
        """
        params = {"name": name, **({"platform": platform} if platform else {})}
        taken = (HTTPStatus.CONFLICT,)

        async def once() -> tuple[Container, Sequence[str]]:
            made = await self.engine.answered(
                lambda: self.engine.json(
                    "containers/create", "POST", params=params, body=body, none_for=taken
                )
            )
            if made is None:
                return await self._taken(name), ()
            return await self._made(made), _warnings(made)

        with _refusals("the container cannot be created"):
            return await retry(once, on=SubmitError, backoff=CREATE_BACKOFF)

    async def _made(self, made: Mapping[str, Any]) -> Container:
        """The container that was created here and now; its name may be another's by now."""
        with understood():
            made_id = id_in(made)
        try:
            container = await self.find(made_id)
        except RunLost:
            await self.remove(made_id, force=False)
            raise
        if container is None:
            raise SubmitError(f"container {made_id} was removed as soon as it was created")
        return container

    async def _taken(self, name: str) -> Container:
        """The container that has a name already. One that an agent has created and not started in
        time is removed: that agent may only sleep, and would start it when it has run and ended.
        """
        container = await self._settled(name, name)
        if container is None:
            raise SubmitError(f"the name {name} is taken, but the Engine has no such container")
        if container.is_unstarted_run(name):
            await self.remove(container.id, force=False)
            raise SubmitError(f"container {name} was created by an agent that did not start it")
        return container

    async def start(self, container: Container) -> None:
        """Start a container that `created` has given as a new one.

        :raises SubmitError: if the Engine refuses, or another agent has removed it.
        """
        asked = False

        async def once() -> None:
            nonlocal asked
            if asked:  # it must not be started again when it has ended
                seen = await self._settled(container.name, container.id)
                if seen is not None and seen.started:
                    return
            asked = True
            await self.engine.json(f"containers/{container.id}/start", "POST")

        with _refusals("the container cannot be started"):
            await self.engine.answered(once)

    async def _settled(self, name: str, ref: str) -> Container | None:
        """A run's container, by its name or id, when a start that may be under way is over."""
        with self.informer.subscribed(name) as news:
            goes_on = True
            while (seen := await self.find(ref)) and seen.is_unstarted_run(name) and goes_on:
                goes_on = await news.wait(START_SECONDS)
            return seen

    async def stop(self, name: str, grace: float) -> None:
        """Send the stop signal, kill it after *grace* seconds, and wait for its end. What else the
        Engine has to tell of it may be too much.

        :raises RunLost: if there is none of that name.
        :raises SubmitError: if the Engine refuses.
        """
        path, seconds = f"containers/{name}", {"t": str(round(grace))}
        may = (*GONE, HTTPStatus.INTERNAL_SERVER_ERROR)  # the last: it does not end by its signal
        ask, absent = self.engine, (HTTPStatus.NOT_FOUND,)
        with _refusals(f"{name} cannot be stopped"):
            await ask.answered(
                lambda: ask.json(f"{path}/stop", "POST", params=seconds, none_for=may)
            )
            await ask.answered(lambda: ask.json(f"{path}/kill", "POST", none_for=GONE))
            end = await ask.answered(lambda: ask.json(f"{path}/wait", "POST", none_for=absent))
        if end is None:
            raise RunLost(f"there is no container {name}")

    async def remove(self, name: str, *, force: bool = True) -> None:
        """Remove an ended container and its nameless volumes; none is no error. If the Engine is
        at it already, wait for it a while. Without *force* one that runs after all is left alone.
        """
        path, params = f"containers/{name}", {"v": "true", "force": str(force).lower()}
        absent = (HTTPStatus.NOT_FOUND,)

        async def once() -> None:
            await self.engine.answered(
                lambda: self.engine.json(path, "DELETE", params=params, none_for=absent)
            )

        try:
            await retry(once, on=_is_conflict, backoff=REMOVE_BACKOFF)
        except EngineRefused as exc:
            if not exc.conflict:
                raise

    def code(self, name: str) -> Path:
        """Where the code is kept that is laid into a container."""
        return self._folder / "code" / kept_as(name)

    async def drop_code(self, name: str) -> None:
        """Remove the code that was laid into an ended container, if there is any."""
        await run_sync(remove_tree, self.code(name))

    async def never_started(self, seconds: float) -> list[str]:
        """The containers of runs that were created so many *seconds* ago and never started, for
        their agents were killed. Who wants one makes it anew.
        """
        made = await self.engine.answered(lambda: list_runs(self.engine))
        until = time.time() - seconds
        old = [each.name for each in made if each.state == CREATED and each.created_at <= until]
        return [name for name in old if await self._is_unstarted_run(name)]

    async def _is_unstarted_run(self, name: str) -> bool:
        """Whether it was never started; one that cannot be looked at is left to people."""
        try:
            found = await self.find(name)
        except RunLost as exc:
            log.warning("an old container is left: %s (%s)", exc, exc.hint)
            return False
        return found is not None and found.is_unstarted_run(name)

    async def sweep(self) -> None:
        """Forget now and then what ended long ago, until cancelled."""
        trouble = Trouble(log, "the sweep of old containers")
        while True:
            await retry(self._sweep, on=LaunchError, backoff=SWEEP_BACKOFF, trouble=trouble)
            await anyio.sleep(SWEEP_SECONDS)

    async def _sweep(self) -> None:
        """Forget old marks, and remove the containers at whose removal an agent was killed: those
        that are marked, and those of which the queue says that they are over.
        """
        await self.markers.prune(KEEP_SECONDS)
        await self._end_unwanted()
        wanted = f"{labels.REMOVE}=true"
        found = await self.engine.answered(lambda: list_runs(self.engine, wanted))
        ended = [one for one in found if one.state in ENDED]
        over = await self._over(ended)
        for left in ended:
            if left.name in over or await self.markers.has(left.name, OVER):
                await self.markers.set(left.name, OVER)
                await self.drop_code(left.name)
                await self.remove(left.name)
        for name in await self.never_started(UNSTARTED_SECONDS):
            await self.drop_code(name)
            await self.remove(name, force=False)

    async def _end_unwanted(self) -> None:
        """End what runs although its attempt is over: an agent that slept started it late, and was
        killed before it had ended it.
        """
        made = await self.engine.answered(lambda: list_runs(self.engine))
        for name in await self._over([one for one in made if one.state not in ENDED]):
            log.warning("container %s runs, but its launch has ended: it is stopped", name)
            with suppress(RunLost):  # somebody else was quicker
                await self.stop(name, UNWANTED_GRACE)

    async def _over(self, found: Sequence[ListedContainer]) -> Collection[str]:
        """The names of those whose attempt is over for the queue, as far as that can be told."""
        whose = {left.name: DOCKER.parse(left.labels) for left in found}
        attempts: dict[str, int] = {}
        for one in filter(None, whose.values()):
            attempts[one.item_id] = min(one.attempt, attempts.get(one.item_id, one.attempt))
        if self._backend is None or not attempts:
            return ()
        try:
            items = await self._backend.over(attempts)
        except QueueError as exc:
            log.debug("the queue does not tell what is over: %s", exc)
            return ()
        return {
            name
            for name, one in whose.items()
            if one and one.item_id in items and one.attempt <= attempts[one.item_id]
        }


def _warnings(made: Mapping[str, Any]) -> Sequence[str]:
    with understood():
        return [shortened(str(warning)) for warning in made.get("Warnings") or ()]


def _may_pass(exc: Exception) -> bool:
    return isinstance(exc, EngineError) and not isinstance(exc, AnswerTooLarge)


def _is_conflict(exc: Exception) -> bool:
    return isinstance(exc, EngineRefused) and exc.conflict


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Make a refusal of the Engine an error of the launch, with the code of its cause."""
    try:
        yield
    except EngineRefused as exc:
        reason = start_failure(exc.message)
        error = SubmitError(f"{what}: {exc.message}", hint=reason.hint if reason else None)
        if reason:
            error.code = reason.code
        raise error from exc
