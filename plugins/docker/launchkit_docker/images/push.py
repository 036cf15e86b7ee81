"""Push an image with a fresh login, and tell its digest."""

import re
from collections.abc import Mapping
from typing import Any

import anyio

from launchkit.abc import Output, Registry
from launchkit.errors import BuildError
from launchkit.images.login import login_header, push_login
from launchkit.images.ref import ImageRef
from launchkit.plain_text import shortened
from launchkit_docker.engine.client import EngineClient, EngineRefused
from launchkit_docker.engine.messages import Progress, failure_in, follow
from launchkit_docker.images.store import find, pushed_digest

PUSH_SECONDS = 3600.0
PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})(?: |$)")
"""The last status of a push: what an Engine that keeps images in containerd tells the digest by."""


class PushLog:
    """Follows the messages of one push; *digest* is what the registry calls the image."""

    def __init__(self, ref: str) -> None:
        self.digest: str | None = None
        self._ref = ref
        self._progress = Progress()

    def take(self, message: Mapping[str, Any]) -> bytes:
        """What to show of a message. :raises BuildError: if it is that the push failed."""
        if reason := failure_in(message):
            raise _refused(self._ref, reason)
        aux = message.get("aux")
        if isinstance(aux, Mapping) and "Digest" in aux:
            self.digest = str(aux["Digest"])
        elif told := PUSHED.search(str(message.get("status", ""))):
            self.digest = told[1]
        return self._progress.take(message)


async def push(
    engine: EngineClient,
    ref: str,
    registry: Registry | None,
    out: Output,
    *,
    seconds: float = PUSH_SECONDS,
) -> str:
    """Push *ref*, with a login of *registry* if there is one; its digest.

    :raises BuildError: if the registry refuses, or it takes longer than *seconds*.
    :raises EngineError: if the Engine does.
    """
    log = PushLog(ref)
    image = ImageRef.parse(ref)
    tag = image.version
    path = f"images/{ref.removesuffix(f':{tag}')}/push"  # as it was built: not as ImageRef has it
    headers = {"X-Registry-Auth": login_header(await push_login(ref, registry), image)}
    params = {"tag": tag}
    with anyio.move_on_after(seconds) as limit:
        try:
            async with engine.request(path, "POST", params=params, headers=headers) as response:
                await follow(response, log.take, out)
        except EngineRefused as exc:
            raise _refused(ref, exc.message) from exc
    if limit.cancelled_caught:
        raise BuildError(f"{ref} was built, but its push did not end within {seconds:g} s")
    digest = log.digest or await _known(engine, ref)
    if digest is None:
        raise BuildError(f"{ref} was pushed, but the registry told no digest")
    return digest


async def _known(engine: EngineClient, ref: str) -> str | None:
    """The digest that the Engine knows of what it has pushed."""
    return pushed_digest(await find(engine, ref) or {}, ref)


def _refused(ref: str, reason: str) -> BuildError:
    return BuildError(
        f"{ref} was built but could not be pushed: {shortened(reason)}",
        hint="see what `launchkit doctor` says about the registry and its credentials",
    )
