"""Log lines that are lines: nothing that others wrote looks like one of its own, or does anything
on a terminal, and no password of an address is in one, whichever package writes it.
"""

import logging
from textwrap import indent
from typing import Any

from launchkit.plain_text import visible, visible_line


class PlainLines(logging.Formatter):
    """Each record on one line; a traceback is indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The one line."""
        return visible_line(without_passwords(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """What went wrong, indented."""
        return indent(visible(without_passwords(super().formatException(ei))), "  ")

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        """Where it was, indented."""
        return indent(visible(stack_info), "  ")


def without_passwords(text: str) -> str:
    """A text in which no address has a password."""
    from launchkit.addresses import masked  # short commands write no line

    return masked(text)
