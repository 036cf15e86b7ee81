"""The suite for fetchers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest

from launchkit.abc import Component, Fetcher
from launchkit.errors import FetchError, LaunchError, Rejected
from launchkit.model import ImageSource, Source
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.conduct import (
    MOMENTS,
    cancelled,
    everything_told,
    nothing_left,
    refused,
    together,
    well_behaved,
)
from launchkit.testing.contracts.deadline import within
from launchkit.testing.trees import SAMPLE, File, Link, Tree, differences, read_tree, write_tree

PASSWORD = "pass-word-17"  # noqa: S105 - it opens nothing
OTHER: Tree = {"train.py": File(b"print('other')\n"), "other.py": File(b"")}


class Shelf(ABC):
    """Where a fetcher gets its sources from, seen from behind."""

    @abstractmethod
    async def publish(self, code: Path) -> Source:
        """Put the directory *code* there, in place of what was published before if a source names
        a place and not a content. Gives the source.

        :raises LaunchError: if it refuses to take such code.
        """

    @abstractmethod
    async def withdraw(self, source: Source) -> None:
        """Take it away, so that the source cannot be fetched until its code is published again."""

    async def locked(self, password: str) -> Source | None:
        """A source that cannot be had with the *password* in it; None: sources have none."""
        return None


class FetcherContract(ComponentContract):
    """Give the fixtures `fetcher` (started), and `shelf`, the `Shelf` that it fetches from."""

    brings_links: ClassVar[bool] = True
    """False: sources of this kind have no symbolic links."""
    brings_modes: ClassVar[bool] = True
    """False: sources of this kind do not tell which files are executable."""
    adds: ClassVar[frozenset[str]] = frozenset()
    """What it adds at the top of the code, such as `.git`."""

    @pytest.fixture
    def fetcher(self) -> Fetcher:
        """The started fetcher."""
        raise pytest.UsageError("override the fixture `fetcher`")

    @pytest.fixture
    def shelf(self) -> Shelf:
        """Where it fetches from."""
        raise pytest.UsageError("override the fixture `shelf`")

    @pytest.fixture
    def component(self, fetcher: Fetcher) -> Component:
        """The fetcher."""
        return fetcher

    @pytest.fixture
    async def source(self, shelf: Shelf, tmp_path: Path) -> Source:
        """The sample, published."""
        return await self.published(shelf, SAMPLE, tmp_path)

    async def published(self, shelf: Shelf, tree: Tree, place: Path) -> Source:
        """The source of *tree*."""
        wanted = {name: what for name, what in tree.items() if self._fits(what)}
        number = len([*place.glob("published-*")])
        return await shelf.publish(write_tree(wanted, place / f"published-{number}"))

    def _fits(self, what: File | Link) -> bool:
        if isinstance(what, Link):
            return self.brings_links
        return self.brings_modes or not what.executable

    async def fetch(self, fetcher: Fetcher, source: Source, into: Path) -> Path:
        """Fetch into a directory that is made; gives it."""
        into.mkdir(parents=True)
        with well_behaved(self.patience, "a fetch ends", into.parent):
            await fetcher.fetch(source, into)
        return into

    def wrong(self, into: Path, tree: Tree = SAMPLE) -> str:
        """What is wrong with what was fetched; nothing if it is *tree*."""
        found = {
            name: what
            for name, what in read_tree(into).items()
            if name.partition("/")[0] not in self.adds
        }
        wanted = {name: what for name, what in tree.items() if self._fits(what)}
        return differences(found, wanted)

    async def test_a_fetch_brings_each_file_as_it_is(
        self, fetcher: Fetcher, source: Source, tmp_path: Path
    ) -> None:
        """With dot files, links, programs, odd names and every byte; and nothing else."""
        into = await self.fetch(fetcher, source, tmp_path / "a place with spaces" / "code")
        wrong = self.wrong(into)
        assert not wrong, f"a fetch brings each file as it is, but: {wrong}"

    async def test_a_second_fetch_brings_the_same(
        self, fetcher: Fetcher, source: Source, tmp_path: Path
    ) -> None:
        """Also when it comes from a cache."""
        for time in range(3):
            wrong = self.wrong(await self.fetch(fetcher, source, tmp_path / f"into-{time}"))
            assert not wrong, f"fetch {time + 1} brings what the first did, but: {wrong}"

    async def test_what_is_fetched_belongs_to_the_one_who_asked(
        self, fetcher: Fetcher, source: Source, tmp_path: Path
    ) -> None:
        """A run may change its code and add to it; the next one must not see that."""
        for time in range(3):
            into = await self.fetch(fetcher, source, tmp_path / f"into-{time}")
            wrong = self.wrong(into)
            assert not wrong, f"code belongs to the one who fetched it, but another sees: {wrong}"
            (into / "train.py").write_bytes(b"changed by the run")
            (into / "a" / "added").write_bytes(b"")
            (into / "data" / "large.bin").unlink()
            (into / ".settings").chmod(0o700)

    async def test_nothing_is_written_beside_the_directory(
        self, fetcher: Fetcher, source: Source, tmp_path: Path
    ) -> None:
        """All that is beside it belongs to others."""
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "of-others").write_bytes(b"mine")
        await self.fetch(fetcher, source, tmp_path / "work" / "code")
        beside = {path.name for path in (tmp_path / "work").iterdir()}
        assert beside == {"code", "of-others"}, f"a fetch writes into its directory alone: {beside}"

    async def test_what_was_published_anew_is_fetched_anew(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """A name may mean another code than before."""
        await self.fetch(fetcher, source, tmp_path / "first")
        other = await self.published(shelf, OTHER, tmp_path)
        wrong = self.wrong(await self.fetch(fetcher, other, tmp_path / "second"), OTHER)
        assert not wrong, f"what is there now is fetched, not what was there once, but: {wrong}"

    async def test_a_pinned_source_means_the_same_for_ever(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """A job that was made yesterday is the same today."""
        with well_behaved(self.patience, "pinning ends"):
            pinned = await fetcher.pin(source)
        assert type(pinned) is type(source), "a pinned source is of the same kind"
        await self.published(shelf, OTHER, tmp_path)
        assert await fetcher.pin(pinned) == pinned, "what is pinned is pinned to itself"
        wrong = self.wrong(await self.fetch(fetcher, pinned, tmp_path / "into"))
        assert not wrong, f"a pinned source means the same for ever, but later: {wrong}"

    async def test_pinning_again_tells_what_is_there_now(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """The name of a branch is looked up each time."""
        await fetcher.pin(source)
        other = await self.published(shelf, OTHER, tmp_path)
        pinned = await fetcher.pin(other)
        wrong = self.wrong(await self.fetch(fetcher, pinned, tmp_path / "into"), OTHER)
        assert not wrong, f"pinning tells what a name means now, not once, but: {wrong}"

    async def test_pinning_what_is_not_there_says_so_or_leaves_it(
        self, fetcher: Fetcher, source: Source, shelf: Shelf
    ) -> None:
        """It names nothing, or cannot be asked for."""
        await shelf.withdraw(source)
        try:
            with well_behaved(self.patience, "pinning what is not there ends"):
                pinned = await fetcher.pin(source)
        except (Rejected, FetchError) as exc:
            if len(exc.message.split()) <= 2:
                pytest.fail(f"an error of pin is a sentence, unlike {exc.message!r}")
        else:
            assert pinned == source, f"pin does not make up what is not there: {pinned}"

    async def test_what_is_not_there_is_a_fetch_error_that_says_what(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """It fails one launch, with a reason."""
        await shelf.withdraw(source)
        for time in range(2):
            with refused(FetchError, "what is not there is a FetchError") as caught:
                await self.fetch(fetcher, source, tmp_path / f"into-{time}")
            assert len(caught.value.message.split()) > 2, "the error is a sentence that says what"

    async def test_a_failure_is_not_remembered(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """It may be there a minute later."""
        await shelf.withdraw(source)
        with refused(FetchError, "what is not there is a FetchError"):
            await self.fetch(fetcher, source, tmp_path / "into")
        again = await self.published(shelf, SAMPLE, tmp_path)
        wrong = self.wrong(await self.fetch(fetcher, again, tmp_path / "again"))
        assert not wrong, f"a failure is not remembered, but afterwards: {wrong}"

    async def test_a_failure_of_one_does_not_touch_another(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """Each launch stands for itself."""
        pinned = await fetcher.pin(source)
        into = await self.fetch(fetcher, pinned, tmp_path / "first")
        await shelf.withdraw(source)
        with suppress(FetchError):
            await self.fetch(fetcher, pinned, tmp_path / "second")
        wrong = self.wrong(into)
        assert not wrong, f"what was fetched stays, whatever fails later, but: {wrong}"

    async def test_a_source_of_another_kind_is_a_fetch_error(
        self, fetcher: Fetcher, tmp_path: Path
    ) -> None:
        """No fetcher brings an image."""
        with refused(FetchError, "a source of another kind is a FetchError"):
            await self.fetch(fetcher, ImageSource(image="img"), tmp_path / "into")

    async def test_an_error_does_not_tell_a_password(
        self, fetcher: Fetcher, shelf: Shelf, tmp_path: Path
    ) -> None:
        """Its author and the agent's log get it."""
        source = await shelf.locked(PASSWORD)
        if source is None:
            return
        for ask in (partial(self.fetch, fetcher, source, tmp_path / "into"),
                    partial(fetcher.pin, source)):  # fmt: skip
            with refused(LaunchError, "what is locked is a LaunchError") as caught:
                await ask()
            told = everything_told(caught.value)
            assert PASSWORD not in told, f"an error tells no password, but: {told}"

    async def test_two_at_once_are_not_in_each_others_way(
        self, fetcher: Fetcher, source: Source, shelf: Shelf, tmp_path: Path
    ) -> None:
        """Of the same source and of others."""
        pinned = await fetcher.pin(source)
        other = await fetcher.pin(await self.published(shelf, OTHER, tmp_path))
        wanted: Mapping[str, tuple[Source, Tree]] = {
            f"into-{number}": (other, OTHER) if number % 3 == 2 else (pinned, SAMPLE)
            for number in range(6)
        }
        for place in wanted:
            (tmp_path / place).mkdir()
        acts = [partial(fetcher.fetch, one, tmp_path / place) for place, (one, _) in wanted.items()]
        await together(self.patience, "fetches at the same time all end", acts, tmp_path)
        for place, (_, tree) in wanted.items():
            wrong = self.wrong(tmp_path / place, tree)
            assert not wrong, f"fetches at once are not in each other's way, but: {wrong}"

    @pytest.mark.parametrize("after", MOMENTS)
    async def test_a_fetch_that_is_cancelled_stops_and_spoils_no_other(
        self, fetcher: Fetcher, source: Source, tmp_path: Path, after: float
    ) -> None:
        """Nothing is half there for the next one, and nothing goes on."""
        into = tmp_path / "cancelled"
        into.mkdir()
        done = await cancelled(partial(fetcher.fetch, source, into), after, self.patience)
        there = read_tree(into)
        wrong = self.wrong(into) if done else ""
        assert not wrong, f"a fetch that returns has brought all, but: {wrong}"
        again = await self.fetch(fetcher, source, tmp_path / "again")
        wrong = self.wrong(again)
        assert not wrong, f"what was cancelled is fetched anew and whole, but: {wrong}"
        assert read_tree(into) == there, "when a cancelled fetch has ended, it writes no more"

    @pytest.mark.parametrize("after", MOMENTS[::2])
    async def test_of_two_at_once_one_may_be_cancelled(
        self, fetcher: Fetcher, source: Source, tmp_path: Path, after: float
    ) -> None:
        """The other one gets all."""
        (tmp_path / "one").mkdir()
        with within(self.patience, "a fetch ends though another is cancelled"):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(
                    cancelled,
                    partial(fetcher.fetch, source, tmp_path / "one"),
                    after,
                    self.patience,
                )
                await anyio.lowlevel.checkpoint()
                into = await self.fetch(fetcher, source, tmp_path / "other")
        wrong = self.wrong(into)
        assert not wrong, f"a fetch brings all though another is cancelled, but: {wrong}"

    async def test_a_link_out_of_the_code_does_not_bring_what_it_points_to(
        self, fetcher: Fetcher, shelf: Shelf, tmp_path: Path
    ) -> None:
        """A source must not get at files of the agent's machine."""
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "key").write_bytes(b"a key of the agent")
        tree = {**OTHER, "key": Link(f"{tmp_path}/secrets/key"), "all": Link("../secrets")}
        try:
            source = await shelf.publish(write_tree(tree, tmp_path / "hostile"))
            into = await self.fetch(fetcher, source, tmp_path / "into")
        except LaunchError:
            return
        found = {name for name, what in read_tree(into).items()
                 if isinstance(what, File) and b"key of the agent" in what.data}  # fmt: skip
        assert not found, f"a link is not followed out of the code, but {found} came along"

    async def test_fetching_leaves_nothing_in_the_process(
        self, fetcher: Fetcher, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An agent fetches for months."""
        places = count()

        async def act() -> None:
            await self.fetch(fetcher, source, tmp_path / f"into-{next(places)}")

        await nothing_left(act, "a fetch", tmp_path, monkeypatch)
