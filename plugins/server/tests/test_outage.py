"""After an outage: who was turned away comes back when asked to, and not all at once."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import anyio
import pytest
from launchkit_server import envelope
from ports import free_port
from starlette.responses import PlainTextResponse
from waiting import PATIENCE, until

from launchkit.abc import LaunchRequest, Site
from launchkit.aio.retry import Backoff, retry
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.hub import HttpHub
from launchkit.errors import NotFound, Unreachable
from launchkit.model import QueueSpec
from launchkit.testing import VirtualClock, make_capacity, make_spec, started
from launchkit.testing.relay import relay

from .conftest import Served, serving

AGENTS = 100
RETRY_AFTER = 1


class Outage:
    """Turns each agent away once, as a proxy does whose server is gone; notes who came when."""

    def __init__(self) -> None:
        self.came: defaultdict[str, list[float]] = defaultdict(list)

    def turns_away(self, agent: str) -> bool:
        self.came[agent].append(anyio.current_time())
        return len(self.came[agent]) == 1


def at_a_time() -> str:
    """A date that is more than the seconds away: it has no parts of them."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=RETRY_AFTER + 1), usegmt=True)


@pytest.fixture(params=[lambda: str(RETRY_AFTER), at_a_time], ids=["seconds", "date"])
def outage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Outage:
    made = Outage()
    answer = envelope.Envelope.__call__

    async def proxied(self: envelope.Envelope, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if made.turns_away(scope["path"]):
            headers = {"retry-after": request.param()}
            await PlainTextResponse("no server", 503, headers)(scope, receive, send)
        else:
            await answer(self, scope, receive, send)

    monkeypatch.setattr(envelope.Envelope, "__call__", proxied)
    return made


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(f"sqlite:///{tmp_path}/launchkit.db", VirtualClock()) as served:
        yield served


async def test_a_hundred_agents_come_back_when_they_are_asked_to_and_not_at_once(
    server: Served, outage: Outage, site: Site
) -> None:
    async def ask(entity: str) -> None:
        made = HttpBackend(url=server.url, entity=entity, token=server.tokens["ann"])
        async with started(made, site) as backend:
            with suppress(NotFound):  # as agents do, who outlast more than one call does
                await retry(
                    lambda: backend.blocked("q", make_capacity()),
                    on=Unreachable,
                    backoff=Backoff(deadline=PATIENCE),
                )

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for number in range(AGENTS):
                tasks.start_soon(ask, f"entity-{number}")
    pauses = [again - first for first, again in outage.came.values()]
    assert len(pauses) == AGENTS
    assert min(pauses) >= RETRY_AFTER
    assert max(pauses) - min(pauses) > RETRY_AFTER / 5


async def test_who_has_the_wrong_address_is_told_before_the_patience_for_a_restart_is_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Backoff(first=0.01, cap=0.1)
    monkeypatch.setattr("launchkit.builtin.http.service.PATIENCE", endless)
    made = HttpHub(url=f"http://127.0.0.1:{free_port()}", entity="e")
    with anyio.fail_after(PATIENCE):
        async with started(made, site) as hub:
            with pytest.raises(Unreachable, match="cannot be reached"):
                await hub.agents()


@pytest.mark.parametrize(
    "look",
    [
        lambda hub, run: hub.launches().get(run),
        lambda hub, run: hub.launches().changed(run, 0, 0.0),
        lambda hub, run: hub.logs().read(run, None, 0, 0.0),
    ],
    ids=["launch", "events", "log"],
)
async def test_who_follows_a_launch_goes_on_when_the_service_is_back(
    server: Served,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    look: Callable[[HttpHub, str], Awaitable[object]],
) -> None:
    monkeypatch.setattr("launchkit.builtin.http.service.PATIENCE", Backoff(deadline=0.0))
    async with relay(server.url.removeprefix("http://")) as way:
        made = HttpHub(url=f"http://{way.host}", entity="e", token=server.tokens["ann"])
        async with started(made, site) as hub, anyio.create_task_group() as tasks:
            await hub.queues().create(QueueSpec(name="q", resource="local-process"), "ann")
            request = LaunchRequest(spec=make_spec(), actor="ann")
            run = await hub.launches().launch("q", request)
            way.hold()
            tasks.start_soon(look, hub, run.id)
            await until(lambda: way.held)
            way.cut()
            way.open()
    assert caplog.text.count("looking at a launch: the queue service") == 1
