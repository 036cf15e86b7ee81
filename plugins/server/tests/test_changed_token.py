"""A token that has changed where it is kept is read again by who runs on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from launchkit.abc import Site
from launchkit.builtin.http.hub import HttpHub
from launchkit.errors import Unauthenticated
from launchkit.store.tokens import CreateToken, RevokeToken
from launchkit.testing import VirtualClock, started

from .conftest import Served, serving


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(f"sqlite:///{tmp_path}/launchkit.db", VirtualClock()) as served:
        yield served


async def test_a_token_that_has_changed_in_its_file_is_read_again(
    server: Served, site: Site, tmp_path: Path
) -> None:
    database, file = server.service.database, tmp_path / "token"
    old = await database.write(CreateToken("ann", "test"))
    file.write_text(str.__str__(old.secret))
    async with started(HttpHub(url=server.url, entity="test", token_file=str(file)), site) as hub:
        await hub.queues().list()
        await database.write(RevokeToken(old.token.id, "test"))
        with pytest.raises(Unauthenticated):
            await hub.queues().list()
        file.unlink()
        with pytest.raises(Unauthenticated, match="cannot be read"):
            await hub.queues().list()
        file.write_text(str.__str__((await database.write(CreateToken("ann", "test"))).secret))
        assert await hub.queues().list() == []
