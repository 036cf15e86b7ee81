"""The suite for hubs: the user's side. What agents do to a queue is in the suite of backends."""

from collections.abc import AsyncIterator, Sequence

import anyio
import pytest

from launchkit.abc import Component, Hub, LaunchRequest, Selection
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import (
    Event,
    ImageSource,
    ItemState,
    Pause,
    Priority,
    QueueItem,
    QueueSpec,
    Recipe,
    Variable,
)
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.makers import make_spec

HOUR = 3600.0


class HubContract(ComponentContract):
    """Give the fixture `hub`, started, for an empty queue service."""

    patience = 60.0
    """Seconds that a wake-up may take."""

    @pytest.fixture
    def hub(self) -> Hub:
        """The started hub."""
        raise pytest.UsageError("override the fixture `hub`")

    @pytest.fixture
    def component(self, hub: Hub) -> Component:
        """The hub."""
        return hub

    def spec(self, name: str = "q", *, prioritization: bool = False) -> QueueSpec:
        """A queue with a template variable."""
        return QueueSpec(
            name=name,
            resource="local-process",
            config={"nice": "{{nice}}"},
            variables={"nice": Variable(type="integer", default=1, maximum=5)},
            prioritization=prioritization,
        )

    async def launch(self, hub: Hub, name: str = "run", key: str | None = None) -> QueueItem:
        """Put a launch into `q`."""
        request = LaunchRequest(spec=make_spec(name), actor="ann", idempotency_key=key)
        return await hub.launches().launch("q", request)

    async def test_a_queue_is_kept_as_it_was_made(self, hub: Hub) -> None:
        """With its config, variables and settings."""
        made = await hub.queues().create(self.spec(), "ann")
        view = await hub.queues().get("q")
        assert view.queue == made
        assert (made.spec, made.version, made.pause) == (self.spec(), 1, None)
        assert view.counts == {}

    async def test_a_name_is_given_once(self, hub: Hub) -> None:
        """Two queues of one name could not be told apart."""
        await hub.queues().create(self.spec(), "ann")
        with pytest.raises(Conflict, match="'q'"):
            await hub.queues().create(self.spec(), "ann")

    async def test_queues_are_listed_by_name_and_a_missing_one_names_them(self, hub: Hub) -> None:
        """A person who mistypes sees what there is."""
        for name in ("b", "a"):
            await hub.queues().create(self.spec(name), "ann")
        assert [view.queue.name for view in await hub.queues().list()] == ["a", "b"]
        with pytest.raises(NotFound, match="a, b"):
            await hub.queues().get("c")

    async def test_a_change_from_an_old_version_is_refused(self, hub: Hub) -> None:
        """Two people who edit at once do not overwrite each other."""
        await hub.queues().create(self.spec(), "ann")
        new = self.spec(prioritization=True)
        changed = await hub.queues().update(new, "ann", pause=None, if_version=1)
        assert (changed.version, changed.spec) == (2, new)
        with pytest.raises(Conflict):
            await hub.queues().update(self.spec(), "bob", pause=None, if_version=1)
        assert (await hub.queues().get("q")).queue.spec == new

    async def test_a_pause_is_shown_with_its_reason_and_ends_with_an_update(self, hub: Hub) -> None:
        """Those who wait learn why."""
        await hub.queues().create(self.spec(), "ann")
        pause = Pause(reason="driver upgrade", by="ann", at=1.0, until=None)
        await hub.queues().update(self.spec(), "ann", pause=pause, if_version=None)
        assert (await hub.queues().get("q")).queue.pause == pause
        item = await self.launch(hub)
        assert "driver upgrade" in str((await hub.launches().get(item.id)).reason)
        await hub.queues().update(self.spec(), "ann", pause=None, if_version=None)
        assert (await hub.queues().get("q")).queue.pause is None

    async def test_a_queue_with_waiting_launches_is_removed_only_by_force(self, hub: Hub) -> None:
        """Its launches are stopped then, and stay visible."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub)
        with pytest.raises(Conflict):
            await hub.queues().delete("q", "ann", force=False)
        assert await hub.queues().delete("q", "ann", force=True) == 1
        assert (await hub.launches().get(item.id)).item.state is ItemState.STOPPED
        with pytest.raises(NotFound):
            await hub.queues().get("q")

    async def test_a_launch_is_kept_as_it_was_asked_for(self, hub: Hub) -> None:
        """Its author is the one who asked."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub, "train")
        assert (await hub.launches().get(item.id)).item == item
        assert (item.spec, item.state, item.author) == (
            make_spec("train"), ItemState.QUEUED, "ann",
        )  # fmt: skip
        assert (item.attempt, item.priority, item.queue) == (1, Priority.MEDIUM, "q")

    async def test_a_launch_is_found_by_id_run_id_and_name(self, hub: Hub) -> None:
        """And not by a name that two have."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub, "train")
        for ref in (item.id, item.run_id, "train"):
            assert (await hub.launches().get(ref)).item.id == item.id
        await self.launch(hub, "train")
        with pytest.raises(Conflict):
            await hub.launches().get("train")
        with pytest.raises(NotFound):
            await hub.launches().get("no-such-launch")

    async def test_a_launch_into_no_queue_is_not_found(self, hub: Hub) -> None:
        """It is not lost in silence."""
        with pytest.raises(NotFound):
            await self.launch(hub)

    async def test_a_value_that_the_queue_does_not_allow_is_rejected(self, hub: Hub) -> None:
        """At launch, while somebody is there to read it."""
        await hub.queues().create(self.spec(), "ann")
        spec = make_spec(template_variables={"nice": 6})
        with pytest.raises(Rejected, match="nice"):
            await hub.launches().launch("q", LaunchRequest(spec=spec, actor="ann"))

    async def test_a_priority_needs_a_queue_with_prioritization(self, hub: Hub) -> None:
        """Else it would be ignored in silence."""
        await hub.queues().create(self.spec(), "ann")
        request = LaunchRequest(spec=make_spec(), actor="ann", priority=Priority.HIGH)
        with pytest.raises(Rejected):
            await hub.launches().launch("q", request)
        new = self.spec(prioritization=True)
        await hub.queues().update(new, "ann", pause=None, if_version=None)
        assert (await hub.launches().launch("q", request)).priority is Priority.HIGH

    async def test_a_request_with_a_key_is_launched_once(self, hub: Hub) -> None:
        """Also when it is sent again at the same moment."""
        await hub.queues().create(self.spec(), "ann")
        items: list[QueueItem] = []

        async def launch() -> None:
            items.append(await self.launch(hub, "train", key="k-1"))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(launch)
        assert len({item.id for item in items}) == 1
        with pytest.raises(Conflict):
            await self.launch(hub, "other", key="k-1")

    async def test_lists_are_newest_first_and_filtered(self, hub: Hub) -> None:
        """By queue and state."""
        await hub.queues().create(self.spec(), "ann")
        await hub.queues().create(self.spec("p"), "ann")
        for name in ("one", "two", "three"):
            await self.launch(hub, name)
        await hub.launches().stop("one", "ann", None)
        waiting = Selection(queue="q", states=[ItemState.QUEUED])
        for selection, names in (
            (Selection(), ["three", "two", "one"]), (Selection(limit=1), ["three"]),
            (waiting, ["three", "two"]), (Selection(queue="p"), []), (Selection(states=[]), []),
        ):  # fmt: skip
            views = await hub.launches().list(selection)
            assert [view.item.name for view in views] == names

    async def test_what_waits_knows_its_place_and_why(self, hub: Hub) -> None:
        """The place counts from 1."""
        await hub.queues().create(self.spec(), "ann")
        for name in ("one", "two"):
            await self.launch(hub, name)
        for place, name in enumerate(("one", "two"), start=1):
            view = await hub.launches().get(name)
            assert view.position == place
            assert view.reason
        assert (await hub.queues().get("q")).counts == {ItemState.QUEUED: 2}

    async def test_what_waits_is_stopped_at_once_and_twice_is_once(self, hub: Hub) -> None:
        """The record tells who did it, and why."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub)
        for _ in range(2):
            stopped = await hub.launches().stop(item.id, "bob", "too late")
            assert stopped.state is ItemState.STOPPED
            assert stopped.ended_at is not None
        *_, last = events = await hub.launches().changed(item.id, 0, 0)
        assert [event.state for event in events] == [ItemState.QUEUED, ItemState.STOPPED]
        assert (last.actor, last.cause) == ("bob", "too late")

    async def test_one_who_follows_a_launch_is_woken_by_what_happens(self, hub: Hub) -> None:
        """And gets only what is new."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub)
        (first,) = await hub.launches().changed(item.id, 0, 0)
        news: list[Event] = []

        async def follow() -> None:
            while not news:  # it may wake for nothing
                news.extend(await hub.launches().changed(item.id, first.id, HOUR))

        with anyio.fail_after(self.patience):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(follow)
                await anyio.wait_all_tasks_blocked()
                await hub.launches().stop(item.id, "bob", None)
        assert [event.state for event in news] == [ItemState.STOPPED]
        assert news[0].id > first.id

    async def test_an_empty_log_of_an_ended_launch_is_complete(self, hub: Hub) -> None:
        """Whoever follows it ends."""
        await hub.queues().create(self.spec(), "ann")
        item = await self.launch(hub)
        assert not (await hub.logs().read(item.id, None, 0, 0)).complete
        await hub.launches().stop(item.id, "ann", None)
        page = await hub.logs().read(item.id, None, 0, 0)
        assert (page.data, page.size, page.complete) == (b"", 0, True)

    async def test_equal_recipes_are_one_version_and_new_ones_count_up(self, hub: Hub) -> None:
        """`latest` is the one that was added last."""
        versions = [
            await hub.jobs().create("train", self.recipe(image), "ann", aliases)
            for image, aliases in (("one", ["best"]), ("two", []), ("two", []))
        ]
        numbers = [(job.version, new) for job, new in versions]
        assert numbers == [(0, True), (1, True), (1, False)]
        for reference, version in (("train", 1), ("train:latest", 1), ("train:v0", 0),
                                   ("train:best", 0)):  # fmt: skip
            assert (await hub.jobs().get(reference)).version == version

    async def test_jobs_are_listed_and_a_missing_one_is_not_found(self, hub: Hub) -> None:
        """The latest of each, or all of one."""
        for name, image in (("a", "one"), ("a", "two"), ("b", "one")):
            await hub.jobs().create(name, self.recipe(image), "ann", [])
        assert {job.reference for job in await hub.jobs().list(None)} == {"a:v1", "b:v0"}
        assert {job.reference for job in await hub.jobs().list("a")} == {"a:v0", "a:v1"}
        for reference in ("c", "a:v2", "a:no-such-alias"):
            with pytest.raises(NotFound):
                await hub.jobs().get(reference)

    async def test_packed_code_is_known_once_all_of_it_is_there(self, hub: Hub) -> None:
        """A broken upload leaves nothing that looks whole."""
        digest = "1" * 64
        assert not await hub.jobs().has_archive(digest)
        with pytest.raises(ConnectionError):
            await hub.jobs().put_archive(digest, _chunks([b"one"], broken=True))
        assert not await hub.jobs().has_archive(digest)
        await hub.jobs().put_archive(digest, _chunks([b"one", b"two"]))
        assert await hub.jobs().has_archive(digest)

    def recipe(self, image: str) -> Recipe:
        """A recipe that is told by its image."""
        return Recipe(source=ImageSource(image=image))


async def _chunks(pieces: Sequence[bytes], *, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if broken:
        raise ConnectionError("the network went away")
