"""What an agent lets others see of it: logs, metrics, health, traces and events."""

from launchkit.observe.journal import Journal, formatter_for, journal
from launchkit.observe.observer import Observer
from launchkit.observe.tracing import launching, opened_tracer

__all__ = [
    "Journal",
    "Observer",
    "formatter_for",
    "journal",
    "launching",
    "opened_tracer",
]
