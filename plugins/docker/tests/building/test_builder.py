"""The builder, with a real Engine and a real registry."""

import json
import re
from dataclasses import replace
from pathlib import Path

import aiodocker
import anyio
import anyio.abc
import launchkit_docker.images.store
import pytest
from anyio.to_thread import run_sync
from docker_engine import Engine
from launchkit_docker.build.call import LABEL, BuildCall
from launchkit_docker.build.log import BuildLog
from launchkit_docker.builder import DockerBuilder
from launchkit_docker.engine.client import EngineClient
from launchkit_docker.images.store import find
from waiting import PATIENCE, until

import launchkit.images.steps
from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import BuildError
from launchkit.images.build_plan import plan_build
from launchkit.images.maker import PlannedBuild
from launchkit.images.target import Target
from launchkit.model import ArchiveSource, BuildRequest, Secret
from launchkit.testing import RecordingOutput, RegistryServer, registry_server
from launchkit.testing.makers import make_launch, started

from ..workshop import LABEL as OF_TESTS
from ..workshop import TOUCH, Make


@pytest.fixture(params=[False, True], ids=["classic", "buildkit"])
def buildkit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_code_becomes_an_image_of_the_engine(
    builder: DockerBuilder, make: Make, word: str, out: RecordingOutput, engine: aiodocker.Docker
) -> None:
    image = await builder.build(make(), out)
    assert image.ref.startswith(f"launchkit.invalid/{word}:")
    assert image.digest is None
    assert (await engine.images.inspect(image.ref))["Config"]["Labels"][LABEL] == "1"
    assert 'RUN ["/bin/busybox", "touch", "/made"]\n' in out.text


async def test_an_image_whose_config_is_too_large_is_no_image_of_a_build_and_not_kept(
    builder: DockerBuilder,
    make: Make,
    word: str,
    out: RecordingOutput,
    docker_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launchkit_docker.images.store, "LARGEST_CONFIG", 20_000)
    with pytest.raises(BuildError, match="its config, which each of its containers"):
        await builder.build(make(f"LABEL long={'x' * 20_000}\n"), out)
    assert docker_engine.images(f"launchkit.invalid/{word}") == []


async def test_code_that_brings_no_dockerfile_becomes_an_image_that_starts_it(
    builder: DockerBuilder,
    tmp_path: Path,
    word: str,
    out: RecordingOutput,
    engine: aiodocker.Docker,
    python_image: str,
) -> None:
    (tmp_path / "train.py").write_text(f"import sys\nprint('{word}', sys.argv[1:])")
    launch = make_launch(
        source=ArchiveSource(digest="d", size=1, name=word), entry_point=("python", "train.py")
    )
    request = BuildRequest(launch=launch, code=tmp_path, destination=None)
    image = await builder.build(request, out)
    container = await engine.containers.create({"Image": image.ref, "Cmd": ["--epochs", "3"]})
    try:
        await container.start()
        await container.wait()
        assert await container.log(stdout=True, stderr=True) == [f"{word} ['--epochs', '3']\n"]
    finally:
        await container.delete(force=True)


