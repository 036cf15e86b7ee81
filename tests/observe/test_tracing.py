"""One trace from the launching client to the workload, sent to a real collector."""

from dataclasses import replace

import pytest
from agent.conftest import Bench, text
from observe import boxes
from observe.conftest import Collector

import launchkit
from launchkit.errors import Rejected
from launchkit.model import ItemState

PRINT = "import os; print(os.environ.get('TRACEPARENT'))"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_one_trace_leads_from_the_launch_to_the_run(
    bench: Bench, collector: Collector
) -> None:
    async with launchkit.connect(bench.url) as client:
        run = await replace(bench, client=client).launch(PRINT)
        async with bench.agent() as agent:
            await run.wait()
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"launch", "claim", "fetch", "prepare", "submit", "run"}
    assert {span.trace_id for span in spans.values()} == {spans["launch"].trace_id}
    assert spans["claim"].parent_span_id == spans["launch"].span_id
    below = {spans[name].parent_span_id for name in ("fetch", "prepare", "submit", "run")}
    assert below == {spans["claim"].span_id}
    told = {a.key: a.value for a in spans["claim"].attributes}
    assert told["launchkit.item"].string_value == run.id
    assert told["launchkit.agent"].string_value == agent.name
    assert told["launchkit.verdict"].string_value == "ok"
    assert collector.services == {"launchkit", "launchkit-agent"}


async def test_the_workload_continues_the_trace_of_the_agent(
    bench: Bench, collector: Collector
) -> None:
    run = await bench.launch(PRINT)
    async with bench.agent():
        await run.wait()
    claim = collector.named("claim")
    trace, _, flags = (await text(run)).rpartition("-")
    assert trace == f"00-{claim.trace_id.hex()}-{claim.span_id.hex()}"
    assert int(flags, 16) & 1


async def test_a_failed_launch_has_a_failed_span_with_its_verdict(
    bench: Bench, collector: Collector
) -> None:
    run = await bench.launch("raise SystemExit(3)")
    async with bench.agent():
        await run.wait()
    status = collector.named("claim").status
    assert (status.code, status.message) == (2, "user_exit")


@pytest.mark.parametrize(
    ("name", "names", "error"),
    [("good", ["build", "prepare", "submit", "run"], ""), ("broken", ["build"], "build_failed")],
)
async def test_a_build_has_a_span(
    bench: Bench, collector: Collector, name: str, names: list[str], error: str
) -> None:
    await bench.client.create_queue("box", "box")
    run = await bench.launch("print(1)", queue="box", name=name)
    builder = {"type": "docker", "destination": "localhost:5000/box"}
    async with bench.agent(boxes, queues=["box"], builder=builder):
        await run.wait()
    assert [span.name for span in collector.spans] == ["fetch", *names, "claim"]
    assert collector.named("build").status.message == error


async def test_without_telemetry_the_workload_gets_the_trace_of_the_launch(bench: Bench) -> None:
    run = await bench.launch(PRINT)
    spec = replace(run.item.spec, traceparent=GIVEN)
    traced = await bench.client.submit("q", spec)
    async with bench.agent():
        await bench.ended(run, traced)
    assert (await text(run), await text(traced)) == ("None", GIVEN)


async def test_telemetry_can_be_switched_off(bench: Bench, collector: Collector) -> None:
    run = await bench.launch(PRINT)
    async with bench.agent(telemetry=False):
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert collector.spans == []


async def test_the_trace_does_not_make_another_request_of_the_same_key(
    bench: Bench, collector: Collector
) -> None:
    async with launchkit.connect(bench.url) as client:
        traced = replace(bench, client=client)
        first = await traced.launch(PRINT, idempotency_key="k")
        again = await traced.launch(PRINT, idempotency_key="k")
    assert first.id == again.id


@pytest.mark.parametrize(
    "traceparent",
    ["", "x", GIVEN.upper(), GIVEN + "\n", "ff" + GIVEN[2:], f"00-{'0' * 32}-{'1' * 16}-01"],
)
async def test_what_is_no_traceparent_is_rejected(bench: Bench, traceparent: str) -> None:
    spec = (await bench.launch(PRINT)).item.spec
    with pytest.raises(Rejected, match="is not one of W3C Trace Context"):
        await bench.client.submit("q", replace(spec, traceparent=traceparent))
