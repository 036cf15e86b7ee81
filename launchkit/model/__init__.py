"""The nouns: frozen values that the steps hand on. No I/O.

Those that only agents use are imported when they are first asked for: a dataclass takes a
millisecond to make, and short commands have few.
"""

from typing import TYPE_CHECKING

from launchkit.model.job import JobVersion
from launchkit.model.queue import (
    ENDED,
    ENDING_STATES,
    AgentStatus,
    AgentView,
    Event,
    ItemState,
    LogPage,
    Pause,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Variable,
)
from launchkit.model.run import RunState, Verdict
from launchkit.model.secret import EnvValues, Secret
from launchkit.model.spec import (
    ArchiveSource,
    Env,
    GitSource,
    ImageSource,
    Json,
    LaunchSpec,
    Overrides,
    Recipe,
    Scalar,
    Source,
    Timeouts,
)
from launchkit.model.verdicts import VerdictCode
from launchkit.on_demand import names_on_demand

if TYPE_CHECKING:
    from launchkit.model.claims import (
        AgentCapacity,
        AgentOrders,
        Claim,
        ItemReport,
        Resolution,
        RunView,
        StopOrder,
    )
    from launchkit.model.launch import (
        Attempt,
        BuildRequest,
        Credentials,
        Image,
        Launch,
        Limits,
        Submission,
    )
    from launchkit.model.watched import LogChunk, Outcome, RunStatus
else:
    __getattr__ = names_on_demand(
        __name__,
        {
            "claims": (
                "AgentCapacity",
                "AgentOrders",
                "Claim",
                "ItemReport",
                "Resolution",
                "RunView",
                "StopOrder",
            ),
            "launch": (
                *("Attempt", "BuildRequest", "Credentials", "Image", "Launch", "Limits"),
                "Submission",
            ),
            "watched": ("LogChunk", "Outcome", "RunStatus"),
        },
    )

__all__ = [
    "ENDED",
    "ENDING_STATES",
    "AgentCapacity",
    "AgentOrders",
    "AgentStatus",
    "AgentView",
    "ArchiveSource",
    "Attempt",
    "BuildRequest",
    "Claim",
    "Credentials",
    "Env",
    "EnvValues",
    "Event",
    "GitSource",
    "Image",
    "ImageSource",
    "ItemReport",
    "ItemState",
    "JobVersion",
    "Json",
    "Launch",
    "LaunchSpec",
    "Limits",
    "LogChunk",
    "LogPage",
    "Outcome",
    "Overrides",
    "Pause",
    "Priority",
    "Queue",
    "QueueItem",
    "QueueSpec",
    "Recipe",
    "Resolution",
    "RunState",
    "RunStatus",
    "RunView",
    "Scalar",
    "Secret",
    "Source",
    "StopOrder",
    "Submission",
    "Timeouts",
    "Variable",
    "Verdict",
    "VerdictCode",
]
