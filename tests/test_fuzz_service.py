"""Whatever a queue service answers, its clients tell it, or it is an answer."""

import asyncio
import gzip
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, tried

from launchkit.abc import ItemView, QueueView, Selection, Site, Stop
from launchkit.aio.retry import LONGEST_RETRY_AFTER, Backoff, retry_after
from launchkit.builtin.http import service as services
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.hub import HttpHub
from launchkit.codec import plain
from launchkit.errors import LaunchkitError, Unreachable
from launchkit.model import (
    AgentOrders,
    AgentView,
    Claim,
    Event,
    ItemReport,
    ItemState,
    JobVersion,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    StopOrder,
)
from launchkit.testing import make_capacity, make_spec, make_status
from launchkit.wire.agent_side import (
    BlockedAnswer,
    ClaimAnswer,
    LockAnswer,
    LogSize,
    OverAnswer,
    RegisterAnswer,
    RunToken,
)
from launchkit.wire.problems import Problem
from launchkit.wire.protocol import (
    LOG_COMPLETE_HEADER,
    LOG_SIZE_HEADER,
    PROBLEM_TYPE,
    PROTOCOL,
    PROTOCOL_HEADER,
)
from launchkit.wire.user_side import ArchiveKnown, Outcome, QueueDeleted

QUEUE = Queue(
    id=1,
    entity="e",
    spec=QueueSpec(name="q", resource="noop", config={"a": "{{x}}"}),
    version=1,
    created_at=1.0,
    updated_at=1.0,
)
ITEM = QueueItem(
    id="i",
    run_id="r",
    entity="e",
    queue="q",
    priority=Priority.MEDIUM,
    spec=make_spec(),
    state=ItemState.CLAIMED,
    attempt=1,
    created_at=1.0,
    updated_at=1.0,
)
CLAIM = Claim(item=ITEM, queue=QUEUE, token=7, lease=30.0)
EVENT = Event(
    id=1, item_id="i", at=1.0, kind="state", actor="a", attempt=1, state=ItemState.CLAIMED
)
ORDERS = AgentOrders(stop=(StopOrder(item_id="i", by="ann"),), lost=frozenset({"j"}))
VERSION = JobVersion(
    entity="e",
    name="j",
    version=0,
    recipe=make_spec().recipe,
    digest="d",
    created_at=1.0,
    author="ann",
    aliases=("latest",),
)
AGENT = AgentView(status=make_status(), seen_at=1.0, held=0, online=True)
PROBLEM = Problem(code="unreachable", title="t", status=503, detail="d", retry_after=3.0)
Way = tuple[Any, Callable[[], Awaitable[Any]]]
"""A sound answer, and what reads it."""


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


async def ready(stack: AsyncExitStack, url: str) -> tuple[HttpBackend, HttpHub]:
    backend, hub = HttpBackend(url=url, entity="e"), HttpHub(url=url, entity="e")
    for one in (backend, hub):
        await one.start(stack, Site.__new__(Site))  # neither looks where it stands
    return backend, hub


def ways(backend: HttpBackend, hub: HttpHub) -> Sequence[Way]:
    """Of each kind of answer one that is read."""
    capacity, launches, queues = make_capacity(), hub.launches(), hub.queues()

    async def register() -> None:
        await backend.register(make_status())
        assert 0 < backend.beat_seconds(30.0) < math.inf
        assert math.isfinite(backend.skew() or 0.0)

    async def archive() -> None:
        async for _ in backend.archive("d"):
            pass

    return (
        (RegisterAnswer(lease=60.0, now=1e9), register),
        (ClaimAnswer(claim=CLAIM), lambda: backend.claim("q", capacity)),
        (ORDERS, lambda: backend.beat(make_status(), [CLAIM], 0)),
        (BlockedAnswer(reason="r", paused=True), lambda: backend.blocked("q", capacity)),
        (None, lambda: backend.report(CLAIM, ItemReport(state=ItemState.RUNNING))),
        (LogSize(size=5), lambda: backend.log_size(CLAIM)),
        (LockAnswer(held=True), lambda: backend.acquire_lock("n", "a/b", 1.0)),
        (RunToken(secret="s"), lambda: backend.run_env(CLAIM)),
        (OverAnswer(items=frozenset({"i"})), lambda: backend.over({"i": 1})),
        ("code", archive),
        ([AGENT], hub.agents),
        (QueueView(queue=QUEUE, counts={}), lambda: queues.get("q")),
        ([QueueView(queue=QUEUE, counts={})], queues.list),
        (QueueDeleted(stopped=1), lambda: queues.delete("q", "ann", force=True)),
        (ItemView(item=ITEM), lambda: launches.get("i")),
        ([ItemView(item=ITEM)], lambda: launches.list(Selection(limit=5))),
        (ITEM, lambda: launches.change("i", Stop(), "ann")),
        ([Outcome(id="i")], lambda: launches.change_all(Selection(limit=5), Stop(), "ann")),
        ([EVENT], lambda: launches.changed("i", 0, 0.0)),
        (VERSION, lambda: hub.jobs().get("j")),
        ([VERSION], lambda: hub.jobs().list(None)),
        (ArchiveKnown(known=True), lambda: hub.jobs().has_archive("d")),
        ("output", lambda: hub.logs().read("i", None, 0, 0.0)),
    )


