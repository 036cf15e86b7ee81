"""What a runner is asked to run while it is tested, and how the infrastructure is looked at."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from launchkit.model import Submission


class Workload(ABC):
    """Makes submissions for one runner. Each has a launch of its own, and its name."""

    @abstractmethod
    def exits(self, code: int) -> Submission:
        """Ends by itself with that exit code."""

    @abstractmethod
    def waits(self) -> Submission:
        """Runs until it is cancelled, and ends when told politely."""

    @abstractmethod
    def prints(self, text: str) -> Submission:
        """Prints exactly *text*, then ends well."""

    @abstractmethod
    async def starts(self, submission: Submission) -> int:
        """How many times the infrastructure was made to start it."""

    @abstractmethod
    async def traces(self, submission: Submission) -> Sequence[str]:
        """What the infrastructure still has of it: processes, directories, pods, …"""

    @abstractmethod
    async def exposed(self, submission: Submission) -> bytes:
        """All that others could read of it while it runs: files, argument lists, manifests. The
        environment of its own processes and proper secret stores do not count.
        """

    def shell(self, script: str) -> Submission | None:
        """Runs *script* with a POSIX shell. None: where this runner's runs are, there is none, and
        what only a program can show is not looked at.
        """
        return None

    async def alive(self, submission: Submission) -> Sequence[str]:
        """The processes, containers or pods of it that run at this moment, seen without the help
        of the runner. Without it, a runner that only says that a run is gone is believed.
        """
        return ()
