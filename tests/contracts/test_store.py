"""The store keeps to both contracts of a queue, on SQLite and on PostgreSQL; so does its fake."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from launchkit.abc import Hub, LaunchRequest, QueueBackend, Site
from launchkit.errors import LeaseLost, Unreachable
from launchkit.model import ItemReport, ItemState, QueueSpec
from launchkit.store.backend import StoreBackend
from launchkit.store.hub import StoreHub
from launchkit.testing import (
    FakeBackend,
    HubContract,
    LostAnswer,
    QueueBackendContract,
    Throttle,
    Twice,
    VirtualClock,
    make_capacity,
    make_spec,
    site_at,
    started,
)
from launchkit.testing.contracts.service import Advance


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


@pytest.fixture
async def hub(url: str, site: Site, clock: VirtualClock) -> AsyncIterator[StoreHub]:
    made = StoreHub(url=url, entity="test")
    made.clock = clock
    async with started(made, site) as hub:
        yield hub


class OnTheStore:
    """The hub of the same database, and time that passes when the suite says so."""

    @pytest.fixture
    def hub(self, hub: StoreHub) -> Hub:
        return hub

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Advance:
        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        return advance


class TestStoreHub(OnTheStore, HubContract):
    """On both databases."""


class TestStoreBackend(OnTheStore, QueueBackendContract):
    @pytest.fixture
    async def backend(
        self, url: str, site: Site, clock: VirtualClock
    ) -> AsyncIterator[QueueBackend]:
        made = StoreBackend(url=url, entity="test")
        made.clock = clock
        async with started(made, site) as backend:
            yield backend


@pytest.fixture
async def fake(url: str, site: Site, clock: VirtualClock) -> AsyncIterator[FakeBackend]:
    made = FakeBackend(url=url, entity="test")
    made.clock = clock
    async with started(made, site) as backend:
        yield backend


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
class TestFakeBackend(OnTheStore, QueueBackendContract):
    @pytest.fixture
    def backend(self, fake: FakeBackend) -> QueueBackend:
        return fake


@pytest.fixture
async def launched(hub: StoreHub) -> None:
    """The queue `q` with one launch in it."""
    await hub.queues().create(QueueSpec(name="q", resource="local-process"), "ann")
    request = LaunchRequest(spec=make_spec(), actor="ann")
    await hub.launches().launch("q", request)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("launched")
class TestFaults:
    async def test_a_throttled_claim_takes_nothing(self, fake: FakeBackend) -> None:
        fake.faults.add(Throttle("claim"))
        with pytest.raises(Unreachable):
            await fake.claim("q", make_capacity())
        assert await fake.claim("q", make_capacity())

    async def test_a_claim_whose_answer_is_lost_is_given_again_when_its_lease_lapsed(
        self, fake: FakeBackend, clock: VirtualClock
    ) -> None:
        fake.faults.add(LostAnswer("claim"))
        with pytest.raises(Unreachable):
            await fake.claim("q", make_capacity())
        assert await fake.claim("q", make_capacity()) is None
        clock.advance(fake.lease + 1)
        assert await fake.claim("q", make_capacity())

    async def test_an_end_that_arrives_twice_is_stored_once(self, fake: FakeBackend) -> None:
        claim = await fake.claim("q", make_capacity())
        assert claim
        fake.faults.add(Twice("report"))
        await fake.report(claim, ItemReport(state=ItemState.FINISHED))
        with pytest.raises(LeaseLost):
            await fake.report(claim, ItemReport(state=ItemState.FAILED))
