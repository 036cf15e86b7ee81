"""What launchkit says itself to the containers of a run, taken out of what a config says, in
whatever container or field of an operator it says it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launchkit.errors import ConfigError, Rejected
from launchkit_kubernetes.manifest.copying import below, copied
from launchkit_kubernetes.manifest.data_texts import DataTexts
from launchkit_kubernetes.manifest.patches import patched, patched_keys
from launchkit_kubernetes.manifest.policy import is_free

_IN_ENTRY = re.compile(r"""\benv["']?\s*+:\s*+["']?(\w+)""")
"""A variable in an entry of Flink's `kubernetes.env.secretKeyRef`: `env:NAME,secret:a,key:b`. See
https://nightlies.apache.org/flink/flink-docs-stable/docs/deployment/config/#kubernetes."""

_PARTS = re.compile("[./]")
_BLIND = re.compile(r"/env(?:/[0-9]+(?:/|$)|From(?:/|$))")
"""Where a patch changes a variable that has no name in it, or takes many as a whole."""
_PATCHED = "a variable that launchkit alone says, or of one that is not named in it"
_HINT = "leave out LAUNCHKIT_AUTHOR and the like: launchkit says them itself"


@dataclass(frozen=True)
class OwnVariables:
    """Takes variables out of all parts of one config."""

    is_own: Callable[[str], bool]
    """Whether a variable of that name is launchkit's own."""
    texts: DataTexts = field(default_factory=DataTexts)
    level: int = 0
    """The number of texts around."""

    def without(self, value: Any, where: str, around: tuple[str, ...] = ()) -> Any:
        """A copy without variables that are launchkit's own: what has such a `name`, and keys that
        are one, or have one between dots, as Spark has them, or slashes. *around* are the keys that
        lead there.

        :raises Rejected: if a patch says one, or a text that is JSON, YAML or a list of Flink's:
            such are an operator's to read.
        """
        if isinstance(value, Mapping):
            kept = {
                key: self.without(inner, below(where, key), (*around, key))
                for key, inner in value.items()
                if not (self._is_named(inner) or any(map(self.is_own, _PARTS.split(key))))
            }
            if self._is_patched(value, kept):
                raise Rejected(f"{where}: a patch of {_PATCHED}", hint=_HINT)
            return kept
        if isinstance(value, list):
            return [
                self.without(one, f"{where}[{index}]", around)
                for index, one in enumerate(value)
                if not self._is_named(one)
            ]
        if isinstance(value, str) and not is_free(around) and self._says(value, around):
            raise Rejected(
                f"{where}: a text in which a variable stands that launchkit alone says, or whole"
                " Secrets of variables, or which is too large to be looked through",
                hint=_HINT,
            )
        return value

    def _is_named(self, value: Any) -> bool:
        """Whether something is a variable that is one of them."""
        if not isinstance(value, Mapping):
            return False
        return any(self.is_own(str(one)) for key, one in value.items() if key.casefold() == "name")

    def _is_patched(self, step: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
        """Whether a step of a JSON patch sets one of them, or one of which nobody sees here which
        it is. *kept* is what may stay of the step.
        """
        keys = patched_keys(step)
        if not keys:
            return False
        is_own = any(self.is_own(part) for key in keys for part in _PARTS.split(key))
        is_named = self._is_named(patched(step, keys))
        is_blind = bool(_BLIND.search(step["path"]))
        return is_own or is_named or is_blind or kept.get("value") != step.get("value")

    def _says(self, text: str, around: tuple[str, ...]) -> bool:
        """Whether it is data with one of them, or too much of it to be looked through."""
        if any(self.is_own(name) for name in _IN_ENTRY.findall(text)):
            return True
        problems: list[str] = []
        inside = replace(self, level=self.level + 1)
        try:
            found = self.texts.structures(text, self.level)
            data = [copied(one, "", problems) for one in found]
            return bool(problems) or any(
                any(taken_whole(one)) or inside.without(one, "", around) != one for one in data
            )
        except (ConfigError, Rejected):
            return True


def taken_whole(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever has all of a Secret or a ConfigMap as its variables, wherever it stands."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and value.get("envFrom"):
        yield value
    for one in inner:
        yield from taken_whole(one)
