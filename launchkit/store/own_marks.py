"""Which commits of an SQLite file are this process's own, of which those who wait were told."""

from launchkit.store.wal import MARKS

FAR = 100_000
"""So many marks apart, a file is another one, or others have written much."""


class OwnMarks:
    """The marks that the commits of one open database have left. One thread adds, another asks."""

    def __init__(self) -> None:
        self._own: set[int] = set()
        self._seen: int | None = None

    def add(self, mark: int) -> None:
        """A commit with this mark is about to be made."""
        self._own.add(mark)

    def discard(self, mark: int) -> None:
        """It was not made."""
        self._own.discard(mark)

    def strange(self, now: int) -> bool:
        """Whether somebody else has written between the last look and the mark *now*."""
        last, self._seen = self._seen, now
        passed = 0 if last is None else (now - last) % MARKS
        if passed > FAR:
            self._own.clear()
            return True
        begin = now - passed
        marks = {(begin + number) % MARKS for number in range(1, passed + 1)}
        strange = not marks <= self._own
        self._own -= marks
        return strange
