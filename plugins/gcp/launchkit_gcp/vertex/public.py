"""Whether an image outside of Google's registries is one that anybody may pull."""

from collections.abc import Callable
from contextlib import AsyncExitStack

import anyio

from launchkit.abc import MayNotRead
from launchkit.errors import LaunchError
from launchkit.images.registries.probe import open_probe
from launchkit.model import Credentials
from launchkit_gcp.vertex.images import unreachable

LOOK_SECONDS = 15.0
"""A registry that does not answer stops no launch: Vertex AI may reach it."""


async def check_public(image: str, plain: Callable[[str], bool] = lambda host: False) -> str | None:
    """Ask its registry for an image as anybody; gives what is to be said if it does not answer.
    *plain* says of a host whether it may be asked without TLS.

    :raises SubmitError: if only some may have it, or it is not there.
    """
    try:
        with anyio.fail_after(LOOK_SECONDS):
            async with AsyncExitStack() as stack:
                probe = await open_probe(stack, None, _nobody, plain)
                is_there, _ = await probe.find(image)
    except MayNotRead as exc:
        raise unreachable(image, "its registry does not give it to everybody") from exc
    except (LaunchError, TimeoutError) as exc:
        why = str(exc) or "its registry does not answer"
        return f"whether anybody may pull {image} cannot be told: {why}"
    if not is_there:
        raise unreachable(image, "its registry has no such image for everybody")
    return None


async def _nobody(host: str) -> Credentials | None:
    """No login."""
    return None
