"""Output that a node has turned over, and output that is lost, on a real cluster."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.abc import Run, Site
from launchkit.model import Submission
from launchkit.testing import started

from .cluster.cluster import Cluster, running
from .cluster.programs import skip_without_programs
from .workloads import Jobs, begun

KEPT = "launchkit/log"
FILE_BYTES = 8192
LAST = b"line 40 of the output\n"


@pytest.fixture(scope="module")
def turning() -> Iterator[Cluster]:
    """A cluster whose node keeps little of what a container prints."""
    skip_without_programs(node=True)
    options = ("--log-opt", f"max-size={FILE_BYTES}", "--log-opt", "max-file=1")
    with running(Cluster(node=True, engine=options)) as cluster:
        yield cluster


@pytest.fixture
def jobs(turning: Cluster, tmp_path: Path) -> Iterator[Jobs]:
    with turning.engine() as engine, engine.busybox(tmp_path) as image:
        yield Jobs(turning, turning.make_namespace(), image, tmp_path)


@pytest.fixture
async def runner(site: Site, turning: Cluster, tmp_path: Path) -> AsyncIterator[KubernetesRunner]:
    path = turning.write_kubeconfig(tmp_path / "kubeconfig")
    async with started(KubernetesRunner(config_file=str(path)), site) as runner:
        yield runner


@pytest.fixture(autouse=True)
def _kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit_kubernetes.runs.log_place.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("launchkit_kubernetes.runs.log_place.KEEP_SECONDS", 0.0)


def with_side(jobs: Jobs, submission: Submission, script: str) -> Submission:
    """The submission with another container."""
    args: Any = dict(submission.resource_args)
    side = {"name": "side", "image": jobs.image, "imagePullPolicy": "IfNotPresent"}
    place = [{"name": "place", "mountPath": "/place"}]
    args["spec"]["template"]["spec"]["containers"].append(
        {**side, "command": ["/bin/sh", "-c", script], "volumeMounts": place}
    )
    return replace(submission, resource_args=args)


async def read(run: Run, offset: int = 0, enough: Callable[[bytes], object] | None = None) -> bytes:
    """What is given from a byte on, in order: all of it, or until it is *enough*."""
    data = bytearray()

    async def reader() -> None:
        async with aclosing(run.logs(offset)) as chunks:
            async for chunk in chunks:
                assert chunk.offset == offset + len(data)
                data.extend(chunk.data)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader)
        if enough is not None:
            await until(lambda: enough(bytes(data)))
            tasks.cancel_scope.cancel()
    return bytes(data)


def prints(first: int, last: int) -> str:
    return f"n={first}; while [ $n -le {last} ]; do echo line $n of the output; n=$((n+1)); done"


def waits_for(name: str) -> str:
    return f"until [ -e /place/{name} ]; do sleep 0.1; done"


async def test_an_agent_that_adopts_a_run_gives_what_came_after_its_log_was_turned_over(
    runner: KubernetesRunner, jobs: Jobs, tmp_path: Path
) -> None:
    script = f"{prints(1, 40)}; {waits_for('go')}; {prints(41, 990)}; touch /place/printed"
    run = await begun(runner, jobs.shell(f"{script}; {waits_for('end')}; echo last words"))
    stored = await read(run, 0, lambda data: LAST in data and KEPT in annotations(jobs))
    (tmp_path / "go").touch()
    await until((tmp_path / "printed").exists)
    adopted = await runner.attach(run.ref)
    (tmp_path / "end").touch()
    rest = await read(adopted, len(stored))
    assert rest.startswith(b"[launchkit] output of ")
    assert rest.count(b"[launchkit]") <= 2  # the last words may turn it over once more
    assert rest.endswith(b"line 990 of the output\nlast words\n")
    whole = stored + rest
    found = await runner.attach(run.ref)
    assert await read(found, len(whole) - 11) == b"last words\n"


async def test_an_agent_that_reads_on_meanwhile_gives_each_line_once_where_nothing_is_lost(
    runner: KubernetesRunner, jobs: Jobs, tmp_path: Path
) -> None:
    script = f"{prints(1, 40)}; {waits_for('go')}; {prints(41, 50)}; {waits_for('end')}"
    run = await begun(runner, jobs.shell(script))
    stored = await read(run, 0, lambda data: LAST in data and KEPT in annotations(jobs))
    (tmp_path / "go").touch()
    (tmp_path / "end").touch()
    rest = await read(await runner.attach(run.ref), len(stored))
    lines = (stored + rest).decode().splitlines()
    assert lines == [f"line {number} of the output" for number in range(1, 51)]


async def test_of_several_containers_an_agent_that_adopts_gives_what_came_after_too(
    runner: KubernetesRunner, jobs: Jobs, tmp_path: Path
) -> None:
    script = f"{prints(1, 40)}; {waits_for('go')}; {prints(41, 990)}; touch /place/printed"
    main = jobs.shell(f"{script}; {waits_for('end')}; sleep 3; echo last words")
    run = await begun(runner, with_side(jobs, main, f"echo side; {waits_for('end')}"))
    stored = await read(run, 0, lambda data: LAST in data and sizes(jobs) == 2)
    (tmp_path / "go").touch()
    await until((tmp_path / "printed").exists)
    adopted = await runner.attach(run.ref)
    (tmp_path / "end").touch()
    rest = await read(adopted, len(stored))
    assert 1 <= rest.count(b"[launchkit] output of ") <= 2
    assert rest.endswith(b"/launch0 | last words\n")
    assert b"line 990 of the output\n" in rest
    assert (stored + rest).count(b"/side | side\n") == 1


async def test_output_of_a_pod_that_was_removed_is_told_to_be_lost_once(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    submission = jobs.shell(f"echo one; {waits_for('never')}")
    args: Any = submission.resource_args
    args["spec"] |= {"parallelism": 2, "completions": 2, "backoffLimit": 9}
    run = await begun(runner, submission)
    stored = await read(run, 0, lambda _: sizes(jobs) == 2)
    pods = f"/api/v1/namespaces/{jobs.namespace}/pods"
    name = jobs.cluster.request("GET", pods)["items"][0]["metadata"]["name"]
    now = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
    jobs.cluster.request("DELETE", f"{pods}/{name}", now)
    is_told = f'"lost":["{name}/launch0"]'
    adopted = await runner.attach(run.ref)
    stored += await read(adopted, len(stored), lambda _: is_told in annotations(jobs)[KEPT])
    told = f"[launchkit] output of {name}/launch0 was lost: its pod was removed before all was read"
    assert stored.count(f"{told}\n".encode()) == 1
    async with anyio.create_task_group() as tasks:
        adopted = await runner.attach(run.ref)
        tasks.start_soon(adopted.cancel, 0)
        assert b"was lost" not in await read(adopted, len(stored))


def annotations(jobs: Jobs) -> dict[str, str]:
    (job,) = jobs._items("jobs", group="apis/batch/v1")
    found: dict[str, str] = job["metadata"].get("annotations", {})
    return found


def sizes(jobs: Jobs) -> int:
    """Of how many containers it is kept how far their output was given."""
    return annotations(jobs).get(KEPT, "").count('"size":')
