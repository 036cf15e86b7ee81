"""What may end a journey before its run ends: somebody's wish, or the loss of its lease."""

import anyio

from launchkit.model import StopOrder


class Interruption:
    """The cancel scopes of a journey, and who wished it to end."""

    def __init__(self) -> None:
        self.owned = anyio.CancelScope()
        """Cancelled when another agent holds the item."""
        self.wanted = anyio.CancelScope()
        """Cancelled when somebody wants the run to end."""
        self._order: StopOrder | None = None

    @property
    def lost(self) -> bool:
        """Whether another agent holds the item by now."""
        return self.owned.cancel_called

    def stop(self, order: StopOrder) -> None:
        """Somebody wants the run to end; the first wish counts."""
        if self._order is None:
            self._order = order
            self.wanted.cancel()

    def lose(self) -> None:
        """Another agent holds the item by now."""
        self.owned.cancel()

    def summary(self, *, started: bool) -> str:
        """Who wished it to end, and why."""
        by = f" by {self._order.by}" if self._order and self._order.by else ""
        why = f": {self._order.reason}" if self._order and self._order.reason else ""
        return f"Stopped{by}{'' if started else ' before it started'}{why}."