def told(server: Answering, chance: Random, answer: Any, text: str) -> None:
    """What the service answers from now on."""
    server.answer(text, b"", ("Retry-After", LOG_SIZE_HEADER))
    if chance.random() < 0.6:
        server.status = 200
    named = {PROTOCOL_HEADER: PROTOCOL, LOG_COMPLETE_HEADER: "true"}
    if server.status >= 300 and chance.random() < 0.8:
        named["Content-Type"] = PROBLEM_TYPE
        answer = PROBLEM
    found = altered([plain(answer)], text)
    body = json.dumps(found[0] if found else None).encode()
    server.body = body if len(text) % 5 else text.encode(errors="replace")
    if chance.random() < 0.1:
        named["Content-Encoding"] = chance.choice(("gzip", "identity", "br, gzip"))
    if chance.random() < 0.9:
        server.headers = {LOG_SIZE_HEADER: "5", **server.headers, **named}


def test_fuzz_what_a_queue_service_answers_is_an_answer_or_told(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("PATIENCE", "FOLLOWING"):
        monkeypatch.setattr(services, patience, Backoff(deadline=0.0))

    async def asked(call: Callable[[], Awaitable[Any]]) -> None:
        try:
            await call()
        except LaunchkitError as exc:
            str(exc).encode()
            if not 0 <= retry_after(exc) <= LONGEST_RETRY_AFTER:
                raise ValueError(retry_after(exc)) from exc
            raise

    def read(text: str) -> None:
        chance = chance_of(text)
        answer, call = chance.choice(ways(backend, hub))
        told(server, chance, answer, text)
        runner.run(asked(call))

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        backend, hub = runner.run(ready(stack, server.url))
        try:
            tried("answers of a queue service", read, share=HEAVY)
        finally:
            runner.run(stack.aclose())


@pytest.fixture
async def connected(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[HttpBackend, HttpHub]]:
    for patience in ("PATIENCE", "FOLLOWING"):
        monkeypatch.setattr(services, patience, Backoff(deadline=0.0))
    server.headers = {PROTOCOL_HEADER: PROTOCOL, "Content-Type": PROBLEM_TYPE}
    async with AsyncExitStack() as stack:
        yield await ready(stack, server.url)


@pytest.mark.parametrize("seconds", ["1e300", "Infinity", "-5", "NaN"])
async def test_a_service_is_not_left_alone_for_longer_than_leases_live(
    server: Answering, connected: tuple[HttpBackend, HttpHub], seconds: str
) -> None:
    server.status = 503
    said = json.dumps(plain(replace(PROBLEM, retry_after=None))).replace(
        '"retry_after": null', f'"retry_after": {seconds}'
    )
    server.body = said.encode()
    with pytest.raises(Unreachable) as caught:
        await connected[0].report(CLAIM, ItemReport(state=ItemState.RUNNING))
    assert 0 <= retry_after(caught.value) <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    "answer", ['{"lease": 0}', '{"lease": Infinity}', '{"lease": 9, "now": NaN}']
)
async def test_a_lease_that_is_no_time_is_not_understood(
    server: Answering, connected: tuple[HttpBackend, HttpHub], answer: str
) -> None:
    server.body = answer.encode()
    with pytest.raises(Unreachable, match="not understood"):
        await connected[0].register(make_status())


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br"])
async def test_an_answer_that_unpacks_to_very_much_is_told(
    server: Answering,
    connected: tuple[HttpBackend, HttpHub],
    coding: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "MAX_ANSWER", 100_000)
    bomb = gzip.compress(bytes(1_000_000))
    server.body = gzip.compress(bomb) if "," in coding else bomb
    server.headers = {**server.headers, "Content-Encoding": coding}
    with pytest.raises(Unreachable, match=r"more than 100000 bytes|packed as"):
        await connected[1].agents()
    with pytest.raises(Unreachable, match="that is packed"):
        async for _ in connected[0].archive("d"):
            pass
