"""How one who waits is told that something was written, without asking again and again."""

from collections.abc import Iterable

from launchkit.aio.topics import Topics

EVERYTHING = "*"


def of_agent(entity: str, name: str) -> str:
    """What people want of an agent. One of the same name in another entity hears nothing of it."""
    return f"agent:{name}/{entity}"


def of_item(entity: str, item_id: str) -> str:
    """What happens to an item. Whoever names one of another entity waits for nothing."""
    return f"item:{item_id}/{entity}"


def of_log(entity: str, item_id: str) -> str:
    """What an item prints, and the end of it."""
    return f"log:{item_id}/{entity}"


class StoreTopics(Topics[str]):
    """All topics of one open database in this process."""

    def publish(self, topics: Iterable[str]) -> None:
        """Notify who waits for one of *topics*; everyone, if one of them is `*`."""
        wanted = {*topics}
        if EVERYTHING in wanted:
            self.notify_all()
        else:
            self.notify(*wanted)
