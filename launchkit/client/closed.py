"""What a client is left with when it was closed: each call says so at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from launchkit.abc import Hub, Jobs, Launches, Logs, Queues
from launchkit.errors import QueueError
from launchkit.model import AgentView

if TYPE_CHECKING:
    from launchkit.abc import AgentChange


class ClosedHub(Hub):
    """A hub that gives nothing any more."""

    kind: ClassVar[str] = "closed"

    def queues(self) -> Queues:
        """:raises QueueError: always."""
        raise closed()

    def jobs(self) -> Jobs:
        """:raises QueueError: always."""
        raise closed()

    def launches(self) -> Launches:
        """:raises QueueError: always."""
        raise closed()

    def logs(self) -> Logs:
        """:raises QueueError: always."""
        raise closed()

    async def agents(self) -> Sequence[AgentView]:
        """:raises QueueError: always."""
        raise closed()

    async def change_agent(self, name: str, change: "AgentChange", actor: str) -> None:
        """:raises QueueError: always."""
        raise closed()


def closed() -> QueueError:
    """The error for a call after the end of `connect`."""
    return QueueError(
        "this client is closed: the block of its `connect()` was left",
        hint="work inside of `with connect() as client:`, or connect again",
    )
