"""Queues: what a person decides about them."""

from dataclasses import replace

from launchkit.abc import Hold
from launchkit.errors import Conflict, NotFound
from launchkit.model import ItemState, Pause, QueueSpec, Variable
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import UserSide

SPEC = QueueSpec(
    name="q",
    resource="local-process",
    config={"nice": "{{nice}}"},
    variables={"nice": Variable(type="integer", default=1, maximum=5)},
    max_concurrent=7,
)


class QueueContract(UserContract):
    """What `queues` promises."""

    async def test_a_queue_is_kept_as_it_was_made(self, user: UserSide) -> None:
        """With its config, variables and settings."""
        made = await user.queues.create(SPEC, "ann")
        view = await user.queues.get("q")
        assert view.queue == made, "a queue is kept as it was made"
        assert (made.spec, made.version, made.pause) == (SPEC, 1, None), (
            "a new queue is what was asked for, in version 1, and not paused"
        )
        assert view.counts == {}, "nothing is in a new queue"

    async def test_a_name_is_given_once(self, user: UserSide) -> None:
        """Two queues of one name could not be told apart."""
        await user.queues.create(SPEC, "ann")
        with refused(Conflict, "the name of a queue is given once", match="'q'"):
            await user.queues.create(replace(SPEC, max_concurrent=1), "bob")
        assert (await user.queues.get("q")).queue.spec == SPEC, "the queue that was there stays"

    async def test_queues_are_listed_by_name_and_a_missing_one_names_them(
        self, user: UserSide
    ) -> None:
        """A person who mistypes sees what there is."""
        for name in ("b", "c", "a"):
            await user.queue(name)
        await user.launch(queue="b")
        await user.queues.delete("c", "ann", force=False)
        views = await user.queues.list()
        assert [view.queue.name for view in views] == ["a", "b"], "queues are listed by name"
        assert views == [await user.queues.get(name) for name in ("a", "b")], (
            "a list shows each queue as `get` does"
        )
        assert [await user.queues.find(view.queue.name) for view in views] == [
            view.queue for view in views
        ], "`find` gives a queue as `get` does, without what is in it"
        for look in (user.queues.get, user.queues.find):
            with refused(
                NotFound, "the error for a missing queue names those that are there", match="a, b"
            ):
                await look("c")

    async def test_a_change_from_an_old_version_is_refused(self, user: UserSide) -> None:
        """Two people who edit at once do not overwrite each other."""
        await user.queues.create(SPEC, "ann")
        new = replace(SPEC, prioritization=True, max_concurrent=None, config={}, variables={})
        changed = await user.queues.update(new, "ann", pause=None, if_version=1)
        assert (changed.version, changed.spec) == (2, new), "an update counts the version up"
        with refused(Conflict, "a change from an old version is refused"):
            await user.queues.update(SPEC, "bob", pause=None, if_version=1)
        assert (await user.queues.get("q")).queue == changed, "a refused update changes nothing"
        await user.queues.update(SPEC, "bob", pause=None, if_version=2)
        last = await user.queues.update(new, "bob", pause=None, if_version=None)
        assert last.version == 4, "each update counts the version up"

    async def test_an_update_changes_one_queue_that_exists(self, user: UserSide) -> None:
        """And keeps its launches."""
        await user.queues.create(SPEC, "ann")
        other = await user.queues.create(replace(SPEC, name="p"), "ann")
        item = await user.launch()
        await user.update(replace(SPEC, max_concurrent=1))
        assert (await user.queues.get("p")).queue == other, "an update changes no other queue"
        assert await user.item(item) == item, "an update changes no launches"
        with refused(NotFound, "a queue that is not there is not updated"):
            await user.update(replace(SPEC, name="no-such-queue"))
        assert len(await user.queues.list()) == 2, "an update makes no queue"

    async def test_a_pause_is_shown_with_its_reason_and_ends_with_an_update(
        self, user: UserSide
    ) -> None:
        """Those who wait learn why."""
        await user.queues.create(SPEC, "ann")
        pause = Pause(reason="driver upgrade", by="ann", at=1.0, until=4e9)
        await user.update(SPEC, pause)
        assert (await user.queues.get("q")).queue.pause == pause, "a pause is kept as it was made"
        item = await user.launch()
        assert "driver upgrade" in str((await user.view(item)).reason), "who waits learns why"
        await user.update(SPEC, replace(pause, reason="power cut", by="cat"))
        made = (await user.queues.get("q")).queue.pause
        assert made == replace(pause, reason="power cut"), "a pause is by the one who makes it"
        await user.update(SPEC)
        assert (await user.queues.get("q")).queue.pause is None, "an update without a pause ends it"

    async def test_a_queue_with_waiting_launches_is_removed_only_by_force(
        self, user: UserSide
    ) -> None:
        """Its launches are stopped then, and stay visible."""
        await user.queue()
        await user.queue("p")
        item, two = await user.launch("one"), await user.launch("two")
        await user.launches.change(two.id, Hold(reason="later"), "ann")
        gone = await user.launches.stop((await user.launch("gone")).id, "ann", None)
        other = await user.launch(queue="p")
        with refused(Conflict, "a queue with open launches is not removed without force"):
            await user.queues.delete("q", "ann", force=False)
        assert await user.item(item) == item, "what is not removed keeps its launches"
        assert await user.queues.delete("q", "cat", force=True) == 2, (
            "`delete` tells how many open items were stopped"
        )
        for one in (item, two):
            assert (await user.item(one)).state is ItemState.STOPPED, (
                "a queue's launches are stopped with it, and stay visible"
            )
            assert (await user.events(one))[-1].actor == "cat", "it is told who stopped them"
        assert await user.item(other) == other, "launches of other queues go on"
        assert await user.item(gone) == gone, "what had ended stays as it was"
        with refused(NotFound, "a queue that was removed is not found"):
            await user.queues.get("q")
        with refused(NotFound, "a queue that was removed takes no launches"):
            await user.launch()

    async def test_a_queue_without_open_launches_is_removed(self, user: UserSide) -> None:
        """And its name is free."""
        first = await user.queues.create(SPEC, "ann")
        item = await user.launch("ended")
        await user.launches.stop(item.id, "ann", None)
        assert await user.queues.delete("q", "ann", force=False) == 0, "nothing was stopped"
        with refused(NotFound, "a queue that was removed is not found"):
            await user.queues.delete("q", "ann", force=False)
        again = await user.queues.create(SPEC, "ann")
        assert (again.id != first.id, again.version) == (True, 1), "a new queue is another one"
        assert (await user.queues.get("q")).counts == {}, "nothing is in a new queue"
        assert (await user.item(item)).id == item.id, "the launches of a removed queue stay visible"
