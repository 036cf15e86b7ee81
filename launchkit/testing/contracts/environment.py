"""The suite for environments."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from launchkit.abc import Component, Environment
from launchkit.errors import LaunchError
from launchkit.testing.contracts.component import ComponentContract

Stored: TypeAlias = Callable[[str], Awaitable[bytes]]


class EnvironmentContract(ComponentContract):
    """Give the fixtures `environment` (started), `uri`, an address in its object storage where
    nothing is yet, and `stored`, an async function that reads what is at an address.
    """

    @pytest.fixture
    def environment(self) -> Environment:
        """The started environment."""
        raise pytest.UsageError("override the fixture `environment`")

    @pytest.fixture
    def uri(self) -> str:
        """An address that is free."""
        raise pytest.UsageError("override the fixture `uri`")

    @pytest.fixture
    def stored(self) -> Stored:
        """Reads an address."""
        raise pytest.UsageError("override the fixture `stored`")

    @pytest.fixture
    def component(self, environment: Environment) -> Component:
        """The environment."""
        return environment

    @pytest.mark.parametrize("size", [0, 1, 9 << 20], ids=["empty", "one byte", "large"])
    async def test_a_file_arrives_as_it_is(
        self, environment: Environment, uri: str, stored: Stored, tmp_path: Path, size: int
    ) -> None:
        """Also one that has to go in parts."""
        source = tmp_path / "source"
        source.write_bytes(os.urandom(size))
        await environment.upload(source, uri)
        assert await stored(uri) == source.read_bytes()

    async def test_what_was_there_is_replaced(
        self, environment: Environment, uri: str, stored: Stored, tmp_path: Path
    ) -> None:
        """An upload that is repeated after a crash is no error."""
        for text in ("first, which is longer", "second"):
            (tmp_path / "source").write_text(text)
            await environment.upload(tmp_path / "source", uri)
        assert await stored(uri) == b"second"

    async def test_a_file_that_is_not_there_is_an_error_that_names_it(
        self, environment: Environment, uri: str, tmp_path: Path
    ) -> None:
        """Not an exception of the operating system."""
        with pytest.raises(LaunchError, match="no-such-file"):
            await environment.upload(tmp_path / "no-such-file", uri)

    async def test_a_foreign_address_is_an_error_that_names_it(
        self, environment: Environment, tmp_path: Path
    ) -> None:
        """Each environment serves its own storage."""
        (tmp_path / "source").touch()
        with pytest.raises(LaunchError, match="gopher://elsewhere/x"):
            await environment.upload(tmp_path / "source", "gopher://elsewhere/x")
