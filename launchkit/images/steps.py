"""The steps of a build in the timeline of its launch."""

from launchkit.abc import Output
from launchkit.plain_text import shortened

MARK_CHARACTERS = 160
MOST_STEPS = 1000


class Steps:
    """Marks each step that begins, as far as there is room: what one prints may look like others
    without end.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._begun = 0

    async def begin(self, step: str) -> str:
        """Mark it; gives what is shown of it."""
        shown = shortened(step.strip(), MARK_CHARACTERS)
        self._begun += 1
        if self._begun <= MOST_STEPS:
            await self._out.mark(shown)
        elif self._begun == MOST_STEPS + 1:
            await self._out.mark("the build has more steps, which its log tells")
        return shown
