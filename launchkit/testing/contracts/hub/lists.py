"""Lists of launches, and the line in which they wait."""

import sys
from collections.abc import Awaitable
from dataclasses import replace

from launchkit.abc import LaunchRequest, Selection
from launchkit.errors import LaunchkitError
from launchkit.model import ItemState, Priority
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import UserSide
from launchkit.testing.makers import make_spec


class ListContract(UserContract):
    """What `list` and the views of what waits promise."""

    async def test_lists_are_newest_first_and_filtered(self, user: UserSide) -> None:
        """By queue and state, and no longer than asked for."""
        await user.queue()
        await user.queue("p")
        for name in ("one", "two", "three"):
            await user.launch(name)
        await user.launch("else", queue="p")
        await user.launches.stop("one", "ann", None)
        for selection, names in (
            (Selection(), ["else", "three", "two", "one"]),
            (Selection(limit=2), ["else", "three"]),
            (Selection(queue="q"), ["three", "two", "one"]),
            (Selection(queue="q", limit=1), ["three"]),
            (Selection(states=[ItemState.STOPPED]), ["one"]),
            (Selection(queue="q", states=[ItemState.QUEUED]), ["three", "two"]),
            (Selection(states=[ItemState.STOPPED, ItemState.QUEUED], queue="p"), ["else"]),
            (Selection(queue="no-such-queue"), []),
            (Selection(states=[]), []),
        ):
            assert await self.names(user, selection) == names, f"a list keeps to {selection}"

    async def test_lists_are_filtered_by_author_name_and_time(self, user: UserSide) -> None:
        """Each filter that is given selects."""
        await user.queue()
        for name, author in (("train-1", "ann"), ("train-22", "bob"), ("eval[1]", "ann")):
            spec = make_spec(name, author=author)
            await user.launches.launch("q", LaunchRequest(spec=spec, actor="cat"))
        at = (await user.launches.get("eval[1]")).item.created_at
        for selection, names in (
            (Selection(author="ann"), ["eval[1]", "train-1"]),
            (Selection(author="cat"), []),
            (Selection(not_author="ann"), ["train-22"]),
            (Selection(not_author="cat", not_queue="other"), ["eval[1]", "train-22", "train-1"]),
            (Selection(not_queue="q"), []),
            (Selection(name="train-*"), ["train-22", "train-1"]),
            (Selection(name="train-?"), ["train-1"]),
            (Selection(name="train-1"), ["train-1"]),
            (Selection(name="train"), []),
            (Selection(name="eval[1]"), ["eval[1]"]),
            (Selection(name="train-*", author="bob"), ["train-22"]),
            (Selection(since=at + 60), []),
            (Selection(since=at, name="eval*"), ["eval[1]"]),
        ):
            assert await self.names(user, selection) == names, f"a list keeps to {selection}"

    async def test_no_name_and_no_pattern_is_longer_than_512_characters(
        self, user: UserSide
    ) -> None:
        """Else one who reads keeps the queue from all others for minutes with one question."""
        await user.queue()
        longest, longer = "a" * 512, "*" + "a" * 512
        known = await user.launches.launch(
            "q", LaunchRequest(spec=make_spec(name=longest), actor="ann", idempotency_key=longest)
        )
        found = await user.launches.list(Selection(name=longest))
        assert [view.item.id for view in found] == [known.id], "a name may have 512 characters"
        asked: list[Awaitable[object]] = [
            user.queues.get(longer),
            user.jobs.get(longer),
            user.jobs.list(longer),
            user.launches.get(longer),
            *(
                user.launches.list(wanted)
                for wanted in (
                    Selection(queue=longer),
                    Selection(not_queue=longer),
                    Selection(author=longer),
                    Selection(not_author=longer),
                    Selection(agent=longer),
                    Selection(name=longer),
                )
            ),
            user.launches.launch(longer, LaunchRequest(spec=make_spec(), actor="ann")),
            *(
                user.launches.launch("q", LaunchRequest(spec=spec, actor="ann"))
                for spec in (make_spec(name=longer), make_spec(project=longer))
            ),
            user.launches.launch(
                "q", LaunchRequest(spec=make_spec(), actor="ann", idempotency_key=longer)
            ),
        ]
        wide = make_spec(name="\N{SNAKE}" * 257)
        asked.append(user.launches.launch("q", LaunchRequest(spec=wide, actor="ann")))
        for one in asked:
            with refused(
                LaunchkitError,
                "a longer one is refused",
                match=r"has 513 characters|at most 512 characters|1028 bytes",
            ):
                await one
        assert (await user.queues.get("q")).counts == {ItemState.QUEUED: 1}, "and is not kept"

    async def test_a_list_shows_each_launch_as_get_does(self, user: UserSide) -> None:
        """With its place, and why it waits."""
        await user.queue()
        items = [await user.launch(name) for name in ("one", "two")]
        views = [replace(view, cursor=None) for view in await user.launches.list(Selection())]
        assert views == [await user.view(item) for item in reversed(items)], (
            "a list shows each launch as `get` does"
        )

    async def test_what_waits_knows_its_place_and_why(self, user: UserSide) -> None:
        """The place counts from 1, in its own queue."""
        await user.queue()
        await user.queue("p")
        await user.launch("else", queue="p")
        gone = await user.launch("gone")
        items = [await user.launch(name) for name in ("one", "two")]
        assert (await user.view(items[1])).position == 3, "the place counts all that wait"
        await user.launches.stop(gone.id, "ann", None)
        for place, item in enumerate(items, start=1):
            view = await user.view(item)
            assert view.position == place, "what waits knows its place in its queue"
            assert view.reason, "what waits knows why"
        assert (await user.view(gone)).position is None, "what has ended has no place"
        counts = {ItemState.QUEUED: 2, ItemState.STOPPED: 1}
        assert (await user.queues.get("q")).counts == counts, "a queue counts its items by state"

    async def test_a_place_goes_by_priority(self, user: UserSide) -> None:
        """As agents are given items."""
        await user.queue(prioritization=True)
        places = ((Priority.LOW, 3), (Priority.HIGH, 1), (None, 2))
        items = [await user.launch(priority=priority) for priority, _ in places]
        for item, (_, place) in zip(items, places, strict=True):
            assert (await user.view(item)).position == place, "a place goes by priority"

    async def test_a_list_is_read_page_by_page(self, user: UserSide) -> None:
        """Each launch once, in the order that is asked for."""
        await user.queue(prioritization=True)
        for name in "abcde":
            await user.launch(name, priority=Priority.HIGH if name == "c" else None)
        for selection, expected in (
            (Selection(order="newest", limit=2), "edcba"),
            (Selection(order="oldest", limit=2), "abcde"),
            (Selection(queue="q", order="line", limit=2), "cabde"),
        ):
            seen, wanted = "", selection
            while page := await user.launches.list(wanted):
                seen += "".join(view.item.name for view in page)
                assert len(seen) <= len(expected), "a page begins behind the item that it names"
                wanted = replace(selection, after=page[-1].item.id)
            assert seen == expected, f"pages hold each launch once, {selection.order}"
        whole = await self.names(user, Selection(limit=sys.maxsize))
        assert whole == list("edcba"), "a list may be of any length"

    async def test_a_list_is_sorted_by_value(self, user: UserSide) -> None:
        """Page by page, the newest first of those that are equal; and the other way round."""
        await user.queue(prioritization=True)
        await user.queue("p", prioritization=True)
        for name, queue, priority in (
            ("a", "q", Priority.LOW), ("b", "p", None), ("c", "q", Priority.HIGH), ("d", "p", None),
        ):  # fmt: skip
            item = await user.launch(name, priority, queue=queue)
            if name in "bc":
                await user.launches.stop(item.id, "ann", None)
        for selection, expected in (
            (Selection(order="queue"), "dbca"),
            (Selection(order="queue", reverse=True), "cadb"),
            (Selection(order="author", reverse=True), "dcba"),
            (Selection(order="state"), "dacb"),
            (Selection(order="state", reverse=True), "cbda"),
            (Selection(order="state", states=[ItemState.QUEUED]), "da"),
            (Selection(order="priority"), "cdba"),
            (Selection(order="priority", reverse=True, queue="p"), "db"),
            (Selection(order="ran"), "dcba"),
            (Selection(order="newest", reverse=True), "abcd"),
            (Selection(order="line", queue="q", reverse=True), "ac"),
        ):
            seen = await self.read(user, replace(selection, limit=2), len(expected))
            how = f"{selection.order}{' reversed' if selection.reverse else ''}"
            assert seen == expected, f"a list is sorted as it is asked for, {how}"

    async def test_a_page_begins_where_the_one_before_ended_though_that_launch_moved(
        self, user: UserSide
    ) -> None:
        """What did not move is shown once."""
        await user.queue()
        items = [await user.launch(name) for name in "abcd"]
        selection = Selection(order="state", limit=2)
        page = await user.launches.list(selection)
        await user.launches.stop(items[2].id, "ann", None)
        rest = await user.launches.list(replace(selection, after=page[-1].cursor, limit=3))
        names = "".join(view.item.name for view in [*page, *rest])
        assert names == "dcbac", "a page begins behind what the one before had shown"

    async def read(self, user: UserSide, selection: Selection, most: int) -> str:
        """The names of all that is listed, page by page."""
        seen = ""
        while page := await user.launches.list(selection):
            seen += "".join(view.item.name for view in page)
            assert len(seen) <= most, "a page begins behind the item that it names"
            selection = replace(selection, after=page[-1].cursor)
        return seen

    async def names(self, user: UserSide, selection: Selection) -> list[str]:
        """The names of what is listed."""
        return [view.item.name for view in await user.launches.list(selection)]
