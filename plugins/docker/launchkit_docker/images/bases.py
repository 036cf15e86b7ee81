"""The base images of a build: had by the Engine, and known by digest."""

from collections.abc import Iterable, Mapping

from aiodocker import Docker

from launchkit.abc import Output, Registry
from launchkit.errors import BuildError
from launchkit_docker.images.pull import Puller, PullError
from launchkit_docker.images.store import content_of, find


class Bases:
    """Gets base images, each once at a time."""

    def __init__(self, engine: Docker, registry: Registry | None) -> None:
        self._engine = engine
        self._puller = Puller(engine, registry)

    async def digests(
        self, refs: Iterable[str], platform: str | None, out: Output
    ) -> Mapping[str, str]:
        """The digest of each base image; what the Engine lacks for *platform* is pulled.

        :raises BuildError: if one cannot be pulled.
        """
        return {ref: await self._digest(ref, platform, out) for ref in refs}

    async def _digest(self, ref: str, platform: str | None, out: Output) -> str:
        image = await find(self._engine, ref)
        if image and platform in {None, f"{image['Os']}/{image['Architecture']}"}:
            return content_of(image, ref)
        try:
            await self._puller.get(ref, "always" if image else "missing", platform, out)
        except PullError as exc:
            raise BuildError(f"base {exc.message}", hint=exc.hint) from exc
        image = await find(self._engine, ref)
        if image is None:
            raise BuildError(f"base image {ref} was pulled, but the Engine does not have it")
        return content_of(image, ref)
