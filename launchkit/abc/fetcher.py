"""Fetchers bring the code of a source to a directory."""

from abc import abstractmethod
from pathlib import Path

from launchkit.abc.component import Component
from launchkit.model import Source


class Fetcher(Component):
    """Brings one kind of source; `kind` is the source's."""

    @abstractmethod
    async def fetch(self, source: Source, into: Path) -> None:
        """Put the code into *into*, which exists and is empty.

        :raises FetchError: if it cannot be had.
        """
