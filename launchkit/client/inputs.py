"""What scripts give to the client, as it is meant: a command as a shell writes it, a path, a number
where a text is wanted. Everything else is refused with the parameter's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike, fspath
from typing import TypeAlias

from launchkit.codec import Path as KeyPath
from launchkit.codec import decode, dotted
from launchkit.document import require_plain
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Env, Json, Priority, Scalar, Timeouts, Variable
from launchkit.plain_text import shortened
from launchkit.resolving.variables import parse_variables
from launchkit.shell_words import split_line

MOST_SHOWN = 200
"""Characters of what is refused."""
Text: TypeAlias = str | PathLike[str] | int | float
"""A text, or what is one when it is written out."""
Words: TypeAlias = str | Sequence[Text]
"""The words of a command: a list, or one text as a shell splits it."""


def text(value: object, name: str) -> str:
    """A text. :raises Rejected: if *value* is not meant as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    written = fspath(value) if isinstance(value, str | PathLike) else None
    if not isinstance(written, str):
        raise _refused(name, "a text", value)
    return written


def optional_text(value: object, name: str) -> str | None:
    """A text, or None. :raises Rejected: if *value* is neither."""
    return None if value is None else text(value, name)


def words(value: object, name: str) -> tuple[str, ...] | None:
    """The words of a command. :raises Rejected: if *value* is not meant as one."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return tuple(split_line(value))
        except ValueError as exc:
            raise Rejected(f"{name}: {shortened(repr(value), MOST_SHOWN)}: {exc}") from exc
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise _refused(name, "a list of words, or one text as a shell writes it", value)
    return tuple(text(word, f"{name}[{number}]") for number, word in enumerate(value))


def variables_of_env(value: object) -> Env:
    """Environment variables. :raises Rejected: if *value* is no mapping of names to texts."""
    return {
        name: optional_text(inner, f"env.{name}") for name, inner in _mapping(value, "env").items()
    }


def json_mapping(value: object, name: str) -> Json:
    """Values that JSON can hold. :raises Rejected: naming the first one that it cannot."""
    found = _mapping(value, name)

    def locate(path: KeyPath) -> str:
        return dotted((name, *path))

    try:
        require_plain(_listed(found), locate)
    except ConfigError as exc:
        raise Rejected(exc.message, hint="give texts, numbers, lists and mappings") from exc
    return found


def scalars(value: object, name: str) -> Mapping[str, Scalar]:
    """Values of template variables. :raises Rejected: if one is no text and no number."""
    found: dict[str, Scalar] = {}
    for key, inner in _mapping(value, name).items():
        if isinstance(inner, bool) or not isinstance(inner, str | int | float):
            raise _refused(f"{name}.{key}", "a text or a number", inner)
        found[key] = inner
    return found


def priority_of(value: object) -> Priority | None:
    """A priority, of its word or number too. :raises Rejected: if *value* is none."""
    if value is None or isinstance(value, Priority):
        return value
    try:
        return read_priority(value)
    except ValueError as exc:
        raise Rejected(f"priority: {exc}, not {value!r}") from exc


def read_priority(value: object) -> Priority:
    """A priority of its word or number. :raises ValueError: if it is neither."""
    written = str(value).upper()
    if written in Priority.__members__:
        return Priority[written]
    if written in {str(int(level)) for level in Priority}:
        return Priority(int(written))
    levels = ", ".join(level.name.lower() for level in Priority)
    raise ValueError(f"must be one of {levels}, or 0 to 3")


def seconds(value: object, name: str) -> float | None:
    """A span of time, or None. :raises Rejected: if it is no number of seconds."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name, "a number of seconds", value)
    return value


def timeouts_of(value: object) -> Timeouts:
    """Time limits, also as a mapping. :raises Rejected: if they are no numbers of seconds."""
    given = {} if value is None else asdict(value) if isinstance(value, Timeouts) else value
    try:
        return decode(
            Timeouts, _mapping(given, "timeouts"), lambda path: dotted(("timeouts", *path))
        )
    except ConfigError as exc:
        raise Rejected(exc.message, hint="give seconds, or 0 for no limit") from exc


def definitions(value: object) -> Mapping[str, Variable]:
    """Template variables, also as plain mappings.

    :raises ConfigError: if one is malformed.
    :raises Rejected: if they are no mapping.
    """
    found = _mapping(value, "variables")
    raw = {name: one for name, one in found.items() if not isinstance(one, Variable)}
    read = parse_variables(raw, lambda path: dotted(("variables", *path))) if raw else {}
    return {name: one if isinstance(one, Variable) else read[name] for name, one in found.items()}


def _mapping(value: object, name: str) -> Mapping[str, object]:
    found = {} if value is None else value
    if not isinstance(found, Mapping):
        raise _refused(name, "a mapping of names to values", value)
    for key in found:
        if not isinstance(key, str):
            raise _refused(name, "a mapping whose keys are texts", key)
    return found


def _listed(value: object) -> object:
    """The same with plain lists and mappings."""
    if isinstance(value, Mapping):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value


def _refused(name: str, wanted: str, value: object) -> Rejected:
    return Rejected(f"{name}: must be {wanted}, not {value!r:.80}")
