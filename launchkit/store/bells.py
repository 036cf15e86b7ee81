"""Bells: how one who waits is told that something was written, without asking again and again."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from launchkit.aio.topics import Subscription as Bell
from launchkit.aio.topics import Topics

__all__ = ["EVERYTHING", "Bell", "Bells"]

EVERYTHING = "*"


class Bells(Topics[str]):
    """All bells of one open database in this process."""

    def hung(self, *topics: str) -> AbstractContextManager[Bell]:
        """A bell for *topics*. Hang it before looking, and wait after."""
        return self.subscribed(*topics)

    def ring(self, topics: Iterable[str]) -> None:
        """Ring the bells of *topics*; of every topic if one of them is `*`."""
        wanted = {*topics}
        if EVERYTHING in wanted:
            self.notify_all()
        else:
            self.notify(*wanted)
