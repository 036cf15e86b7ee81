"""What is said on the way to a run: it comes before the run's own output in the log."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from launchkit.abc import Output, QueueBackend
from launchkit.agent.persist import persist
from launchkit.model import Claim
from launchkit.observe import Journal
from launchkit.plain_text import shortened
from launchkit.resolving.known_secrets import LONGEST
from launchkit.resolving.masking import mask_of


class PreRunLog(Output):
    """Appends to the log of a claim's attempt until the run itself begins to print; *mark* adds a
    line to its timeline. Lines of launchkit's own show none of some *secrets*.
    """

    def __init__(
        self,
        backend: QueueBackend,
        claim: Claim,
        log: Journal,
        mark: Callable[[str], Awaitable[None]],
        secrets: Sequence[str] = (),
    ) -> None:
        self._backend = backend
        self._mark = mark
        self._secrets = secrets
        self._claim = claim
        self._log = log
        self._size: int | None = None

    async def size(self) -> int:
        """Where the output of the run will begin, in bytes."""
        if self._size is None:
            call = partial(self._backend.log_size, self._claim)
            self._size = await persist(call, f"log of {self._claim.item.id}", self._log)
        return self._size

    async def line(self, text: str) -> None:
        """Add a line of launchkit's own. :raises LeaseLost: if the claim is no longer ours."""
        await super().line(mask_of(*self._secrets)(shortened(text, LONGEST)))

    async def mark(self, text: str) -> None:
        """Add a line to the timeline. :raises LeaseLost: if the claim is no longer ours."""
        await self._mark(text)

    async def __call__(self, data: bytes) -> None:
        """Add *data*. :raises LeaseLost: if the claim is no longer ours."""
        offset = await self.size()
        call = partial(self._backend.append_log, self._claim, offset, data)
        await persist(call, f"log of {self._claim.item.id}", self._log)
        self._size = offset + len(data)
