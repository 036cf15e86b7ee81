"""A clock that stands still until a test moves it."""


class VirtualClock:
    """Gives Unix time in seconds, as `time.time` does."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on; a negative number sets the clock back."""
        self.now += seconds
