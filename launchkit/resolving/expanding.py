"""Where a runner's platform puts variables of the container in the place of `$(NAME)`."""

from collections.abc import Callable

from launchkit.abc import Runner
from launchkit.codec import Path
from launchkit.resolving.nested import flat, is_below


def expands(runner: type[Runner]) -> Callable[[Path], bool]:
    """Tells of each place in resource arguments whether it does so there."""
    ways = [tuple(map(flat, way)) for way in runner.literal_ways]

    def is_expanded(path: Path) -> bool:
        if not is_below(path, runner.expanding_keys):
            return False
        keys = tuple(flat(key) for key in path if isinstance(key, str))
        return not any(way == keys[at : at + len(way)] for way in ways for at in range(len(keys)))

    return is_expanded
