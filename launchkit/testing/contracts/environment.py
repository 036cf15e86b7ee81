"""The suite for environments."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from launchkit.abc import Component, Environment
from launchkit.errors import LaunchError
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.conduct import (
    MOMENTS,
    cancelled,
    nothing_grows,
    refused,
    together,
    well_behaved,
)

Stored: TypeAlias = Callable[[str], Awaitable[bytes]]

MIB = 1 << 20
SIZES = {"empty": 0, "one byte": 1, "parts": 8 * MIB, "parts and a rest": 9 * MIB + 1}
FOREIGN = ("gopher://elsewhere/x", "relative/path", "")


class EnvironmentContract(ComponentContract):
    """Give the fixtures `environment` (started), `uri`, an address in its object storage where
    nothing is yet, neither there nor at what begins with it, and `stored`, an async function that
    reads what is at an address, as soon as it can be read.
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
        """Reads an address. It raises whatever it likes if nothing is there."""
        raise pytest.UsageError("override the fixture `stored`")

    @pytest.fixture
    def there(self, stored: Stored) -> Stored:
        """The same, which fails the test if nothing can be read."""

        async def read(uri: str) -> bytes:
            try:
                return await stored(uri)
            except Exception as exc:  # noqa: BLE001 - whatever the author's function raises
                pytest.fail(f"what was uploaded can be read at its address, but {uri}: {exc!r}")

        return read

    @pytest.fixture
    def component(self, environment: Environment) -> Component:
        """The environment."""
        return environment

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A file of a size that takes a while."""
        path = tmp_path / "source"
        path.write_bytes(os.urandom(3 * MIB))
        return path

    async def upload(self, environment: Environment, source: Path, uri: str) -> None:
        """Upload it; nothing is looked for below the source's directory but by its threads."""
        with well_behaved(self.patience, "an upload ends", source.parent):
            await environment.upload(source, uri)

    @pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
    async def test_a_file_arrives_as_it_is(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path, size: int
    ) -> None:
        """Also one that has to go in parts."""
        source = tmp_path / "source"
        source.write_bytes(os.urandom(size))
        await self.upload(environment, source, uri)
        found = await there(uri)
        assert len(found) == size, f"all of a file is uploaded, {size} bytes, not {len(found)}"
        assert found == source.read_bytes(), "a file arrives as it is, and that is another content"

    async def test_text_arrives_as_it_is(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """Its line ends, too, and what looks like the end of it."""
        text = b"\xef\xbb\xbfone\r\ntwo\n\rthree\x1a\x00\n \n"
        (tmp_path / "source.txt").write_bytes(text)
        await self.upload(environment, tmp_path / "source.txt", uri)
        assert await there(uri) == text, "text arrives byte by byte"

    async def test_what_was_there_is_replaced(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """An upload that is repeated after a crash is no error."""
        source = tmp_path / "source"
        for text in ("first, which is longer", "second", "twelve", "twelve"):
            source.write_text(text)
            os.utime(source, (1e9, 1e9))
            await self.upload(environment, source, uri)
            found = await there(uri)
            assert found == text.encode(), f"what was there is replaced, by {text!r}: {found!r}"

    async def test_the_file_stays_as_it_was(
        self, environment: Environment, uri: str, source: Path
    ) -> None:
        """It is copied, not moved."""
        source.chmod(0o600)
        os.utime(source, (1e9, 1e9))
        before = source.read_bytes()
        await self.upload(environment, source, uri)
        assert source.exists(), "a file is copied, not moved"
        facts = source.stat()
        assert source.read_bytes() == before, "an upload leaves its file as it was"
        assert (facts.st_mode & 0o777, facts.st_mtime) == (0o600, 1e9), "mode and time stay, too"
        assert [*source.parent.glob("source*")] == [source], "an upload leaves nothing beside it"

    async def test_what_is_stored_does_not_follow_its_file(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """It is a copy; of a link, what it points to."""
        source, link = tmp_path / "source", tmp_path / "link"
        source.write_bytes(b"as it was")
        link.symlink_to(source)
        for place, path in ((uri, source), (f"{uri}.2", link)):
            await self.upload(environment, path, place)
        source.write_bytes(b"changed")
        source.unlink()
        for place in (uri, f"{uri}.2"):
            assert await there(place) == b"as it was", "what is stored is a copy"

    @pytest.mark.parametrize("name", ["deep/er/x", "a b+c=d", "ünï-ß", "x.tar.gz", "~-_.()"])
    async def test_addresses_that_look_alike_are_others(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path, name: str
    ) -> None:
        """Whatever is in a name; directories on the way come about."""
        places = [f"{uri}.{name}", f"{uri}.{name}2", f"{uri}.{name.upper()}"]
        for place in places:
            (tmp_path / "source").write_text(place)
            await self.upload(environment, tmp_path / "source", place)
        for place in places:
            assert await there(place) == place.encode(), "each address has its own file"

    async def test_uploads_at_the_same_time_all_arrive(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """Several launches upload at once."""
        places = {f"{uri}.{number}": tmp_path / f"source-{number}" for number in range(8)}
        for path in places.values():
            path.write_bytes(os.urandom(MIB // 4))
        acts = [partial(environment.upload, path, place) for place, path in places.items()]
        await together(self.patience, "uploads at the same time all end", acts, tmp_path)
        for place, path in places.items():
            found = await there(place)
            assert found == path.read_bytes(), "uploads at once are not in each other's way"

    async def test_of_uploads_to_one_address_one_is_there_whole(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """Two agents may upload the same at the same time."""
        paths = [tmp_path / f"source-{number}" for number in range(4)]
        for path in paths:
            path.write_bytes(os.urandom(2 * MIB))
        acts = [partial(environment.upload, path, uri) for path in paths]
        await together(self.patience, "uploads to one address all end", acts, tmp_path)
        found = await there(uri)
        assert found in [path.read_bytes() for path in paths], "one of them is there, as a whole"

    async def test_who_reads_meanwhile_gets_all_or_nothing(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path, source: Path
    ) -> None:
        """A run that starts now must not read half a file."""
        old = os.urandom(2 * MIB)
        (tmp_path / "old").write_bytes(old)
        await self.upload(environment, tmp_path / "old", uri)
        new, over = source.read_bytes(), anyio.Event()

        async def read() -> None:
            while not over.is_set():
                found = await there(uri)
                assert found in (old, new), "who reads meanwhile gets all of the old or the new"

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for _ in range(3):
                await self.upload(environment, source, uri)
            over.set()

    @pytest.mark.parametrize("after", MOMENTS)
    async def test_an_upload_that_is_cancelled_leaves_all_or_nothing(
        self,
        environment: Environment,
        uri: str,
        there: Stored,
        source: Path,
        tmp_path: Path,
        after: float,
    ) -> None:
        """What was there before, or the new file; and it may be tried again."""
        (tmp_path / "old").write_bytes(b"old")
        await self.upload(environment, tmp_path / "old", uri)
        act = partial(environment.upload, source, uri)
        done = await cancelled(act, after, self.patience)
        found = await there(uri)
        if done:
            assert found == source.read_bytes(), "an upload that returns has stored all"
        assert found in (b"old", source.read_bytes()), "a cancelled upload stores all or nothing"
        await anyio.sleep(0.1)
        later = await there(uri)
        assert later == found, "when a cancelled upload has ended, it writes no more"
        (tmp_path / "last").write_bytes(b"last")
        await self.upload(environment, tmp_path / "last", uri)
        assert await there(uri) == b"last", "an upload after a cancelled one arrives"

    async def test_a_file_that_is_not_there_is_an_error_that_names_it(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path
    ) -> None:
        """Not an exception of the operating system; what is stored stays, and it may come later."""
        (tmp_path / "source").write_bytes(b"stored")
        await self.upload(environment, tmp_path / "source", uri)
        for path in (tmp_path / "no-such-file", tmp_path):
            for _ in range(2):
                with refused(LaunchError, "a file that cannot be read is a LaunchError") as caught:
                    await self.upload(environment, path, uri)
                told = f"{caught.value.message} {caught.value.hint}"
                assert str(path) in told, f"an error names the file that cannot be read: {told}"
        assert await there(uri) == b"stored", "what is stored stays when an upload fails"
        (tmp_path / "no-such-file").write_bytes(b"there now")
        await self.upload(environment, tmp_path / "no-such-file", uri)
        assert await there(uri) == b"there now", "a failure is not remembered"

    @pytest.mark.parametrize("address", FOREIGN)
    async def test_a_foreign_address_is_an_error_that_names_it(
        self, environment: Environment, tmp_path: Path, address: str
    ) -> None:
        """Each environment serves its own storage, and makes no path of what it does not know."""
        (tmp_path / "source").touch()
        before = {*Path().iterdir()}
        with refused(LaunchError, "a foreign address is a LaunchError") as caught:
            await self.upload(environment, tmp_path / "source", address)
        told = f"{caught.value.message} {caught.value.hint}"
        assert address in told, f"an error names the address: {told}"
        assert len(told.split()) > 3, f"an error is a sentence that says why: {told}"
        assert {*Path().iterdir()} == before, "a foreign address becomes no path of this machine"

    async def test_what_is_removed_is_gone_and_nothing_else(
        self, environment: Environment, uri: str, there: Stored, stored: Stored, tmp_path: Path
    ) -> None:
        """An agent that was killed and its successor may both remove it. An environment that leaves
        this to the owner of its storage is not looked at.
        """
        if type(environment).remove is Environment.remove:
            return
        (tmp_path / "source").write_bytes(b"stored")
        for place in (uri, f"{uri}2"):
            await self.upload(environment, tmp_path / "source", place)
        for _ in range(2):
            with well_behaved(self.patience, "a removal ends, also of what is not there", tmp_path):
                await environment.remove(uri)
        left: bytes | None = None
        with suppress(Exception):  # whatever the author's function raises
            left = await stored(uri)
        assert left is None, "what was removed is gone"
        assert await there(f"{uri}2") == b"stored", "what was not removed stays"

    async def test_uploading_leaves_nothing_in_the_process(
        self, environment: Environment, uri: str, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An agent uploads for months."""
        temporary = source.with_name("temporary")
        temporary.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        monkeypatch.setenv("TMPDIR", str(temporary))
        await nothing_grows(partial(self.upload, environment, source, uri), "an upload")
        left = [path.name for path in temporary.iterdir()]
        assert not left, f"an upload removes its temporary files, but leaves {left}"
