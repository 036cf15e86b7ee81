"""Metrics and health over real HTTP."""

import sys
from contextlib import AsyncExitStack, suppress

import anyio
import httpx
import pytest
from agent import stage
from agent.conftest import Bench, running, until
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.stapled import MultiListener
from prometheus_client.parser import text_string_to_metric_families
from waiting import PATIENCE

from launchkit import Agent
from launchkit.errors import ConfigError
from launchkit.observe.http import CONNECTIONS, HttpServer, Page

READ_ERRORS = (anyio.EndOfStream, anyio.BrokenResourceError)
WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"


async def get(agent: Agent, path: str, method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.request(method, f"{agent.address}{path}")


async def metrics(agent: Agent) -> dict[tuple[str, ...], float]:
    """Values by the name of the sample and its labels."""
    families = text_string_to_metric_families((await get(agent, "/metrics")).text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def counted(agent: Agent, *sample: str) -> None:
    """Wait until the agent has counted something."""
    with anyio.fail_after(PATIENCE):
        while (await metrics(agent)).get(sample, 0) < 1:  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def test_metrics_tell_what_is_under_way(bench: Bench) -> None:
    gate = bench.folder / "gate"
    run = await bench.launch(WAIT, str(gate))
    async with bench.agent(metrics_port=0, max_jobs=2) as agent:
        await running(run)
        now = await metrics(agent)
        gate.touch()
        await bench.ended(run)
    assert now[("launchkit_jobs_claimed_total", "q")] == 1
    assert now[("launchkit_jobs_running",)] == 1
    assert (now[("launchkit_slots_used",)], now[("launchkit_slots_limit",)]) == (1, 2)
    assert now[("launchkit_claim_seconds_count",)] == 1
    assert now[("launchkit_heartbeat_age_seconds",)] >= 0


async def test_metrics_tell_how_launches_ended(bench: Bench) -> None:
    runs = [await bench.launch("print('x' * 99)"), await bench.launch("raise SystemExit(3)")]
    async with bench.agent(metrics_port=0) as agent:
        await bench.ended(*runs)
        await until(lambda: not agent.status.startswith("1 of 1"))
        now = await metrics(agent)
    assert now[("launchkit_jobs_finished_total", "q", "finished", "ok")] == 1
    assert now[("launchkit_jobs_finished_total", "q", "failed", "user_exit")] == 1
    assert now[("launchkit_log_bytes_total",)] >= 100
    for step in ("queue_wait", "fetch", "submit", "run"):
        assert now[("launchkit_step_seconds_count", step)] == 2


async def test_a_healthy_agent_is_alive_and_ready(bench: Bench) -> None:
    async with bench.agent(metrics_port=0) as agent:
        await until(lambda: "waits for" in agent.status)
        alive, ready = await get(agent, "/livez"), await get(agent, "/readyz?verbose")
    assert (alive.status_code, ready.status_code) == (200, 200)
    assert set(alive.json()["checks"]) == {"heartbeat", "poller q"}
    assert set(ready.json()["checks"]) == {"backend", "claiming"}
    assert ready.json()["ok"] is True


async def test_the_watches_of_a_runner_stand_on_the_health_page(bench: Bench) -> None:
    await bench.client.create_queue("s", "stage")
    run = await bench.launch("", queue="s")
    async with bench.agent(stage, queues=["s"], metrics_port=0) as agent:
        await bench.ended(run)
        checks = (await get(agent, "/livez")).json()["checks"]
    assert checks["watch stage"] == {"ok": True, "detail": "heard 1.5 s ago"}


async def test_a_draining_agent_is_alive_but_not_ready(bench: Bench) -> None:
    gate = bench.folder / "gate"
    run = await bench.launch(WAIT, str(gate))
    async with bench.agent(metrics_port=0) as agent:
        await running(run)
        agent.stop()
        alive, ready = await get(agent, "/livez"), await get(agent, "/readyz")
        gate.touch()
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["checks"]["claiming"] == {"ok": False, "detail": "is draining"}


async def test_an_agent_that_cannot_reach_its_queue_is_not_ready(bench: Bench) -> None:
    database = bench.folder / "launchkit.db"
    async with bench.agent(metrics_port=0, lease_seconds=0.5) as agent:
        await agent._registered.wait()  # until then it asks for nothing else
        database.rename(bench.folder / "away.db")
        for call in ("claim", "beat"):  # it goes on to try both
            await counted(agent, "launchkit_backend_errors_total", call)
        assert "trying again" in agent.status
        alive, ready = await get(agent, "/livez"), await get(agent, "/readyz")
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert "launchkit.db" in ready.json()["checks"]["backend"]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/", 404), ("POST", "/metrics", 405), ("PUT", "/x", 404)],
)
async def test_other_paths_and_methods_are_refused(
    bench: Bench, method: str, path: str, status: int
) -> None:
    async with bench.agent(metrics_port=0) as agent:
        assert (await get(agent, path, method)).status_code == status


@pytest.mark.parametrize("request_", [b"no http\r\n\r\n", b"GET /" + b"x" * 20_000, b"GET / HTT"])
async def test_what_is_no_request_gets_no_answer_and_does_no_harm(
    bench: Bench, request_: bytes
) -> None:
    async with bench.agent(metrics_port=0) as agent:
        host, port = str(agent.address).removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(request_)
            if request_.endswith(b"HTT"):
                await stream.send_eof()
            with (
                anyio.fail_after(PATIENCE),
                pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)),
            ):
                await stream.receive()
        assert (await get(agent, "/livez")).status_code == 200


