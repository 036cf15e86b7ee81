"""What the runner promises of a run, seen in real containers and from outside of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.containers.containers import Containers
from launchkit_docker.engine.client import open_client
from launchkit_docker.runner import ContainerRunner
from waiting import until

from launchkit.abc import Policy
from launchkit.errors import RunLost, SubmitError
from launchkit.model import RunState, Submission
from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit.testing import Relay, end_of, relay, site_at, started

from .workshop import WAITS, Scripts, read

BINARY = b"".join(bytes([number]) * 3 + b"\n" for number in range(256))
LONG = "".join(f"{letter * 300_000}\n" for letter in "abc").encode()
TEXT = "naïve ☃ \x00\x01\x1b[31m\x7f no end".encode()


@pytest.fixture
def network(docker_engine: Engine) -> Iterator[str]:
    name = f"launchkit-test-{uuid4().hex[:8]}"
    docker_engine.http.post("/networks/create", json={"Name": name}).raise_for_status()
    yield name
    docker_engine.http.delete(f"/networks/{name}").raise_for_status()


async def test_a_run_that_many_submit_at_once_is_started_once(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    submission = scripts("echo started >> /place/starts", volume=f"{tmp_path}:/place")
    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(runner.submit, submission)
    await end_of(await runner.submit(submission))
    assert (tmp_path / "starts").read_text() == "started\n"


async def test_a_name_that_another_agent_takes_now_is_waited_for_until_its_container_is_there(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    submissions = [scripts(WAITS) for _ in range(8)]
    async with site_at(tmp_path / "other") as site, started(ContainerRunner(), site) as other:
        async with anyio.create_task_group() as tasks:
            for submission in submissions:
                for each in (runner, other):
                    tasks.start_soon(each.submit, submission)
        for submission in submissions:
            run = await runner.submit(submission)
            assert (await run.status()).state is RunState.RUNNING
            await run.cancel(0)


@pytest.mark.parametrize(
    "policy",
    [Policy(secure_mode=True), Policy(of_runners={"docker": "strict"})],
    ids=["secure mode", "strict"],
)
async def test_under_a_closed_policy_a_run_sees_no_cgroups_of_the_host(
    policy: Policy, scripts: Scripts, tmp_path: Path
) -> None:
    submission = scripts("exit 0", rm=False)
    async with (
        site_at(tmp_path, policy=policy) as site,
        started(ContainerRunner(), site) as runner,
    ):
        assert runner.render(submission)["request"]["HostConfig"]["CgroupnsMode"] == "private"
        await end_of(await runner.submit(submission))
    container = scripts.inspect(runner.ref_of(submission))
    assert container is not None
    assert container["HostConfig"]["CgroupnsMode"] == "private"


@pytest.mark.parametrize(
    ("driver", "printed"),
    [("json-file", LONG), ("json-file", TEXT), ("local", BINARY), ("local", TEXT)],
    ids=["long lines", "text", "binary", "text in another driver"],
)
@pytest.mark.parametrize("stream", ["1", "2"])
async def test_output_is_exact_from_any_offset_to_the_end(
    runner: ContainerRunner,
    scripts: Scripts,
    tmp_path: Path,
    driver: str,
    printed: bytes,
    stream: str,
) -> None:
    (tmp_path / "printed").write_bytes(printed)
    script = f"cat /place/printed >&{stream}"
    run = await runner.submit(
        scripts(script, volume=f"{tmp_path}:/place:ro", **{"log-driver": driver})
    )
    assert await read(run) == printed
    assert (await end_of(run)).exit_code == 0
    for offset in (1, 8, len(printed) // 2, 16_384, len(printed) - 1, len(printed)):
        assert await read(run, offset) == printed[offset:]


async def test_bytes_that_the_engine_does_not_keep_do_not_shift_the_offsets(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(r"printf 'a\377b\nc\n'"))
    kept = await read(run)
    assert kept == "a\ufffdb\nc\n".encode()
    assert [await read(run, at) for at in range(len(kept))] == [
        kept[at:] for at in range(len(kept))
    ]


async def test_both_streams_are_kept_whole(runner: ContainerRunner, scripts: Scripts) -> None:
    script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    run = await runner.submit(scripts(script))
    lines = (await read(run)).decode().splitlines()
    for stream in ("out", "err"):
        assert [line for line in lines if stream in line] == [f"{stream} {i}" for i in range(500)]


async def test_output_is_exact_though_the_connection_breaks_again_and_again(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "printed").write_bytes(LONG)
    submission = scripts("cat /place/printed; echo end", volume=f"{tmp_path}:/place")
    data, cuts = b"", 0
    async with relay(Path(SOCKET)) as way:
        way.break_before(b"a" * 100, b"b" * 100, b"c" * 100)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        run = await runner.submit(submission)
        async with aclosing(run.logs(0)) as chunks:
            async for chunk in chunks:
                assert chunk.offset == len(data)
                data += chunk.data
                if len(data) > cuts * 100_000:
                    cuts += 1
                    way.shut("/logs")
                    way.open()
        assert data == LONG + b"end\n"
        assert way.count("/logs") >= 3
        await end_of(run)


async def test_the_output_of_what_has_ended_is_read_and_not_followed(
    runner: ContainerRunner, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        run = await runner.submit(scripts("echo out"))
        await end_of(run)
        assert await read(run) == b"out\n"  # Podman may end too early what it is to follow
        assert (way.count("/logs"), way.count("follow=")) == (1, 0)


async def test_after_a_break_output_is_read_on_and_not_from_its_beginning(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo first; sleep 2.5; echo second; until [ -e /place/gate ]; do sleep 0.1; done"
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        run = await runner.submit(scripts(script, volume=f"{tmp_path}:/place"))
        data = b""
        async with aclosing(run.logs(0)) as chunks:
            async for chunk in chunks:
                data += chunk.data
                if data.endswith(b"second\n") and not way.count("since="):
                    way.shut("/logs")
                    way.open()
                    (tmp_path / "gate").touch()
        assert data == b"first\nsecond\n"
        assert way.count("since=") > 0
        await end_of(run)


async def test_a_terminal_gives_what_it_shows_from_any_offset(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts("echo one; echo two >&2; printf 'red\\033[0m'", tty=True))
    shown = b"one\r\ntwo\r\nred\x1b[0m"
    assert await read(run) == shown
    assert (await end_of(run)).state is RunState.FINISHED
    for offset in (1, 5, len(shown)):
        assert await read(run, offset) == shown[offset:]


async def test_a_second_submit_gives_the_container_that_is_there(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts(WAITS)
    first = await runner.submit(submission)
    before = scripts.inspect(first.ref)
    second = await runner.submit(submission)
    after = scripts.inspect(second.ref)
    assert before
    assert after
    for name in ("Id", "RestartCount"):
        assert before[name] == after[name]
    assert before["State"]["StartedAt"] == after["State"]["StartedAt"]


async def test_what_was_created_and_not_started_is_made_anew_by_the_next_submit(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts("echo started")
    body = runner.render(submission)["request"]
    made = scripts.engine.http.post(
        "/containers/create", params={"name": submission.name}, json=body
    )
    assert made.is_success
    with pytest.raises(RunLost, match="never started"):
        await runner.attach(submission.name)
    run = await runner.submit(submission)
    assert await read(run) == b"started\n"
    seen = scripts.inspect(run.ref)
    assert seen
    assert seen["Id"] != made.json()["Id"]  # which nobody can start any more


@pytest.mark.parametrize(
    ("step", "rm", "said"),
    [
        ("/containers/create", True, "is over already"),
        ("/start", False, "cannot be started"),
    ],
)
async def test_what_an_agent_froze_at_is_not_run_again_after_another_has_run_it(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path, step: str, rm: bool, said: str
) -> None:
    submission = scripts("echo started >> /place/starts", volume=f"{tmp_path}:/place", rm=rm)
    async with open_through_relay(tmp_path) as (frozen, way):
        way.hold(step)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refused, frozen, submission, said)
            await until(lambda: len(way.held) > 0)
            run = await runner.submit(submission)
            await end_of(run)
            await run.aclose()
            way.open()
    assert (tmp_path / "starts").read_text() == "started\n"
    assert (scripts.inspect(run.ref) is None) is rm


@asynccontextmanager
async def open_through_relay(folder: Path) -> AsyncIterator[tuple[ContainerRunner, Relay]]:
    """Another agent of the same place, with the way on which it asks the Engine."""
    async with (
        relay(Path(SOCKET)) as way,
        site_at(folder, "frozen") as site,
        started(ContainerRunner(), site) as frozen,
    ):
        with pytest.MonkeyPatch.context() as environ:
            environ.setenv("DOCKER_HOST", f"tcp://{way.host}")
            await frozen.check()
        yield frozen, way


async def test_a_run_that_somebody_has_removed_is_not_made_again_once_its_end_is_stored(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts(WAITS)
    run = await runner.submit(submission)
    scripts.remove()
    await run.aclose()
    with pytest.raises(SubmitError, match="is over already"):
        await runner.submit(submission)


async def refused(runner: ContainerRunner, submission: Submission, said: str) -> None:
    with pytest.raises(SubmitError, match=said):
        await runner.submit(submission)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"device": "/dev/no-such-device"}, "no_such_device"),
        ({"network": "no-such-network"}, "no_such_network"),
        ({"mount": "type=bind,source=/no/such/path,target=/x"}, "no_such_volume"),
    ],
)
async def test_a_refused_start_says_why_and_leaves_nothing(
    runner: ContainerRunner, scripts: Scripts, options: dict[str, object], code: str
) -> None:
    submission = scripts("true", **options)
    with pytest.raises(SubmitError) as caught:
        await runner.submit(submission)
    assert caught.value.code == code
    assert caught.value.hint
    assert scripts.inspect(submission.name) is None


async def test_a_port_that_another_container_has_is_told(
    runner: ContainerRunner, scripts: Scripts, network: str
) -> None:
    first = await runner.submit(scripts(WAITS, network=network, publish="127.0.0.1::80"))
    seen = scripts.inspect(first.ref)
    assert seen
    port = seen["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    second = scripts(WAITS, network=network, publish=f"127.0.0.1:{port}:80")
    with pytest.raises(SubmitError, match=port) as caught:
        await runner.submit(second)
    assert caught.value.code == "port_in_use"
    assert scripts.inspect(second.name) is None
    scripts.remove()


async def test_a_container_of_somebody_else_is_never_taken_for_the_run(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts("echo started")
    label, _, value = scripts.label.partition("=")
    made = {"Image": scripts.image, "Cmd": ["true"], "Labels": {label: value}}
    scripts.engine.http.post(
        "/containers/create", params={"name": submission.name}, json=made
    ).raise_for_status()
    with pytest.raises(SubmitError, match="taken by a container of somebody else"):
        await runner.submit(submission)
    seen = scripts.inspect(submission.name)
    assert seen
    assert seen["State"]["Status"] == "created"


async def test_a_container_that_no_agent_has_lived_to_start_is_found_and_removed(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    run, left = await runner.submit(scripts(WAITS)), scripts("true")
    label, _, value = scripts.label.partition("=")
    labels = DOCKER.labels(RunIdentity.of(left.launch, "gone")) | {label: value}
    scripts.engine.http.post(
        "/containers/create",
        params={"name": left.name},
        json={"Image": scripts.image, "Cmd": ["true"], "Labels": labels},
    ).raise_for_status()
    async with open_client() as client:
        containers = Containers(client, tmp_path)
        assert {left.name, run.ref}.intersection(await containers.never_started(0)) == {left.name}
        assert left.name not in await containers.never_started(3600)
    for name in (left.name, run.ref):
        await runner.discard(name)
    assert scripts.inspect(left.name) is None
    assert (await run.status()).state is RunState.RUNNING


@pytest.mark.reported("F12")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"max-size": "1p"}),
        ({"log-driver": "json-file", "log-opt": "max-file=2"}, {"max-size": "1p", "max-file": "2"}),
        ({"log-opt": "max-size=10m"}, {"max-size": "10m"}),
        ({"log-driver": "local"}, {"max-size": "1p"}),
        ({"log-driver": "local", "log-opt": "max-size=10m"}, {"max-size": "10m"}),
    ],
)
async def test_output_is_not_rotated_away_before_it_is_copied(
    runner: ContainerRunner, scripts: Scripts, options: dict[str, object], expected: dict[str, str]
) -> None:
    run = await runner.submit(scripts("true", **options))
    seen = scripts.inspect(run.ref)
    assert seen
    assert seen["HostConfig"]["LogConfig"]["Config"] == expected


@pytest.mark.reported("F6")
async def test_what_the_engine_warns_of_when_it_takes_a_run_is_told_once(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    submission = scripts("true", network="host", publish="9:9")
    run = await runner.submit(submission)
    assert "published ports" in " ".join(run.warnings).lower()
    assert (await runner.submit(submission)).warnings == ()
