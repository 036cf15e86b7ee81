"""The suite for queue backends: the agent's side, driven from the user's side."""

from launchkit.testing.contracts.backend.beats import BeatContract
from launchkit.testing.contracts.backend.changes import ChangeUnderWayContract
from launchkit.testing.contracts.backend.claims import ClaimContract
from launchkit.testing.contracts.backend.limits import LimitContract
from launchkit.testing.contracts.backend.locks import LockContract
from launchkit.testing.contracts.backend.news import NewsContract
from launchkit.testing.contracts.backend.output import OutputContract
from launchkit.testing.contracts.backend.reports import ReportContract
from launchkit.testing.contracts.backend.requeue import RequeueContract
from launchkit.testing.contracts.backend.steering import SteeringContract
from launchkit.testing.contracts.backend.takeover import TakeOverContract

__all__ = ["QueueBackendContract"]


class QueueBackendContract(
    ClaimContract,
    TakeOverContract,
    ReportContract,
    RequeueContract,
    LimitContract,
    BeatContract,
    NewsContract,
    OutputContract,
    ChangeUnderWayContract,
    LockContract,
    SteeringContract,
):
    """Give the fixtures `backend` and `hub`, both started, for one empty queue service and one
    entity; and, if the backend's clock can be moved, `advance`. Else let leases be short.
    """
