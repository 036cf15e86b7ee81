"""Environments are the cloud, or the plain machine, that an agent works in."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from launchkit.abc.component import Component, Finding
from launchkit.model import Secret


class Environment(Component):
    """A cloud account, or a plain machine."""

    seam: ClassVar[str] = "environment"

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        """The files in which programs of the cloud keep what proves who the agent's user is, and
        what each holds: `launchkit doctor` looks at them wherever this class is installed. A file
        need not be there.
        """
        return {}

    @abstractmethod
    async def upload(self, source: Path, uri: str) -> None:
        """Copy a file to object storage, in place of what is there. Whoever reads meanwhile, or
        after this was cancelled, gets all of the old or all of the new.

        :raises LaunchError: if the file cannot be read, or *uri* is not in this storage; names it.
        """

    def variables(self) -> Mapping[str, str]:
        """Variables by which programs of the cloud that run elsewhere find this place, such as its
        region; no secrets. Pure, once it has started.
        """
        return {}

    async def link(self, uri: str, seconds: float) -> Secret | None:
        """An address under which whoever has it may read the file at *uri* for so many seconds, by
        a plain GET; None: programs of the cloud that run elsewhere read *uri* by themselves.

        :raises LaunchError: if *uri* is not in this storage, or it gives no such address.
        """
        return None

    async def check_store(self, uri: str) -> Sequence[Finding]:
        """Look whether files can be put below *uri*; read-only."""
        return ()

    async def remove(self, uri: str) -> None:
        """Remove a file that was uploaded; none is no error. A storage that cannot do it leaves
        that to rules of its owner.

        :raises LaunchError: if *uri* is not in this storage, or it does not answer; names it.
        """
