"""What is different where BuildKit builds, with a real Engine."""

import ensurepip
import shutil
from pathlib import Path

import aiodocker
import pytest
from launchkit_docker.builder import DockerBuilder
from pydantic import TypeAdapter, ValidationError

from launchkit.abc import Site
from launchkit.errors import BuildError, Rejected
from launchkit.images.dockerfile import CACHE
from launchkit.model import ArchiveSource, BuildRequest
from launchkit.testing import RecordingOutput, registry_server
from launchkit.testing.makers import make_launch, started

from ..workshop import Make

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's pip does not start without them."""
SHOWS_CACHE = """\
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo root:x:0:0:root:/:/bin/sh > /etc/passwd; touch /etc/group
COPY python /bin/python
COPY python /bin/python3
"""
"""A base image whose Python shows what pip would find in its cache, whatever it is to do."""


@pytest.fixture
def buildkit() -> bool:
    return True


def pip_wheel() -> Path:
    """The one that comes with this Python; Debian's has it elsewhere."""
    places = Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels")
    return next(wheel for place in places for wheel in place.glob("pip-*.whl"))


@pytest.fixture
async def base(builder: DockerBuilder, make: Make, python_image: str) -> str:
    """An image with Python and the pip that comes with it."""
    lines = (f"FROM {python_image}", "COPY pip.whl /", "ENV PYTHONPATH=/pip.whl")
    request = make("\n".join((*lines, f"COPY etc {CERTIFICATES.parent}/", "")))
    shutil.copy(pip_wheel(), request.code / "pip.whl")
    (request.code / "etc").mkdir()
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, request.code / "etc")
    return (await builder.build(request, RecordingOutput())).ref


def packages(tmp_path: Path, word: str, base: str) -> BuildRequest:
    """Code with packages to install, on a base image."""
    code = tmp_path / "project"
    code.mkdir()
    (code / "requirements.txt").write_text("")
    source = ArchiveSource(digest="d", size=1, name=word)
    launch = make_launch(source=source, entry_point=("python", "train.py"), base_image=base)
    return BuildRequest(launch=launch, code=code, destination=None)


async def test_dependencies_are_installed_with_a_cache_if_asked_and_the_tag_does_not_tell(
    base: str, site: Site, tmp_path: Path, word: str, out: RecordingOutput
) -> None:
    request = packages(tmp_path, word, base)
    async with started(DockerBuilder(buildkit=True, pip_cache=True), site) as builder:
        image = await builder.build(request, out)
    assert "RUN --mount=type=cache,target=/var/cache/pip" in out.text
    async with started(DockerBuilder(buildkit=False), site) as classic:
        assert await classic.build(request, out) == image
    assert out.text.endswith("is there already: nothing to build\n")


async def test_what_a_step_of_another_build_leaves_is_not_there_where_packages_are_installed(
    builder: DockerBuilder, make: Make, tmp_path: Path, word: str, out: RecordingOutput
) -> None:
    leave = f'["/bin/busybox", "touch", "{CACHE}/left-{word}"]'
    await builder.build(make(f"RUN --mount=type=cache,target={CACHE} {leave}\n"), out)
    request = make(SHOWS_CACHE)
    script = f"#!/bin/busybox sh\nmkdir -p /env; echo cache; ls {CACHE}; true\n"
    (request.code / "python").write_text(script)
    (request.code / "python").chmod(0o755)
    base = await builder.build(request, out)
    shown = RecordingOutput()
    await builder.build(packages(tmp_path, word, base.ref), shown)
    assert " cache\n" in shown.text
    assert f"left-{word}" not in shown.text


async def test_a_dockerfile_may_mount_what_other_builds_left(
    builder: DockerBuilder, make: Make, word: str, out: RecordingOutput
) -> None:
    mount = f"RUN --mount=type=cache,id={word},target=/cache"
    leave = f'{mount} ["/bin/busybox", "touch", "/cache/left"]\n'
    find = f'{mount} ["/bin/busybox", "ls", "/cache"]\n'
    await builder.build(make(leave), RecordingOutput())
    await builder.build(make(find), out)
    assert "left\n" in out.text


async def test_a_context_may_begin_with_any_file(
    builder: DockerBuilder, make: Make, out: RecordingOutput, engine: aiodocker.Docker
) -> None:
    request = make()
    (request.code / f"0{'ä' * 60}").write_text("first, and its name needs a header of its own")
    image = await builder.build(request, out)
    assert await engine.images.inspect(image.ref)


async def test_a_syntax_that_cannot_be_had_without_a_login_comes_with_advice(
    build_cache: None, site: Site, make: Make, tmp_path: Path, out: RecordingOutput
) -> None:
    request = make()
    with registry_server(tmp_path / "registry", login=("alice", "s3cret")) as server:
        name = f"{server.host}/syntax"
        (request.code / "Dockerfile").write_text(f"# syntax={name}:1\nFROM scratch\n")
        async with started(DockerBuilder(buildkit=True, frontends=[name]), site) as builder:
            with pytest.raises(BuildError) as caught:
                await builder.build(request, out)
    assert "set `buildkit: false`" in (caught.value.hint or "")


async def test_the_engine_is_not_asked_to_build_with_a_frontend_that_the_owner_does_not_name(
    builder: DockerBuilder, make: Make, word: str, out: RecordingOutput, engine: aiodocker.Docker
) -> None:
    request = make()
    (request.code / "Dockerfile").write_text(f"# syntax=registry.invalid/{word}\nFROM scratch\n")
    with pytest.raises(Rejected, match=rf"^Dockerfile:1: `syntax=registry.invalid/{word}`"):
        await builder.build(request, out)
    assert out.text == ""


async def test_the_classic_builder_takes_a_frontend_that_is_named_for_a_comment(
    site: Site, make: Make, out: RecordingOutput, engine: aiodocker.Docker
) -> None:
    request = make()
    file = request.code / "Dockerfile"
    file.write_text(f"# syntax=registry.invalid/fe\n{file.read_text()}")
    async with started(DockerBuilder(buildkit=False), site) as classic:
        image = await classic.build(request, out)
    assert await engine.images.inspect(image.ref)


@pytest.mark.parametrize("name", ["registry.example/fe:1", "Fe", f"fe@sha256:{'0' * 64}"])
def test_a_setting_that_names_no_repository_of_frontends_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of a repository"):
        TypeAdapter(DockerBuilder).validate_python({"frontends": [name]})
