"""The seams: what a plugin implements. One small abstract class per file."""

from typing import TYPE_CHECKING

from launchkit.abc.backend import QueueBackend
from launchkit.abc.builder import Builder
from launchkit.abc.component import Component, Finding
from launchkit.abc.environment import Environment
from launchkit.abc.fetcher import Fetcher
from launchkit.abc.hub import (
    SORTED,
    Hub,
    ItemView,
    Jobs,
    Launches,
    LaunchRequest,
    Logs,
    Order,
    Queues,
    QueueView,
    Selection,
)
from launchkit.abc.output import Output
from launchkit.abc.policy import Policy
from launchkit.abc.registry import MayNotRead, Registry
from launchkit.abc.runner import Run, Runner, others_run
from launchkit.abc.site import Site
from launchkit.on_demand import names_on_demand

if TYPE_CHECKING:
    from launchkit.abc.changes import (
        AgentChange,
        Change,
        Changed,
        Drain,
        GiveUp,
        Hold,
        Move,
        PauseAgent,
        Release,
        ResumeAgent,
        SetPriority,
        Stop,
    )
else:
    __getattr__ = names_on_demand(
        __name__,
        {
            "changes": (
                *("AgentChange", "Change", "Changed", "Drain", "GiveUp", "Hold", "Move"),
                *("PauseAgent", "Release", "ResumeAgent", "SetPriority", "Stop"),
            )
        },
    )

__all__ = [
    "SORTED",
    "AgentChange",
    "Builder",
    "Change",
    "Changed",
    "Component",
    "Drain",
    "Environment",
    "Fetcher",
    "Finding",
    "GiveUp",
    "Hold",
    "Hub",
    "ItemView",
    "Jobs",
    "LaunchRequest",
    "Launches",
    "Logs",
    "MayNotRead",
    "Move",
    "Order",
    "Output",
    "PauseAgent",
    "Policy",
    "QueueBackend",
    "QueueView",
    "Queues",
    "Registry",
    "Release",
    "ResumeAgent",
    "Run",
    "Runner",
    "Selection",
    "SetPriority",
    "Site",
    "Stop",
    "others_run",
]
