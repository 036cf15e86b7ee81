"""StoreTopics: how one who waits is told that something was written, without asking again and again."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from launchkit.aio.topics import Subscription as Subscription
from launchkit.aio.topics import Topics

__all__ = ["EVERYTHING", "Subscription", "StoreTopics"]

EVERYTHING = "*"


class StoreTopics(Topics[str]):
    """All topics of one open database in this process."""

    def subscribed_to(self, *topics: str) -> AbstractContextManager[Subscription]:
        """A news for *topics*. Hang it before looking, and wait after."""
        return self.subscribed(*topics)

    def publish(self, topics: Iterable[str]) -> None:
        """Ring the topics of *topics*; of every topic if one of them is `*`."""
        wanted = {*topics}
        if EVERYTHING in wanted:
            self.notify_all()
        else:
            self.notify(*wanted)
