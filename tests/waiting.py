"""Waiting for what must happen, as `launchkit.testing` does."""

from launchkit.testing.waiting import PATIENCE, until

__all__ = ["PATIENCE", "until"]
