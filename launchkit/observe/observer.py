"""The seam between the agent's loop and what watches it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from launchkit.model import Claim, ItemReport, Launch


Step = Literal["fetch", "build", "prepare", "submit", "run"]


class Observer:
    """Hears what an agent does. Every method returns at once and does nothing here."""

    def claimed(self, claim: "Claim", seconds: float) -> None:
        """An item was claimed; asking for it took *seconds*."""

    def carried(self, launch: "Launch") -> "Launch":
        """The launch, with the trace that its workload is to continue."""
        return launch

    def step(self, item_id: str, step: Step) -> AbstractContextManager[None]:
        """A step of an item's way, for the time of the context."""
        return nullcontext()

    def stored(self, claim: "Claim", report: "ItemReport") -> None:
        """A report about a claimed item was stored."""

    def left(self, claim: "Claim") -> None:
        """The agent has done with a claim, whatever became of it."""

    def pumped(self, size: int) -> None:
        """*size* bytes of output were stored."""

    def failed(self, call: str) -> None:
        """The queue backend could not do a *call*."""


class Observers(Observer):
    """Tells several."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def claimed(self, claim: "Claim", seconds: float) -> None:
        """Tell each."""
        for observer in self._observers:
            observer.claimed(claim, seconds)

    def carried(self, launch: "Launch") -> "Launch":
        """Ask each in turn."""
        for observer in self._observers:
            launch = observer.carried(launch)
        return launch

    def step(self, item_id: str, step: Step) -> AbstractContextManager[None]:
        """Tell each."""
        steps = [observer.step(item_id, step) for observer in self._observers]
        return _all(steps) if len(steps) > 1 else next(iter(steps), nullcontext())

    def stored(self, claim: "Claim", report: "ItemReport") -> None:
        """Tell each."""
        for observer in self._observers:
            observer.stored(claim, report)

    def left(self, claim: "Claim") -> None:
        """Tell each."""
        for observer in self._observers:
            observer.left(claim)

    def pumped(self, size: int) -> None:
        """Tell each."""
        for observer in self._observers:
            observer.pumped(size)

    def failed(self, call: str) -> None:
        """Tell each."""
        for observer in self._observers:
            observer.failed(call)


@contextmanager
def _all(steps: Sequence[AbstractContextManager[None]]) -> Iterator[None]:
    with ExitStack() as stack:
        for step in steps:
            stack.enter_context(step)
        yield
