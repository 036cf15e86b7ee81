"""A step that is carried through although somebody wants its end, but for moments at which nothing
is lost if it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import anyio
from anyio.lowlevel import checkpoint

_step: ContextVar[anyio.CancelScope | None] = ContextVar("step", default=None)


@contextmanager
def carried_through(seconds: float) -> Iterator[None]:
    """Cancel what is done here after so many *seconds*, or at its next `last_chance`."""
    with anyio.move_on_after(seconds, shield=True) as scope:
        token = _step.set(scope)
        try:
            yield
        finally:
            _step.reset(token)


async def last_chance() -> None:
    """Go no further if somebody wants the end of what is carried through: raises cancellation."""
    step = _step.get()
    if step is None:
        await checkpoint()
        return
    step.shield = False
    try:
        await checkpoint()
    finally:
        step.shield = True