async def test_a_port_in_use_is_said_at_the_start(bench: Bench) -> None:
    async with bench.agent(metrics_port=0) as agent:
        port = int(str(agent.address).rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"metrics_port: cannot listen on 127.0.0.1:{port}"):
            await bench.agent(metrics_port=port).run()


async def test_a_host_that_is_none_is_said_at_the_start(bench: Bench) -> None:
    with pytest.raises(ConfigError, match="metrics_port: cannot listen on"):
        await bench.agent(metrics_host="ü..x", metrics_port=0).run()


async def test_what_is_not_asked_for_is_not_imported(bench: Bench) -> None:
    script = (
        "import sys\nfrom launchkit import Agent\nimport launchkit.agent.agent\n"
        "print([m for m in ('prometheus_client', 'opentelemetry', 'h11') if m in sys.modules])"
    )
    done = await anyio.run_process([sys.executable, "-c", script])
    assert done.stdout == b"[]\n"


async def test_connections_that_say_nothing_keep_nobody_from_the_health_page(bench: Bench) -> None:
    async with bench.agent(metrics_port=0) as agent, AsyncExitStack() as stack:
        host, _, port = (agent.address or "").removeprefix("http://").rpartition(":")
        silent = [
            await stack.enter_async_context(await anyio.connect_tcp(host, int(port)))
            for _ in range(10 * CONNECTIONS)
        ]
        for stream in silent:
            with suppress(anyio.BrokenResourceError):
                await stream.send(b"GET /livez HTT")
        assert (await get(agent, "/livez")).status_code == 200
        with pytest.raises(READ_ERRORS), anyio.fail_after(PATIENCE / 2):  # sent away, not timed out
            await silent[0].receive()


async def test_a_server_that_fails_is_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MultiListener[SocketStream]):
        """Fails once, as where there are too many open files."""

        failed = False

        async def serve(self, *args: object, **more: object) -> None:
            if not self.failed:
                self.failed = True
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.fail)
            await super().serve(*args, **more)  # type: ignore[arg-type] # as they come

        async def fail(self) -> None:
            raise OSError(24, "Too many open files")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    page = Page(200, "text/plain", b"here")
    async with anyio.create_task_group() as tasks:
        server = HttpServer({"/": lambda: page})
        tasks.start_soon(server._listen, Failing(listener.listeners))
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).content == b"here"
        tasks.cancel_scope.cancel()
    assert "Too many open files" in caplog.text
