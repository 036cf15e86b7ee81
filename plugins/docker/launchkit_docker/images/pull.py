"""The image of a run, got if the Engine lacks it; each is pulled once at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from weakref import WeakValueDictionary

import anyio

from launchkit.abc import Output, Registry
from launchkit.errors import LaunchError, SubmitError
from launchkit.images.docker_login import docker_login
from launchkit.images.login import login_header
from launchkit.images.ref import ImageRef
from launchkit.images.target import is_in, is_kept
from launchkit.model import Credentials, VerdictCode
from launchkit.plain_text import shortened
from launchkit.runners.verdicts import Reason, reason_of
from launchkit_docker.engine.client import EngineClient, EngineRefused
from launchkit_docker.engine.messages import Progress, failure_in, follow
from launchkit_docker.images.store import ImageTooLarge, find, fits, id_in, is_from_elsewhere

Policy = Literal["missing", "always", "never"]
LOGIN_HINT = "may the agent's registry login read it?"
REACH_HINT = "can this machine reach the registry?"
HINTS = {
    r"no basic auth|unauthorized|authorization failed": LOGIN_HINT,
    r"manifest unknown|not found|does not exist": "is its name right, and its tag there?",
    r"denied|authentication|credentials": LOGIN_HINT,
    r"no such host|lookup .* on|dial tcp|timeout|connection refused": REACH_HINT,
    r"HTTP response to HTTPS client": "it has no TLS: is it one of `insecure-registries`?",
    r"x509|certificate|tls:": "does the Engine trust the registry's certificate?",
    r"toomanyrequests|rate limit": "log in to the registry, or wait until its limit is over",
}
REASONS = [Reason(pattern, VerdictCode.IMAGE_PULL_FAILED, hint) for pattern, hint in HINTS.items()]


class PullError(SubmitError):
    """The image of a run cannot be had."""

    code = VerdictCode.IMAGE_PULL_FAILED


@dataclass(eq=False)
class _Turn:
    """Shared by all who want one image now."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    began: float = 0.0
    """When the last good pull began."""
    platform: str | None = None
    """Which platform that was for."""


class Puller:
    """Gets images for runs and builds."""

    def __init__(self, engine: EngineClient, registry: Registry | None) -> None:
        self._engine = engine
        self._registry = registry
        self._turns = WeakValueDictionary[str, _Turn]()
        self._given = set[str]()
        """The ids of what registries gave to those who named no platform."""

    async def get(
        self, ref: str, policy: Policy, platform: str | None, out: Output
    ) -> Mapping[str, Any]:
        """What the Engine knows of *ref*; what it lacks is pulled, but for what was built and not
        pushed. So is what the Engine was given for another platform; where none is named, that of
        its machine is meant, unless the registry has no image for that, or none is to be pulled.

        :raises Rejected: if no image can be called so.
        :raises PullError: if it cannot be had, or its config is too large.
        :raises EngineAway: if no Engine answers.
        """
        kept = is_kept(ImageRef.parse(ref))
        with _pull_errors(ref):
            if kept or policy == "never":
                found = await find(self._engine, ref, platform)
            else:
                found = await self._fitting(ref, platform) if policy == "missing" else None
            if found is not None:
                return found
            if kept:
                raise PullError(
                    f"the Engine does not have image {ref}, which is in no registry: it was built"
                    " elsewhere, or removed",
                    hint="launch its code again, or give the builder a destination",
                )
            if policy == "never":
                raise PullError(
                    f"the Engine does not have image {_for(ref, platform)}, and the queue config"
                    " says pull: never",
                    hint="pull it by hand, or take pull out of the queue config",
                )
            return await self._in_turn(ref, policy, platform, out)

    async def id_of(self, ref: str, platform: str | None, seen: str | None) -> str:
        """The id of an image that the Engine has, of which a container may be made: that which was
        *seen* by its name before, while the name may be moved to another one. An Engine that is
        away is waited for.

        :raises PullError: if the Engine does not have it, or its config is too large.
        """
        wanted = (seen, None) if seen else (ref, platform)
        with _pull_errors(ref):
            found = await self._engine.answered(partial(find, self._engine, *wanted))
        if found is None:
            raise PullError(
                f"the Engine does not have image {_for(ref, platform)} any more",
                hint="launch it again",
            )
        return id_in(found)

    async def _fitting(self, ref: str, platform: str | None) -> Mapping[str, Any] | None:
        """What the Engine has, unless somebody had it pulled for another platform."""
        found = await find(self._engine, ref, platform)
        if found is None or platform or not is_from_elsewhere(found):
            return found
        own = id_in(found) in self._given or fits(found, await self._engine.platform())
        return found if own else None

    async def _in_turn(
        self, ref: str, policy: Policy, platform: str | None, out: Output
    ) -> Mapping[str, Any]:
        """Pull, unless another has begun to pull since we asked: that is as new as we want it. A
        name stands for one image, whatever the platform: no other is pulled until it is looked at.
        """
        asked = anyio.current_time()
        turn = self._turns.setdefault(str(ImageRef.parse(ref)), _Turn())
        if turn.lock.locked():
            await out.say(f"image {ref} is being pulled already; waits")
        async with turn.lock:
            if turn.began <= asked or turn.platform != platform:
                if policy == "missing" and (found := await self._fitting(ref, platform)):
                    return found
                began = anyio.current_time()
                await self._pull(ref, platform, out)
                turn.began, turn.platform = began, platform
            found = await find(self._engine, ref)
        if found is None:
            raise _failed(ref, "it was pulled, but the Engine does not have it")
        if platform is None:
            self._given.add(id_in(found))
        return found

    async def _pull(self, ref: str, platform: str | None, out: Output) -> None:
        image, progress = ImageRef.parse(ref), Progress()
        await out.say(f"pulling image {ref}")

        def take(message: Mapping[str, Any]) -> bytes:
            if reason := failure_in(message):
                raise _failed(ref, reason)
            return progress.take(message)

        params = {"fromImage": ref}
        if image.tag is None and image.digest is None:
            params["tag"] = image.version  # without one, the Engine pulls all that there are
        if platform:
            params["platform"] = platform
        headers = {"X-Registry-Auth": login_header(await self._login(image, out), image)}
        async with self._engine.request(
            "images/create", "POST", params=params, headers=headers
        ) as response:
            await follow(response, take, out)

    async def _login(self, image: ImageRef, out: Output) -> Credentials | None:
        """The login of the agent's registry for its images, and for others that of `docker login`;
        where that cannot be had, anybody may perhaps pull all the same.
        """
        if self._registry and is_in(image, self._registry):
            return await self._registry.credentials()
        try:
            return await docker_login(image.registry)
        except LaunchError as exc:
            await out.say(f"warning: no login for {image.registry}: {exc.message}")
            return None


@contextmanager
def _pull_errors(ref: str) -> Iterator[None]:
    try:
        yield
    except ImageTooLarge as exc:
        raise PullError(exc.message, hint=exc.hint) from exc
    except EngineRefused as exc:
        raise _failed(ref, exc.message) from exc


def _for(ref: str, platform: str | None) -> str:
    return f"{ref} for {platform}" if platform else ref


def _failed(ref: str, message: str) -> PullError:
    said = shortened(message)  # some of it may be a registry's
    reason = reason_of(said, REASONS)
    return PullError(f"image {ref} cannot be pulled: {said}", hint=reason.hint if reason else None)
