"""Fetchers bring the code of a source to a directory."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from launchkit.abc.component import Component
from launchkit.model import Source


class Fetcher(Component):
    """Brings one kind of source; `kind` is the source's."""

    seam: ClassVar[str] = "fetcher"

    @abstractmethod
    async def fetch(self, source: Source, into: Path) -> None:
        """Put the code into *into*, which exists and is empty: all of it, as it is, and for the
        caller alone. No link in it is followed out of it. It may be called for several sources at
        once, and again after it was cancelled or has failed.

        :raises FetchError: if it cannot be had now, or the source is of another kind. No password
            in a source is told.
        """

    async def pin(self, source: Source) -> Source:
        """The same source such that it means the same for ever, for example with its commit.

        :raises Rejected: if it names nothing.
        :raises FetchError: if it cannot be asked for.
        """
        return source
