"""What may end a journey before its run ends: a wish, a lost lease, a runner that has failed."""

import anyio

from launchkit.errors import LaunchkitError, LeaseLost
from launchkit.model import StopOrder


class Interruption:
    """The cancel scopes of a journey, and who wished it to end."""

    def __init__(self) -> None:
        self.watched = anyio.CancelScope()
        """Cancelled when the run is to be left to another holder."""
        self.wanted = anyio.CancelScope()
        """Cancelled when somebody wants the run to end."""
        self.asked = anyio.Event()
        """Set at the same time."""
        self.hurry = anyio.Event()
        """Set when the run is to get no grace."""
        self._order: StopOrder | None = None
        self._left: LaunchkitError | None = None

    @property
    def lost(self) -> bool:
        """Whether another agent holds the item by now."""
        return isinstance(self._left, LeaseLost)

    def stop(self, order: StopOrder) -> None:
        """Somebody wants the run to end; the first wish counts, and one that gives no grace."""
        if order.now:
            self.hurry.set()
        if self._order is None:
            self._order = order
            self.asked.set()
            self.wanted.cancel()

    def leave(self, why: LaunchkitError) -> None:
        """The run is to be left as it is; the first reason counts, but for the loss of the lease,
        after which nothing of it may be touched.
        """
        if self._left is None or isinstance(why, LeaseLost):
            self._left = why
        self.watched.cancel()

    def check(self) -> None:
        """Raise why the run was left, if it was."""
        if self._left is not None:
            raise self._left

    def summary(self, *, started: bool) -> str:
        """Who wished it to end, and why."""
        by = f" by {self._order.by}" if self._order and self._order.by else ""
        why = f": {self._order.reason}" if self._order and self._order.reason else ""
        return f"Stopped{by}{'' if started else ' before it started'}{why}."
