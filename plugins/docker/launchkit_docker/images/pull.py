"""The image of a run, got if the Engine lacks it; each is pulled once at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakValueDictionary

import anyio
from aiodocker import Docker, DockerError

from launchkit.abc import Output, Registry
from launchkit.errors import SubmitError
from launchkit.plain_text import shortened
from launchkit_docker.engine.client import NO_CONNECTION
from launchkit_docker.engine.messages import Progress, failure_in, follow, posted
from launchkit_docker.images.push import login_header
from launchkit_docker.images.store import find, host_of, repository_of

Policy = Literal["missing", "always", "never"]
ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}
REASONS = (
    (
        r"manifest unknown|not found|does not exist|invalid reference",
        "is its name right, and its tag there?",
    ),
    (r"denied|unauthorized|authentication|credentials", "may the agent's registry login read it?"),
    (r"no such host|lookup .* on|dial tcp|timeout", "can this machine reach the registry?"),
    (r"x509|certificate|tls:", "does the Engine trust the registry's certificate?"),
    (r"toomanyrequests|rate limit", "log in to the registry, or wait until its limit is over"),
)


class PullError(SubmitError):
    """The image of a run cannot be had."""

    code = "image_pull_failed"


@dataclass(eq=False)
class _Turn:
    """Shared by all who want one image now."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    began: float = 0.0
    """When the last good pull began."""


class Puller:
    """Gets images for runs."""

    def __init__(self, engine: Docker, registry: Registry | None) -> None:
        self._engine = engine
        self._registry = registry
        self._turns = WeakValueDictionary[tuple[str, str | None], _Turn]()

    async def get(self, ref: str, policy: Policy, platform: str | None, out: Output) -> None:
        """See that the Engine has *ref*.

        :raises PullError: if it cannot be had.
        :raises DockerError: if no Engine answers.
        """
        try:
            if policy != "always" and await self._has(ref, platform):
                return
            if policy == "never":
                what = f"{ref} for {platform}" if platform else ref
                raise PullError(
                    f"the Engine does not have image {what}, and the queue config says pull: never",
                    hint="pull it by hand, or take pull out of the queue config",
                )
            await self._in_turn(ref, policy, platform, out)
        except DockerError as exc:
            if exc.status == NO_CONNECTION:
                raise
            raise _failed(ref, exc.message) from exc

    async def _in_turn(self, ref: str, policy: Policy, platform: str | None, out: Output) -> None:
        """Pull, unless another has begun to pull since we asked: that is as new as we want it."""
        asked = anyio.current_time()
        turn = self._turns.setdefault((ref, platform), _Turn())
        if turn.lock.locked():
            await out.say(f"image {ref} is being pulled already; waits")
        async with turn.lock:
            if turn.began > asked or (policy == "missing" and await self._has(ref, platform)):
                return
            began = anyio.current_time()
            await out.say(f"pulling image {ref}")
            await self._pull(ref, platform, out)
            turn.began = began

    async def _has(self, ref: str, platform: str | None) -> bool:
        image = await find(self._engine, ref)
        if image is None or platform is None:
            return image is not None
        words = [ALIASES.get(word, word) for word in platform.lower().split("/")]
        return {*words[:2]} <= {image["Os"], image["Architecture"]}  # the third is its variant

    async def _pull(self, ref: str, platform: str | None, out: Output) -> None:
        progress = Progress()

        def take(message: Mapping[str, Any]) -> bytes:
            if reason := failure_in(message):
                raise _failed(ref, reason)
            return progress.take(message)

        named = "@" in ref or repository_of(ref) != ref
        params = {"fromImage": ref} if named else {"fromImage": ref, "tag": "latest"}
        if platform:
            params["platform"] = platform
        registry = self._registry
        theirs = registry and host_of(registry.image_ref("latest")) == host_of(ref)
        login = await registry.credentials() if registry and theirs else None
        headers = {"X-Registry-Auth": login_header(login, ref)}
        async with posted(
            self._engine, "images/create", params=params, headers=headers
        ) as response:
            await follow(response, take, out)


def _failed(ref: str, message: str) -> PullError:
    reason = shortened(message)  # some of it may be a registry's
    hints = (hint for pattern, hint in REASONS if re.search(pattern, reason, re.IGNORECASE))
    return PullError(f"image {ref} cannot be pulled: {reason}", hint=next(hints, None))
