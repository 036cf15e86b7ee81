"""What builders and runners say on the way to a run, kept for a test to look at."""

from dataclasses import dataclass, field

from launchkit.abc import Output


@dataclass
class RecordingOutput(Output):
    """The log as text, and the lines of the timeline."""

    text: str = ""
    marks: list[str] = field(default_factory=list)

    async def __call__(self, data: bytes) -> None:
        """Keep it."""
        self.text += data.decode(errors="replace")

    async def mark(self, text: str) -> None:
        """Keep it."""
        self.marks.append(text)
