"""The event loops of these tests, one after another, with one poller of grpc."""

import asyncio
from typing import Any

import grpc.aio
from ports import free_port

CALLS = 20
"""Half of them are cut off so late that grpc knows of it when their loop is closed."""


def test_a_call_that_was_cut_off_is_no_matter_of_later_tests(
    anyio_backend: tuple[str, dict[str, Any]],
) -> None:
    wrong: list[dict[str, Any]] = []
    channels: list[grpc.aio.Channel] = []  # they keep the poller

    async def cut_off() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: wrong.append(context))
        channels.append(grpc.aio.insecure_channel(f"127.0.0.1:{free_port()}"))
        call = channels[-1].unary_unary("/service/method")(b"", wait_for_ready=True)
        await asyncio.sleep(0)
        call.cancel()
        await channels[-1].close()

    _, options = anyio_backend
    for _ in range(CALLS):
        with asyncio.Runner(loop_factory=options["loop_factory"]) as runner:
            runner.run(cut_off())
    assert not wrong
