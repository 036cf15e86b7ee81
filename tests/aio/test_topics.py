"""Subscribe, look, wait: nothing is missed, and nothing is kept."""

import anyio
from waiting import PATIENCE

from launchkit.aio.topics import Topics


async def test_news_between_the_look_and_the_wait_are_not_missed() -> None:
    topics = Topics[str]()
    with topics.subscribed("a") as news:
        topics.notify("a")
        assert await news.wait(PATIENCE)


async def test_a_wait_without_news_ends_after_its_time() -> None:
    topics = Topics[str]()
    with topics.subscribed("a") as news:
        topics.notify("b")
        assert not await news.wait(0.001)


async def test_what_was_heard_is_not_heard_again() -> None:
    topics = Topics[str]()
    with topics.subscribed("a", "b") as news:
        topics.notify("a", "b")
        assert await news.wait()
        assert not await news.wait(0.001)


async def test_all_who_wait_for_a_topic_are_woken() -> None:
    topics = Topics[int]()
    woken = []

    async def wait(topic: int, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with topics.subscribed(topic) as news:
            task_status.started()
            await news.wait()
        woken.append(topic)

    async with anyio.create_task_group() as tasks:
        for topic in (1, 1, 2):
            await tasks.start(wait, topic)
        topics.notify(1)
        while len(woken) < 2:
            await anyio.lowlevel.checkpoint()
        assert woken == [1, 1]
        topics.notify_all()
    assert woken == [1, 1, 2]


async def test_who_subscribes_to_all_hears_of_each_topic_and_of_none() -> None:
    topics = Topics[str]()
    with topics.subscribed_to_all() as news:
        for topic in (["a"], []):
            topics.notify(*topic)
            assert await news.wait(PATIENCE)


async def test_topics_that_nobody_waits_for_are_forgotten() -> None:
    topics = Topics[int]()
    with anyio.CancelScope() as scope, topics.subscribed(1, 2, 2) as news:
        assert topics
        scope.cancel()
        await news.wait()
    with topics.subscribed_to_all():
        assert topics
    topics.notify(3)
    assert not topics
    assert not topics._by_topic
