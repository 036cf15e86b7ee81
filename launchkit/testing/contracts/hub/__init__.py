"""The suite for hubs: the user's side. What agents do to a queue is in the suite of backends."""

from launchkit.testing.contracts.hub.changes import ChangeContract
from launchkit.testing.contracts.hub.events import EventContract
from launchkit.testing.contracts.hub.jobs import JobContract
from launchkit.testing.contracts.hub.launches import LaunchContract
from launchkit.testing.contracts.hub.lists import ListContract
from launchkit.testing.contracts.hub.queues import QueueContract

__all__ = ["HubContract"]


class HubContract(
    QueueContract, LaunchContract, ListContract, ChangeContract, EventContract, JobContract
):
    """Give the fixture `hub`, started, for an empty queue service."""
