"""Where what happens on the way to a run is said, so that its author can read it."""

from abc import ABC, abstractmethod


class Output(ABC):
    """The log of a launch before its run's own output, and its timeline."""

    @abstractmethod
    async def __call__(self, data: bytes) -> None:
        """Add *data* to the log."""

    async def line(self, text: str) -> None:
        """Add a line of launchkit's own to the log."""
        await self(f"{text}\n".encode(errors="replace"))

    async def mark(self, text: str) -> None:
        """Add a line to the timeline: a step that begins, or what is waited for."""

    async def say(self, text: str) -> None:
        """Add a line to both."""
        await self.line(text)
        await self.mark(text)
