"""Where a platform puts variables of a container in the place of `$(NAME)`."""

from collections.abc import Collection, Iterable

from launchkit.resolving.may_set import flat


def expands(path: Iterable[object], keys: Collection[str]) -> bool:
    """Whether a path leads below one of the *keys* that a runner declares, in whatever spelling:
    runners and operators take several.
    """
    if not keys:
        return False
    known = {*map(flat, keys)}
    return any(isinstance(key, str) and flat(key) in known for key in path)
