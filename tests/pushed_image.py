"""An image that the builder `docker` builds and pushes to the registry of a cloud."""

import shutil
from pathlib import Path

from docker_engine import Engine

from launchkit.abc import Builder
from launchkit.model import BuildRequest, Image
from launchkit.testing import RecordingOutput, make_launch


def request_of(word: str, place: Path) -> BuildRequest:
    """Code at *place* with a shell and a *word* that no other image has."""
    code = place / "code"
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "word").write_text(word)
    (code / "Dockerfile").write_text("FROM scratch\nCOPY busybox word /bin/\n")
    return BuildRequest(launch=make_launch(dockerfile="Dockerfile"), code=code, destination=None)


async def pushed(builder: Builder, request: BuildRequest, engine: Engine) -> tuple[Image, str]:
    """The image, once it was built, pushed, and found by who builds it again; and all that was
    said. Nothing of it is left in the engine.
    """
    out = RecordingOutput()
    image = await builder.build(request, out)
    assert await builder.build(request, out) == image
    assert "is there already: nothing to build" in out.text
    for name in engine.images(image.ref.partition("@")[0]):
        engine.remove(name)
    return image, out.text
