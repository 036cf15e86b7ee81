"""Launches: put into queues, and found again."""

from dataclasses import replace

import anyio

from launchkit.abc import LaunchRequest
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import ItemState, Overrides, Priority, QueueItem, Timeouts, Variable
from launchkit.testing.contracts.conduct import MOMENTS, refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import UserSide
from launchkit.testing.makers import make_spec

OVERRIDES = Overrides(args=("--lr", "1"), env={"A": "b", "C": None}, config={"x": [1, None]})


class LaunchContract(UserContract):
    """What `launch` and `get` promise."""

    async def test_a_launch_is_kept_as_it_was_asked_for(self, user: UserSide) -> None:
        """Its author is the one who asked, unless the request names another."""
        await user.queue()
        item = await user.launch("train")
        assert await user.item(item) == item, "`get` gives what `launch` gave"
        assert (item.spec, item.state, item.author) == (
            make_spec("train"), ItemState.QUEUED, "ann",
        ), "a launch is kept as it was asked for, and its author is the one who asked"  # fmt: skip
        assert (item.attempt, item.priority, item.queue) == (1, Priority.MEDIUM, "q"), (
            "a launch waits for its first attempt, with medium priority, in its queue"
        )
        job, _ = await user.jobs.create("j", make_spec().recipe, "ann", ())
        spec = make_spec(
            "full", overrides=OVERRIDES, project="p", author="bob", job=job.reference,
            timeouts=Timeouts(run=5.0),
        )  # fmt: skip
        full = await user.launches.launch("q", LaunchRequest(spec=spec, actor="ann"))
        assert (await user.item(full)).spec == spec, "each field of a request is kept"
        assert full.author == "bob", "an author whom the request names is the author"

    async def test_a_launch_is_of_the_job_that_it_names(self, user: UserSide) -> None:
        """Else anything could go by the name of a job that people trust."""
        await user.queue()
        job, _ = await user.jobs.create("j", make_spec().recipe, "ann", ())
        other = replace(make_spec().recipe, entry_point=("sh",))
        spec = make_spec(job=job.reference, recipe=other)
        with refused(Rejected, "a launch has the recipe of the job that it names", match="job"):
            await user.launches.launch("q", LaunchRequest(spec=spec, actor="ann"))
        for unknown in ("j:v7", "other:v0"):
            spec = make_spec(job=unknown)
            with refused(NotFound, "a launch names a job that there is"):
                await user.launches.launch("q", LaunchRequest(spec=spec, actor="ann"))
        assert (await user.queues.get("q")).counts == {}, "what is refused is not in the queue"

    async def test_a_launch_stays_one_of_the_version_that_its_jobs_alias_meant(
        self, user: UserSide
    ) -> None:
        """Whatever the alias means later; who asks again with the same key gets the same launch."""
        await user.queue()
        job, _ = await user.jobs.create("j", make_spec().recipe, "ann", ("best",))
        for number, alias in enumerate(("j", "j:latest", "j:best", "j:v00")):
            request = LaunchRequest(
                spec=make_spec(job=alias), actor="ann", idempotency_key=str(number)
            )
            item = await user.launches.launch("q", request)
            other = replace(make_spec().recipe, entry_point=("sh", str(number)))
            await user.jobs.create("j", other, "ann", ("best",))
            stored = (await user.launches.get(item.id)).item
            assert stored.spec.job == job.reference, f"{alias} names the version that it meant"
            again = await user.launches.launch("q", request)
            assert again.id == item.id, "a request with the same key is the same launch"
            await user.jobs.create("j", make_spec().recipe, "ann", ("best",))

    async def test_launches_that_are_equal_are_several(self, user: UserSide) -> None:
        """Unless they have an idempotency key."""
        await user.queue()
        items = [await user.launch() for _ in range(3)]
        for words in ({item.id for item in items}, {item.run_id for item in items}):
            assert len(words) == 3, "each launch has an id and a run id of its own"

    async def test_a_launch_is_found_by_id_run_id_and_name(self, user: UserSide) -> None:
        """And not by a name that two have."""
        await user.queue()
        await user.launch("other")
        item = await user.launch("train")
        for ref in (item.id, item.run_id, "train"):
            assert (await user.launches.get(ref)).item == item, f"a launch is found by {ref}"
        await user.launch("train")
        with refused(Conflict, "a name that several launches have is a conflict"):
            await user.launches.get("train")
        for ref in ("no-such-launch", "tra", "TRAIN", "*"):
            with refused(NotFound, "a launch is found by its whole names alone"):
                await user.launches.get(ref)

    async def test_a_launch_into_no_queue_is_not_found(self, user: UserSide) -> None:
        """It is not lost in silence."""
        await user.queue("p")
        with refused(NotFound, "a queue that is not there is not found"):
            await user.launch()

    async def test_a_value_that_the_queue_does_not_allow_is_rejected(self, user: UserSide) -> None:
        """At launch, while somebody is there to read it."""
        nice = Variable(type="integer", default=1, maximum=5)
        await user.queue(config={"nice": "{{nice}}"}, variables={"nice": nice})
        for values in ({"nice": 6}, {"nice": "much"}, {"other": 1}):
            request = LaunchRequest(spec=make_spec(template_variables=values), actor="ann")
            with refused(
                Rejected,
                "a value that the queue does not allow is rejected by its name",
                match=next(iter(values)),
            ):
                await user.launches.launch("q", request)
        assert (await user.queues.get("q")).counts == {}, "what is rejected is not in the queue"
        spec = make_spec(template_variables={"nice": 5})
        item = await user.launches.launch("q", LaunchRequest(spec=spec, actor="ann"))
        assert (await user.item(item)).spec == spec, "the values of a launch are kept"

    async def test_a_priority_needs_a_queue_with_prioritization(self, user: UserSide) -> None:
        """Else it would be ignored in silence."""
        spec = await user.queue()
        with refused(Rejected, "a priority needs a queue with prioritization"):
            await user.launch(priority=Priority.HIGH)
        await user.update(replace(spec, prioritization=True))
        item = await user.launch(priority=Priority.HIGH)
        assert (await user.item(item)).priority is Priority.HIGH, "the priority of a launch is kept"

    async def test_a_request_with_a_key_is_launched_once(self, user: UserSide) -> None:
        """Also when it is sent again at the same moment, and soon after."""
        await user.queue()
        items: list[QueueItem] = []
        launches = user.hub.launches()
        request = LaunchRequest(spec=make_spec(), actor="ann", idempotency_key="k-1")

        async def launch(after: float) -> None:
            await anyio.sleep(after)
            items.append(await launches.launch("q", request))

        with user.within("`launch` answers each of many who ask at once"):
            async with anyio.create_task_group() as tasks:
                for after in (0.0, *MOMENTS):
                    tasks.start_soon(launch, after)
        assert len({item.id for item in items}) == 1, "a request with a key is launched once"
        assert (await user.queues.get("q")).counts == {ItemState.QUEUED: 1}, (
            "a request with a key is in the queue once"
        )

    async def test_a_key_stands_for_one_request(self, user: UserSide) -> None:
        """Another one with the same key is somebody's mistake."""
        await user.queue(prioritization=True)
        await user.queue("p", prioritization=True)
        item = await user.launch("train", key="k-1")
        other = await user.launch("train", key="k-2")
        assert other.id != item.id, "another key stands for another launch"
        with refused(Conflict, "a key stands for one request, of one name"):
            await user.launch("other", key="k-1")
        with refused(Conflict, "a key stands for one request, of one queue"):
            await user.launch("train", queue="p", key="k-1")
        with refused(Conflict, "a key stands for one request, of one priority"):
            await user.launch("train", Priority.HIGH, key="k-1")

    async def test_a_key_is_not_forgotten_after_the_end(self, user: UserSide) -> None:
        """One who asks again late does not start it again."""
        await user.queue()
        item = await user.launch("train", key="k-1")
        await user.launches.stop(item.id, "ann", None)
        again = await user.launch("train", key="k-1")
        assert (again.id, again.state) == (item.id, ItemState.STOPPED), (
            "a key stands for its launch also after the end"
        )
