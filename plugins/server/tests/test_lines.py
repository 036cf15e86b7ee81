"""Agents that wait for the same stand in line, and the first of them looks for all."""

import socket
from contextlib import ExitStack

from launchkit_server.lines import Lines
from launchkit_server.process import listening

from launchkit.aio.topics import Subscription
from launchkit.store.claims import LookOut
from launchkit.testing import make_capacity


def look(queue: str = "q") -> LookOut:
    return LookOut("e", (queue,), make_capacity(), 60.0)


async def test_the_first_in_line_may_wake_the_others() -> None:
    lines, first, second = Lines(), Subscription(), Subscription()
    with lines.joined(look(), first) as line, ExitStack() as behind:
        with lines.joined(look(), second):
            assert line.leads(first)
            assert not line.leads(second)
        behind.enter_context(lines.joined(look(), second))
        assert not await second.wait(0.0)
        line.wake_others(first)
        assert await second.wait(0.0)
        assert not await first.wait(0.0)


async def test_who_waits_for_something_else_stands_in_another_line() -> None:
    lines, first, second, third = Lines(), Subscription(), Subscription(), Subscription()
    with ExitStack() as behind:
        with lines.joined(look(), first), lines.joined(look("r"), second) as other:
            assert other.leads(second)
            line = behind.enter_context(lines.joined(look(), third))
            assert not line.leads(third)
        assert line.leads(third)
        assert await third.wait(0.0)


def test_the_service_answers_without_the_delay_of_tcp() -> None:
    with listening("127.0.0.1", 0) as made:
        assert made.proto == socket.IPPROTO_TCP
