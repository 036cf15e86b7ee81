"""Packages whose names are imported when they are first asked for."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def names_on_demand(package: str, homes: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """The `__getattr__` of *package*: *homes* are its modules, with the names that each has."""
    home_of = {name: home for home, names in homes.items() for name in names}

    def found(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return found
