"""Environment variables as a queue config writes them, in the manner of `docker run --env`."""

import re
from collections.abc import Collection, Iterator, Mapping

from launchkit.codec import Path, dotted
from launchkit.errors import Rejected

CREDENTIALS = frozenset({"LAUNCHKIT_TOKEN", "LAUNCHKIT_TOKEN_FILE"})
"""What the agent proves itself with: no policy gives it to a run."""
_NAME = re.compile(r"[ -<>-~]+")
SHORTEST_PROOF = 8
"""Characters of a credential that is looked for in other values."""


def without_credentials(
    env: Mapping[str, str], environ: Mapping[str, str], more: Collection[str] = ()
) -> dict[str, str]:
    """Variables without those that have what the agent proves itself with: by their names, and,
    under whatever name, by the token in its own environment, *environ*, and *more* such values.
    """
    proofs = {environ.get("LAUNCHKIT_TOKEN", "").strip(), *map(str.__str__, more)}
    long = [proof for proof in proofs if len(proof) >= SHORTEST_PROOF]
    return {
        name: value
        for name, value in env.items()
        if name not in CREDENTIALS and not any(proof in value for proof in long)
    }


def is_variable_name(name: str) -> bool:
    """Whether a variable may be called so: printable ASCII without `=`, as Kubernetes has it, so
    that two that look alike are one.
    """
    return _NAME.fullmatch(name) is not None


def parse_env(value: object, path: Path) -> dict[Path, tuple[str, str | None]]:
    """Read a mapping `{NAME: value}`, a list of `NAME=value`, or one such text.

    Gives name and value of each entry by the path where it stands. A name without a value (None
    in a mapping) stands for the agent's own value of that variable.

    :raises Rejected: naming each entry that has another shape.
    """
    found: dict[Path, tuple[str, str | None]] = {}
    problems: list[str] = []
    for where, entry in _entries(value, path):
        if entry is None:
            problems.append(f"{dotted(where)}: must be NAME=value, or a mapping of names to values")
        elif not entry[0]:
            problems.append(f"{dotted(where)}: a variable needs a name")
        elif not is_variable_name(str(entry[0])):
            problems.append(f"{dotted(where)}: {entry[0]!r} cannot be the name of a variable")
        else:
            found[where] = entry
    if problems:
        raise Rejected("\n".join(problems))
    return found


def _entries(value: object, path: Path) -> Iterator[tuple[Path, tuple[str, str | None] | None]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (*path, name), _named(name, inner)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield (*path, index), _split(item)
    elif value is not None:
        yield path, _split(value)


def _named(name: str, value: object) -> tuple[str, str | None] | None:
    if isinstance(value, bool):
        return name, "true" if value else "false"
    if isinstance(value, str | int | float):
        return name, str(value)
    return (name, None) if value is None else None


def _split(item: object) -> tuple[str, str | None] | None:
    if not isinstance(item, str):
        return None
    name, equals, value = item.partition("=")
    return name, value if equals else None
