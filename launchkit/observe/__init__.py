"""What an agent lets others see of it: logs, metrics, health, traces and events."""

from launchkit.observe.journal import Journal, formatter_for, journal
from launchkit.observe.observer import Observer, Step
from launchkit.observe.outlook import Outlook, opened_outlook
from launchkit.observe.watchdog import Watchdog

__all__ = [
    "Journal",
    "Observer",
    "Outlook",
    "Step",
    "Watchdog",
    "formatter_for",
    "journal",
    "opened_outlook",
]
