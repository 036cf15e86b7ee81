"""What the runner promises of a run, seen in real containers and from outside of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import anyio
import launchkit_docker.containers.output
import pytest
from docker_engine import SOCKET, Engine
from launchkit_docker.containers.containers import Containers
from launchkit_docker.engine.client import open_client
from launchkit_docker.runner import ContainerRunner
from waiting import PATIENCE

from launchkit.errors import RunLost, SubmitError
from launchkit.model import RunState
from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit.testing import relay, site_at, started

from .workshop import Scripts, ended, read

WAITS = "trap 'exit 0' TERM; echo ready; sleep 600 & wait"
BINARY = b"".join(bytes([number]) * 3 + b"\n" for number in range(256))
LONG = "".join(f"{letter * 300_000}\n" for letter in "abc").encode()
TEXT = "naïve ☃ \x00\x01\x1b[31m\x7f no end".encode()


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[ContainerRunner]:
    async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
        yield runner


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
    await ended(await runner.submit(submission))
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
    assert (await ended(run)).exit_code == 0
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
        await ended(run)


async def test_the_output_of_what_has_ended_is_read_and_not_followed(
    runner: ContainerRunner, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        run = await runner.submit(scripts("echo out"))
        await ended(run)
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
        await ended(run)


async def test_a_terminal_gives_what_it_shows_from_any_offset(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts("echo one; echo two >&2; printf 'red\\033[0m'", tty=True))
    shown = b"one\r\ntwo\r\nred\x1b[0m"
    assert await read(run) == shown
    assert (await ended(run)).state is RunState.FINISHED
    for offset in (1, 5, len(shown)):
        assert await read(run, offset) == shown[offset:]


async def test_a_run_that_does_not_listen_is_killed_after_its_grace(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts("trap '' TERM; echo ready; while true; do sleep 1; done"))
    await read(run, to=b"ready")
    with anyio.fail_after(PATIENCE):
        await run.cancel(1)
    seen = scripts.inspect(run.ref)
    assert seen
    assert seen["State"]["Running"] is False
    status = await run.status()
    assert (status.state, status.exit_code) == (RunState.STOPPED, 137)


async def test_a_run_is_told_by_the_signal_that_its_queue_names(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    script = "trap 'echo told; exit 0' USR1; echo ready; sleep 600 & wait"
    run = await runner.submit(scripts(script, stop_signal="SIGUSR1"))
    await read(run, to=b"ready")
    await run.cancel(30)
    assert await read(run) == b"ready\ntold\n"
    assert (await run.status()).exit_code == 0


async def test_a_run_that_somebody_paused_runs_and_can_be_cancelled(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.do(run.ref, "pause")
    assert (await run.status()).state is RunState.RUNNING
    with anyio.fail_after(PATIENCE):
        await run.cancel(2)
    assert (await run.status()).state is RunState.STOPPED


async def test_a_run_that_somebody_removed_is_lost_to_those_who_wait(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.remove()
    with pytest.raises(RunLost, match=run.ref) as caught:
        await ended(run)
    assert caught.value.code == "run_lost"
    with pytest.raises(RunLost):
        await read(run)
    with pytest.raises(RunLost):
        await run.cancel(1)
    await run.aclose()


async def test_a_run_that_somebody_killed_says_so_with_its_last_lines(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.do(run.ref, "kill")
    status = await ended(run)
    assert status.verdict
    assert status.verdict.code == "killed_by_signal"
    assert "SIGKILL" in status.verdict.summary
    assert status.verdict.evidence == ("ready",)


async def test_of_lines_without_measure_only_the_end_is_kept_in_the_verdict(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    line = b"x" * 3_000_000 + b" tail\n"
    (tmp_path / "line").write_bytes(line)
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do cat /place/line /place/line; done; exit 1"
    options = {"volume": f"{tmp_path}:/place:ro", "log-driver": "local"}
    status = await ended(await runner.submit(scripts(script, **options)))
    assert status.verdict
    assert status.verdict.code == "user_exit"
    (evidence,) = status.verdict.evidence
    assert evidence.startswith("…xxx")
    assert evidence.endswith("xxx tail")
    assert len(evidence) <= 1000


async def test_a_run_ends_though_the_engine_does_not_tell_its_last_lines(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.containers.output, "LAST_SECONDS", 0.1)
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
            way.shut("/logs")
            status = await ended(await runner.submit(scripts("echo lost; exit 1")))
            assert way.held
    assert status.verdict
    assert (status.verdict.code, status.verdict.evidence) == ("user_exit", ())


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_container_is_kept_only_if_its_queue_says_so(
    runner: ContainerRunner, scripts: Scripts, keeps: bool
) -> None:
    submission = scripts("echo text", rm=not keeps)
    run = await runner.submit(submission)
    await ended(run)
    await run.aclose()
    assert (scripts.inspect(run.ref) is not None) is keeps
    with pytest.raises(SubmitError, match="is over already"):
        await runner.submit(submission)
    with pytest.raises(RunLost, match="is over"):
        await runner.attach(run.ref)


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


async def test_what_was_created_and_not_started_is_started_by_the_next_submit(
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
    assert seen["Id"] == made.json()["Id"]


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
