"""What scripts give to the client: taken as it is meant, or refused with the parameter's name."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import launchkit.sync
from launchkit import Client, connect
from launchkit.errors import LaunchkitError, QueueError, Rejected
from launchkit.model import Priority, Timeouts


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with connect(url, actor="ann") as client:
        await client.create_queue("q", "local-process", prioritization=True)
        yield client


async def test_what_is_meant_is_taken(client: Client, code: Path) -> None:
    run = await client.launch(
        "q",
        uri=code,
        entry_point="python train.py --name 'a b'",
        args=[1, 0.5, True, Path("x/y")],
        env={"ONE": 1, "WHERE": Path("/tmp"), "MINE": None},
        config={"steps": (1, 2)},
        priority="high",
        name=7,
        timeouts={"run": 5},
    )
    spec, wanted = run.item.spec, run.item.spec.overrides
    assert wanted.entry_point == ("python", "train.py", "--name", "a b")
    assert wanted.args == ("1", "0.5", "true", "x/y")
    assert wanted.env == {"ONE": "1", "WHERE": "/tmp", "MINE": None}
    assert (spec.name, spec.timeouts.run, run.item.priority) == ("7", 5, Priority.HIGH)


async def test_variables_of_a_queue_may_be_plain_mappings(client: Client) -> None:
    config = {"env": {"GPUS": "{{gpus}}"}}
    made = await client.create_queue(
        "p", "local-process", config, variables={"gpus": {"type": "integer", "maximum": 8}}
    )
    assert made.spec.variables["gpus"].maximum == 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"entry_point": 5}, "entry_point: must be a list of words"),
        ({"entry_point": "echo '"}, "entry_point: .*No closing quotation"),
        ({"args": {"a": 1}}, "args: must be a list of words"),
        ({"args": b"bytes"}, "args: must be a list of words"),
        ({"args": ["a", None]}, r"args\[1\]: must be a text, not None"),
        ({"env": ["A=1"]}, "env: must be a mapping of names"),
        ({"env": {1: "x"}}, "env: must be a mapping whose keys are texts"),
        ({"env": {"A": object()}}, r"env\.A: must be a text"),
        ({"config": "lr=1"}, "config: must be a mapping"),
        ({"config": {"a": {"b": math.nan}}}, r"config\.a\.b: must be a finite number, not nan"),
        (
            {"resource_args": {"a": [-math.inf]}},
            r"resource_args\.a\[0\]: must be a finite",
        ),
        ({"config": {"a": [object()]}}, r"config\.a\[0\]: a object cannot be kept as JSON"),
        ({"resource_args": {1: 2}}, "resource_args: must be a mapping whose keys"),
        ({"timeouts": {"run": "soon"}}, r"timeouts\.run: "),
        ({"timeouts": {"runn": 5}}, r"timeouts\.runn: unknown key; did you mean 'run'"),
        ({"timeouts": 5}, "timeouts: must be a mapping"),
        ({"timeouts": Timeouts(run="x")}, r"timeouts\.run: "),  # type: ignore[arg-type]
        ({"priority": "urgent"}, "priority: must be one of critical, high"),
        ({"variables": ["x"]}, "variables: must be a mapping"),
        ({"variables": {"x": {}}}, r"variables\.x: must be a text or a number"),
        ({"name": b"x"}, "name: must be a text"),
        ({"uri": 5j}, "uri: must be a text"),
        ({"queue": b"q"}, "queue: must be a text"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_its_name(
    given: dict[str, Any], said: str, client: Client, code: Path
) -> None:
    with pytest.raises(Rejected, match=rf"^{said}"):
        await client.launch(**{"queue": "q", "uri": code, "entry_point": "python x.py", **given})
    assert not await client.launches()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"config": "x"}, "config: must be a mapping"),
        ({"config": {"a": object()}}, r"config\.a: "),
        ({"variables": {"x": {"type": "strin"}}}, r"variables\.x\.type: "),
        ({"variables": []}, "variables: must be a mapping"),
        ({"name": None}, "name: must be a text"),
    ],
)
async def test_a_queue_that_cannot_be_meant_is_refused_with_the_parameters_name(
    given: dict[str, Any], said: str, client: Client
) -> None:
    with pytest.raises(LaunchkitError, match=rf"^{said}"):
        await client.create_queue(**{"name": "p", "resource": "local-process", **given})


async def test_handles_can_be_read(client: Client, code: Path) -> None:
    run = await client.launch("q", uri=code, entry_point="python x.py", name="mine")
    assert repr(run) == f"<launch {run.id} 'mine' in queue q: queued>"
    assert repr(await client.queue("q")) == "<queue q (local-process): 1 queued>"
    assert repr(client) == "<client of default as ann>"


async def test_a_queue_has_a_handle(client: Client, code: Path) -> None:
    queue = await client.queue("q")
    run = await queue.launch(uri=code, entry_point="python x.py")
    assert [view.item.id for view in await queue.launches()] == [run.id]
    await queue.pause("drivers")
    assert queue.paused is not None
    assert repr(queue).endswith(", paused>")
    assert "drivers" in str((await run.view()).reason)
    await queue.resume()
    assert ((await queue.view()).queue.pause, queue.counts) == (None, {"queued": 1})
    assert (queue.name, queue.config) == ("q", {})


async def test_a_wait_that_was_too_short_says_for_what(client: Client, code: Path) -> None:
    run = await client.launch("q", uri=code, entry_point="python x.py")
    with pytest.raises(TimeoutError, match=rf"^launch {run.id} did not end within 0 s: it is queu"):
        await run.wait(timeout=0)
    with pytest.raises(Rejected, match=r"^timeout: must be a number of seconds, not '5m'"):
        await run.wait(timeout="5m")  # type: ignore[arg-type]


async def test_a_client_that_was_closed_says_so_with_each_call(url: str, code: Path) -> None:
    async with connect(url) as client:
        await client.create_queue("q", "local-process")
        run = await client.launch("q", uri=code, entry_point="python x.py")
    for call in (client.queues, client.jobs, client.launches, client.agents, run.view, run.events):
        with pytest.raises(QueueError, match="this client is closed") as caught:
            await call()
        assert "connect" in str(caught.value.hint)


async def test_another_task_may_close_it_as_in_a_notebook(url: str) -> None:
    context = connect(url)
    client = await context.__aenter__()
    await client.create_queue("q", "local-process")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(context.__aexit__, None, None, None)
    with pytest.raises(QueueError, match="this client is closed"):
        await client.queues()


def test_a_blocking_client_that_was_closed_says_so_too(url: str) -> None:
    with launchkit.sync.connect(url) as client:
        client.create_queue("q", "local-process")
        queue = client.queue("q")
    for call in (client.queues, queue.view):
        with pytest.raises(QueueError, match="this client is closed"):
            call()
