"""One voice for one trouble, however many tasks suffer from it."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from launchkit.plain_text import shortened

Log: TypeAlias = "logging.Logger | logging.LoggerAdapter[Any]"

MAX_CAUSES = 16
"""So many causes are told until the trouble is over; further ones are for debugging only."""
MAX_TEXT = 500
"""Letters of a cause that are looked at and logged."""


class Trouble:
    """What is wrong with *subject*, shared by all who use it.

    The first failure of each cause is logged as a warning, and all others for debugging only; a
    cause is the type of an exception and its text.
    """

    def __init__(
        self, log: Log, subject: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._subject = subject
        self._clock = clock
        self._causes: set[tuple[type[Exception], str]] = set()
        self._failures = 0
        self._began = 0.0

    def __bool__(self) -> bool:
        return self._failures > 0

    def tell(self, exc: Exception) -> bool:
        """A try has failed, and there will be another; gives whether its cause is a new one."""
        if not self._failures:
            self._began = self._clock()
        self._failures += 1
        silent = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
        text = shortened(str(exc), MAX_TEXT) or silent
        cause = (type(exc), text)
        if cause in self._causes or len(self._causes) == MAX_CAUSES:
            self._log.debug("%s: %s; trying again", self._subject, text, exc_info=exc)
            return False
        self._causes.add(cause)
        self._log.warning("%s: %s; trying again", self._subject, text)
        return True

    def over(self) -> None:
        """It works again. To be said by one who has failed before: others have never suffered."""
        if not self._failures:
            return
        message = "%s works again after %.1f s and %d failed tries"
        self._log.info(message, self._subject, self._clock() - self._began, self._failures)
        self._causes.clear()
        self._failures = 0
