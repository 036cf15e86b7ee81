"""What is launchkit's own in a cluster, which no config may name: the Secrets of runs and builds,
of agents, and of Helm, which keeps all that a release was given in one; the service account of an
agent, which may read them; and claims of volumes, such as that of the queue's database.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from launchkit.written import unescaped
from launchkit_kubernetes.manifest.copying import below
from launchkit_kubernetes.manifest.names import OWN
from launchkit_kubernetes.manifest.patches import patched_keys
from launchkit_kubernetes.manifest.policy import is_free

NAMED = (
    "names a Secret of launchkit's own or of Helm's, or a service account or a claim of"
    " launchkit's own, which are for nobody's pods"
)
HINT = f"name one that begins neither with {OWN} nor with sh.helm.release"
_NAME = re.compile(rf"(?:(?<![\w/-])|(?<=\\[nrt])|(?<=pvc://))(?:{OWN}|sh\.helm\.release\b)")
"""Also behind white space that is escaped in a text, and as the claim of an address. See
https://helm.sh/docs/topics/advanced/#storage-backends."""
_WORD = re.compile(
    r"secret|service[-_]?account(?![-_]?token)|(?:persistent[-_]?volume[-_]?)?claim|pvc"
    r"|(?:persistent|data)[-_]?volume|volume[-_]?name",
    re.IGNORECASE,
)
_OF_KINDS = ("kind", "type")
"""Ends of keys that tell of what kind something is that is named beside them."""


def own_objects(
    value: Any, where: str, around: tuple[str, ...] = (), *, told: bool = False
) -> Iterator[str]:
    """The path of each key and text that names one: where a key on the way to it, or the text
    itself, tells that it is of Secrets, accounts or claims. *around* are the keys that lead there,
    and *told* says whether one of them does.
    """
    if isinstance(value, Mapping):
        told = told or _is_reference(value)
        for key, inner in value.items():
            of_key = told or bool(_WORD.search(key))
            if of_key and _NAME.search(unescaped(key)):
                yield below(where, key)
            yield from own_objects(inner, below(where, key), (*around, key), told=of_key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from own_objects(inner, f"{where}[{index}]", around, told=told)
    elif isinstance(value, str) and not is_free(around):
        text = unescaped(value)
        if _NAME.search(text) and (told or _WORD.search(text)):
            yield where


def _is_reference(value: Mapping[str, Any]) -> bool:
    """Whether something tells beside the name that it is of Secrets, accounts or claims, or is a
    step of a patch that leads to one.
    """
    kinds = (inner for key, inner in value.items() if key.casefold().endswith(_OF_KINDS))
    named = any(isinstance(kind, str) and _WORD.fullmatch(kind) for kind in kinds)
    return named or any(_WORD.search(key) for key in patched_keys(value))
