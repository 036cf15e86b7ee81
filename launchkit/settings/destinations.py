"""Where images go: a builder's destination, as the registry reads it that it is in."""

from dataclasses import dataclass

from launchkit.abc import Registry
from launchkit.codec import dotted
from launchkit.errors import ConfigError, PluginError
from launchkit.plugins import Plugins
from launchkit.settings.images import image_repository


@dataclass(frozen=True)
class Destination:
    """A destination that was read."""

    repository: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_destination(given: str, plugins: Plugins, where: str, *, alone: bool) -> Destination:
    """What a destination says that stands at *where*; *alone*, it stands for its registry too."""
    plain = given.removeprefix("https://").rstrip("/")
    failures: list[PluginError] = []
    try:
        cls = registry_for(plain, plugins, failures)
        read = cls.repository_of(plain) if cls else plain
    except PluginError as exc:
        text = "; ".join(part for part in (exc.message, exc.hint) if part)
        return Destination(plain, problems=(f"{where}: {text}",) if alone else ())
    except ValueError as exc:
        from launchkit.addresses import masked_value

        return Destination(plain, problems=(f"{where}: {exc}, not {masked_value(given)!r}",))
    notes = [exc.message for exc in failures]
    if read != plain:
        notes.append(f"{where}: read as {read}")
    problems = _implied_problems(cls, read, where) if cls and alone else ()
    return Destination(read, problems, tuple(notes))


def registry_for(
    repository: str, plugins: Plugins, failures: list[PluginError] | None = None
) -> type[Registry] | None:
    """The class of the registry that a repository is in, as its host tells, or one that stands in
    for all others. A class that cannot tell is passed over; *failures* takes why.

    :raises PluginError: if two answer for it.
    """
    classes = plugins.kinds(Registry)
    found: list[type[Registry]] = []
    for cls in classes:
        try:
            found += [cls] if cls.answers_for(repository) else []
        except PluginError as exc:
            if failures is not None:
                failures.append(exc)
    if len(found) > 1:
        homes = " and ".join(f"{cls.kind} of {cls.offered_by}" for cls in found)
        raise PluginError(
            f"{repository}: more than one registry answers for it, {homes}",
            hint="name the one that is meant under `registry`",
        )
    return found[0] if found else next((cls for cls in classes if cls.any_host), None)


def _implied_problems(cls: type[Registry], uri: str, where: str) -> tuple[str, ...]:
    """What is wrong with the registry that a destination alone makes."""
    try:
        image_repository(uri)
    except ValueError:
        return ()  # is told of the destination itself
    place = f"{where}: stands for registry {cls.kind}"
    try:
        cls.configured({"uri": uri}, lambda path: f"{place}: {dotted(path)}")
    except ConfigError as exc:
        return tuple(exc.message.splitlines())
    except PluginError as exc:
        return (f"{place}: {exc.message}",)
    return ()
