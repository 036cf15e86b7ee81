"""What launchkit says itself to the containers of a run, taken out of what a config says, in
whatever container or field of an operator it says it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from launchkit.errors import ConfigError, Rejected
from launchkit.written import structures
from launchkit_kubernetes.manifest.copying import below, copied
from launchkit_kubernetes.manifest.policy import is_free

MAX_TEXTS = 4
"""No operator's text has more texts in it, each in the one before."""


def without_own(
    value: Any,
    where: str,
    is_own: Callable[[str], bool],
    around: tuple[str, ...] = (),
    texts: int = MAX_TEXTS,
) -> Any:
    """A copy without variables that are launchkit's own: items of lists that have such a `name`,
    and keys that are one, or end in one behind a dot, as Spark has them. *around* are the keys
    that lead there, and so many *texts* may stand in each other.

    :raises Rejected: if a text that is JSON or YAML says one: such are an operator's to read.
    """
    if isinstance(value, Mapping):
        return {
            key: without_own(inner, below(where, key), is_own, (*around, key), texts)
            for key, inner in value.items()
            if not is_own(key.rpartition(".")[2])
        }
    if isinstance(value, list):
        return [
            without_own(one, f"{where}[{index}]", is_own, around, texts)
            for index, one in enumerate(value)
            if not (isinstance(one, Mapping) and is_own(str(one.get("name"))))
        ]
    if isinstance(value, str) and not is_free(around) and _says(value, is_own, around, texts):
        raise Rejected(
            f"{where}: a text in which a variable stands that launchkit alone says, or which is too"
            " large to be looked through",
            hint="leave out LAUNCHKIT_AUTHOR and the like: launchkit says them itself",
        )
    return value


def taken_whole(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever has all of a Secret or a ConfigMap as its variables, wherever it stands."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and value.get("envFrom"):
        yield value
    for one in inner:
        yield from taken_whole(one)


def _says(text: str, is_own: Callable[[str], bool], around: tuple[str, ...], texts: int) -> bool:
    """Whether it is a structure with one of them, or one that is too large to be looked through."""
    problems: list[str] = []
    try:
        found = [copied(one, "", problems) for one in structures(text)]
        if found and not texts:
            return True
        return bool(problems) or any(
            without_own(one, "", is_own, around, texts - 1) != one for one in found
        )
    except (ConfigError, Rejected):
        return True
