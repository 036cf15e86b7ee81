"""What a suite takes for something that is left behind in the process, and what not."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from launchkit.testing.contracts import conduct
from launchkit.testing.contracts.conduct import ROUNDS, nothing_grows


class Opened:
    """Leaves one more open file each time, until there are enough."""

    def __init__(self, stack: ExitStack, path: Path, most: float) -> None:
        self.files = 0
        self._stack, self._path, self._most = stack, path, most

    async def __call__(self) -> None:
        if self.files < self._most:
            self._stack.enter_context(self._path.open("wb"))
            self.files += 1


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    monkeypatch.setattr(conduct, "SETTLE_SECONDS", 0.0)
    with ExitStack() as stack:
        yield stack


async def test_what_is_kept_for_the_next_time_is_no_leak(stack: ExitStack, tmp_path: Path) -> None:
    act = Opened(stack, tmp_path / "file", most=2 + ROUNDS)
    await nothing_grows(act, "an act")
    assert act.files == 2 + ROUNDS


async def test_what_is_left_each_time_is_told(stack: ExitStack, tmp_path: Path) -> None:
    act = Opened(stack, tmp_path / "file", most=float("inf"))
    with pytest.raises(pytest.fail.Exception, match=f"{ROUNDS} of it leave {ROUNDS} open files"):
        await nothing_grows(act, "an act")
