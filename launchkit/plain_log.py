"""Log lines that are lines: nothing that others wrote looks like one of its own, or does anything
on a terminal.
"""

import logging
from textwrap import indent
from typing import Any

from launchkit.plain_text import visible, visible_line


class PlainLines(logging.Formatter):
    """Each record on one line; a traceback is indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The one line."""
        return visible_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """What went wrong, indented."""
        return indent(visible(super().formatException(ei)), "  ")

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        """Where it was, indented."""
        return indent(visible(stack_info), "  ")
