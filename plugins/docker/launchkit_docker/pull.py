"""The image of a run, got if the Engine lacks it; each is pulled once at a time."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import anyio
from aiodocker import Docker, DockerError

from launchkit.abc import Output, Registry
from launchkit.errors import SubmitError
from launchkit_docker.images import find, host_of, repository_of
from launchkit_docker.messages import Progress, failure_in, follow, posted
from launchkit_docker.push import login_header

Policy = Literal["missing", "always", "never"]
REASONS = (
    (r"manifest unknown|not found|does not exist", "is its name right, and its tag there?"),
    (r"denied|unauthorized|authentication|credentials", "may the agent's registry login read it?"),
    (r"no such host|lookup .* on|dial tcp", "can this machine reach the registry?"),
    (r"x509|certificate|tls:", "does the Engine trust the registry's certificate?"),
    (r"toomanyrequests|rate limit", "log in to the registry, or wait until its limit is over"),
)


class PullError(SubmitError):
    """The image of a run cannot be had."""

    code = "image_pull_failed"


class Puller:
    """Gets images for runs."""

    def __init__(self, engine: Docker, registry: Registry | None) -> None:
        self._engine = engine
        self._registry = registry
        self._locks: dict[str, anyio.Lock] = {}

    async def get(self, ref: str, policy: Policy, platform: str | None, out: Output) -> None:
        """See that the Engine has *ref*. :raises PullError: if it cannot be had."""
        if policy != "always" and await find(self._engine, ref):
            return
        if policy == "never":
            raise PullError(
                f"the Engine does not have image {ref}, and the queue config says pull: never",
                hint="pull it by hand, or take pull out of the queue config",
            )
        async with self._locks.setdefault(ref, anyio.Lock()):
            if policy == "always" or not await find(self._engine, ref):
                await out(f"pulling image {ref}\n".encode())
                await self._pull(ref, platform, out)

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
        try:
            async with posted(
                self._engine, "images/create", params=params, headers=headers
            ) as response:
                await follow(response, take, out)
        except DockerError as exc:
            raise _failed(ref, exc.message) from exc


def _failed(ref: str, reason: str) -> PullError:
    hints = (hint for pattern, hint in REASONS if re.search(pattern, reason, re.IGNORECASE))
    return PullError(f"image {ref} cannot be pulled: {reason}", hint=next(hints, None))
