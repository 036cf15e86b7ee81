"""Clocks of machines that are set to anything: who shares a PostgreSQL server goes by its clock."""

import time
from pathlib import Path

import pytest
from store.conftest import Clock, Store

from launchkit.store.backend import StoreBackend
from launchkit.store.opening import database_of
from launchkit.store.server_clock import ServerClock
from launchkit.testing.makers import site_at, started

HOUR = 3600.0
real_time = time.time


@pytest.fixture
def url(postgres_url: str) -> str:
    """These tests are about PostgreSQL only."""
    return postgres_url


@pytest.mark.parametrize("first", [0, HOUR, -HOUR])
@pytest.mark.parametrize("second", [0, HOUR, -HOUR])
async def test_nobody_takes_what_is_held_by_one_whose_clock_differs(
    url: str, first: float, second: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, other = database_of(url), database_of(url)
    monkeypatch.setattr(time, "time", lambda: real_time() + first)
    async with holder.opened():
        store = Store(holder, Clock())
        await store.queue()
        await store.launch()
        assert await store.claim("a") is not None
        monkeypatch.setattr(time, "time", lambda: real_time() + second)
        async with other.opened():
            assert await Store(other, Clock()).claim("b") is None
            assert abs(other.skew + second) < HOUR / 2


async def test_how_far_clocks_are_apart_is_said(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site_at(tmp_path) as site:
        async with started(StoreBackend(url=url, entity="e"), site) as backend:
            assert await backend.check() == ()
        monkeypatch.setattr(time, "time", lambda: real_time() + HOUR)
        async with started(StoreBackend(url=url, entity="e"), site) as backend:
            assert abs((backend.skew() or 0) + HOUR) < HOUR / 2
            [finding] = await backend.check()
    assert finding.level == "warning"
    assert "s ahead of the queue's" in finding.message


async def test_a_server_that_was_asked_is_believed_whatever_the_clock_here_is_set_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ServerClock()

    async def server() -> float:
        return 1000.0

    await clock.ask(server)
    monkeypatch.setattr(time, "time", lambda: real_time() - HOUR)
    assert 1000.0 <= clock() < 1000.0 + HOUR / 2
