"""What an agent lets others see of it: logs, metrics, health, traces and events."""

from launchkit.observe.journal import Journal, formatter_for, journal
from launchkit.observe.observer import Observer
from launchkit.observe.outlook import Subject, opened_outlook
from launchkit.observe.tracing import launching, opened_tracer
from launchkit.observe.watchdog import Watchdog, poller

__all__ = [
    "Journal",
    "Observer",
    "Subject",
    "Watchdog",
    "formatter_for",
    "journal",
    "launching",
    "opened_outlook",
    "opened_tracer",
    "poller",
]