async def test_each_step_of_a_build_stands_in_the_timeline(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    image = await builder.build(make(TOUCH), out)
    first, *steps = out.marks
    assert first == f"building image {image.ref}"
    assert 'RUN ["/bin/busybox", "touch", "/made"]' in "".join(steps)


async def test_of_very_many_steps_the_timeline_has_the_first(
    builder: DockerBuilder, make: Make, out: RecordingOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit.images.steps, "MOST_STEPS", 2)
    await builder.build(make(TOUCH), out)
    _, first, second, last = out.marks
    assert first in out.text
    assert second in out.text
    assert last == "the build has more steps, which its log tells"
    assert 'RUN ["/bin/busybox", "touch", "/made"]' in out.text


async def test_the_second_time_nothing_is_built(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    first = await builder.build(make(), RecordingOutput())
    assert await builder.build(make(), out) == first
    assert out.text == f"image {first.ref} is there already: nothing to build\n"


async def test_other_code_is_another_image(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    first = await builder.build(make(), out)
    assert await builder.build(make(TOUCH + TOUCH), out) != first


async def test_a_failing_step_is_shown_with_what_it_printed(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    # once a step has failed, BuildKit may say nothing more: it gets time to tell of it
    script = "echo before; echo no such thing >&2; sleep 1; exit 3"
    step = f'RUN ["/bin/busybox", "sh", "-c", "{script}"]'
    with pytest.raises(BuildError) as caught:
        await builder.build(make(TOUCH + step), out)
    for part in (step, "code: 3", "\n  before", "\n  no such thing"):
        assert part in caught.value.message
    assert "no such thing" in out.text
    assert "\x1b" not in out.text


async def test_a_dockerfile_that_makes_no_sense_says_so(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    with pytest.raises(BuildError, match="unknown instruction: FLY"):
        await builder.build(make("FLY away\n"), out)


async def test_a_base_image_that_cannot_be_had_is_named(
    builder: DockerBuilder, make: Make, out: RecordingOutput, host: str
) -> None:
    with pytest.raises(BuildError, match=f"base image {host}/none:1 cannot be pulled"):
        await builder.build(make(f"FROM {host}/none:1\n"), out)


async def test_a_base_image_is_pulled_once_with_the_login_of_its_registry(
    site: Site,
    make: Make,
    word: str,
    tmp_path: Path,
    out: RecordingOutput,
    engine: aiodocker.Docker,
) -> None:
    login = ("alice", "s3cret")
    with registry_server(tmp_path / "registry", login=login) as server:
        host = server.host
        place = OciRegistry(uri=f"{host}/{word}/base", username=login[0], password=login[1])
        async with started(place, site):
            site = replace(site, registry=place)
            async with started(DockerBuilder(), site) as builder:
                base = await builder.build(make(), RecordingOutput())
                await engine.images.delete(base.ref, force=True)
                request = make(f"FROM {base.ref}\n{TOUCH}", destination=f"{host}/{word}/job")
                image = await builder.build(request, out)
                await engine.images.delete(image.ref, force=True)
                assert await builder.build(request, out) == image
    assert out.text.count(f"pulling image {base.ref}\n") == 1


async def test_code_that_changes_during_the_build_is_not_taken_for_the_code_that_was_planned(
    client: EngineClient, make: Make, word: str, out: RecordingOutput, buildkit: bool
) -> None:
    request = make()
    (request.code / "A").write_text("as planned")
    plan = plan_build(request.launch, request.code)
    (request.code / "A").write_text("something else")
    target = Target(ref=f"launchkit.invalid/{word}:changed", pushed=False)
    call = BuildCall(PlannedBuild(plan=plan, tag="changed", target=target), buildkit)
    with pytest.raises(BuildError, match="A: "):
        await call.run(client, BuildLog(), out)
    assert await find(client, target.ref) is None


async def test_twenty_at_once_are_one_build(
    builder: DockerBuilder, make: Make, out: RecordingOutput
) -> None:
    request, refs = make(), set()

    async def build() -> None:
        refs.add((await builder.build(request, out)).ref)

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(build)
    assert len(refs) == 1
    assert out.text.count("building image") == 1
    assert out.text.count("nothing to build") == 19


async def test_a_cancelled_build_leaves_nothing_behind(
    builder: DockerBuilder, make: Make, word: str, engine: aiodocker.Docker, docker_engine: Engine
) -> None:
    step = f'RUN ["/bin/busybox", "sh", "-c", "echo waiting; sleep 600; : {word}"]\n'
    out = RecordingOutput()

    async def at_work() -> bool:
        for each in await engine.containers.list(all=True):
            if word in json.dumps(each["Command"]):
                return True
        kept = await run_sync(docker_engine.build_cache)
        return any(word in each["Description"] and each["InUse"] for each in kept)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(builder.build, make(step), out)
            await until(lambda: re.search(r"^(#\d+ )?waiting$", out.text, re.MULTILINE))
            assert await at_work()
            tasks.cancel_scope.cancel()
        while await at_work():  # noqa: ASYNC110 - the Engine tells no one when it has tidied up
            await anyio.sleep(0.05)
    assert not [image for image in await engine.images.list() if word in str(image["RepoTags"])]


async def test_what_is_pushed_is_run_by_its_digest(
    builder: DockerBuilder, make: Make, word: str, host: str, out: RecordingOutput
) -> None:
    image = await builder.build(make(destination=f"{host}/{word}/job"), out)
    assert image.ref == f"{host}/{word}/job@{image.digest}"
    assert RegistryServer(host=host).digest(image.ref) == image.digest
    assert "Pushed" in out.text


async def test_what_the_registry_has_is_neither_built_nor_pushed_again(
    site: Site,
    make: Make,
    word: str,
    tmp_path: Path,
    out: RecordingOutput,
    engine: aiodocker.Docker,
) -> None:
    login = ("alice", "s3cret")
    with registry_server(tmp_path / "registry", login=login) as server:
        host = server.host
        place = OciRegistry(uri=f"{host}/{word}/job", username=login[0], password=Secret(login[1]))
        async with (
            started(place, site),
            started(DockerBuilder(), replace(site, registry=place)) as builder,
        ):
            first = await builder.build(make(), RecordingOutput())
            assert server.digest(first.ref) == first.digest
            await engine.images.delete(first.ref, force=True)
            assert await builder.build(make(), out) == first
    assert "nothing to build" in out.text
    assert "building" not in out.text


async def test_a_registry_that_does_not_answer_fails_the_build_with_its_name(
    site: Site, make: Make, out: RecordingOutput
) -> None:
    place = OciRegistry(uri="127.0.0.1:9/team/job")
    async with (
        started(place, site),
        started(DockerBuilder(), replace(site, registry=place)) as builder,
    ):
        with pytest.raises(BuildError, match=r"registry 127\.0\.0\.1:9: cannot be reached"):
            await builder.build(make(), out)


async def test_an_image_that_was_built_but_not_pushed_is_only_pushed(
    builder: DockerBuilder, make: Make, word: str, host: str, out: RecordingOutput
) -> None:
    request = make(destination=f"{host}/{word}/job")
    await builder.build(request, RecordingOutput())
    assert (await builder.build(request, out)).digest
    assert "building" not in out.text
    assert "Layer already exists" in out.text


async def test_a_platform_that_is_not_this_machines_is_warned_of(
    builder: DockerBuilder, make: Make, word: str, out: RecordingOutput, engine: aiodocker.Docker
) -> None:
    here = (await engine.version())["Arch"]
    other = "arm64" if here == "amd64" else "amd64"
    request = make(platform=f"linux/{other}")
    shell = f"FROM scratch\nCOPY busybox label /bin/\nLABEL {OF_TESTS}={word}\n"
    (request.code / "Dockerfile").write_text(shell)  # a classic builder wants COPY to be first
    image = await builder.build(request, out)
    (warning,) = image.warnings
    assert warning.startswith(f"this machine is linux/{here}: a build for linux/{other}")
    assert f"warning: {warning}\n" in out.text


async def test_build_arguments_reach_the_dockerfile_and_the_tag(
    site: Site, make: Make, out: RecordingOutput, builder: DockerBuilder
) -> None:
    request = make('ARG WORD\nRUN ["/bin/busybox", "sh", "-c", "echo word=$WORD"]\n')
    async with started(DockerBuilder(build_args={"WORD": "hello"}), site) as other:
        image = await other.build(request, out)
    assert "word=hello" in out.text
    assert image != await builder.build(request, out)


async def test_where_an_engine_answers_it_works(builder: DockerBuilder, buildkit: bool) -> None:
    assert await builder.works_here()
    (finding,) = await builder.check()
    assert finding.level == "ok"
    assert (" and BuildKit" in finding.message) == buildkit


async def test_where_none_answers_it_does_not_and_the_check_says_why(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'none.sock'}")
    async with started(DockerBuilder(), site) as builder:
        assert not await builder.works_here()
        (finding,) = await builder.check()
    assert finding.level == "error"
    assert "Engine running" in (finding.hint or "")


async def test_an_engine_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as silent:
        port = silent.extra(anyio.abc.SocketAttribute.local_port)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        with anyio.fail_after(PATIENCE):
            assert not await DockerBuilder().works_here()
