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
from launchkit_kubernetes.manifest.policy import is_free

_IN_ENTRY = re.compile(r"""\benv["']?\s*+:\s*+["']?(\w+)""")
"""A variable in an entry of Flink's `kubernetes.env.secretKeyRef`: `env:NAME,secret:a,key:b`. See
https://nightlies.apache.org/flink/flink-docs-stable/docs/deployment/config/#kubernetes."""

_PARTS = re.compile("[./]")


@dataclass(frozen=True)
class OwnVariables:
    """Takes variables out of all parts of one config."""

    is_own: Callable[[str], bool]
    """Whether a variable of that name is launchkit's own."""
    texts: DataTexts = field(default_factory=DataTexts)
    level: int = 0
    """The number of texts around."""

    def without(self, value: Any, where: str, around: tuple[str, ...] = ()) -> Any:
        """A copy without variables that are launchkit's own: items of lists that have such a
        `name`, and keys that are one, or have one between dots, as Spark has them, or slashes.
        *around* are the keys that lead there.

        :raises Rejected: if a text that is JSON, YAML or a list of Flink's says one: such are an
            operator's to read.
        """
        if isinstance(value, Mapping):
            return {
                key: self.without(inner, below(where, key), (*around, key))
                for key, inner in value.items()
                if not any(map(self.is_own, _PARTS.split(key)))
            }
        if isinstance(value, list):
            return [
                self.without(one, f"{where}[{index}]", around)
                for index, one in enumerate(value)
                if not (isinstance(one, Mapping) and self.is_own(str(one.get("name"))))
            ]
        if isinstance(value, str) and not is_free(around) and self._says(value, around):
            raise Rejected(
                f"{where}: a text in which a variable stands that launchkit alone says, or which is"
                " too large to be looked through",
                hint="leave out LAUNCHKIT_AUTHOR and the like: launchkit says them itself",
            )
        return value

    def _says(self, text: str, around: tuple[str, ...]) -> bool:
        """Whether it is data with one of them, or too much of it to be looked through."""
        if any(self.is_own(name) for name in _IN_ENTRY.findall(text)):
            return True
        problems: list[str] = []
        inside = replace(self, level=self.level + 1)
        try:
            found = self.texts.structures(text, self.level)
            data = [copied(one, "", problems) for one in found]
            return bool(problems) or any(inside.without(one, "", around) != one for one in data)
        except (ConfigError, Rejected):
            return True


def taken_whole(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever has all of a Secret or a ConfigMap as its variables, wherever it stands."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and value.get("envFrom"):
        yield value
    for one in inner:
        yield from taken_whole(one)
