"""What a build prints, passed on: its end is kept, and its steps are marked."""

from launchkit.abc import Output
from launchkit.images.steps import Steps
from launchkit.plain_text import last_bytes
from launchkit_kubernetes.kaniko.verdicts import STEP

LONGEST_LINE = 1 << 16


class Progress:
    """The output of one build."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._steps = Steps(out)
        self._line = b""
        self.printed = b""
        """The last of it."""
        self.step: str | None = None
        """The last step that began."""

    async def take(self, data: bytes) -> None:
        """Pass it on."""
        self.printed = last_bytes(self.printed + data)
        await self._out(data)
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-LONGEST_LINE:]
        for line in lines:
            if found := STEP.search(line[:LONGEST_LINE].decode(errors="replace")):
                self.step = await self._steps.begin(found["step"])
