"""The texts of a config that an operator may read as data, looked through within bounds."""

from dataclasses import dataclass

from launchkit.errors import ConfigError
from launchkit.written import may_be_data, structures
from launchkit_kubernetes.manifest.copying import values_in

MOST_NESTED = 4
"""No operator's text has more texts in it, each in the one before."""
MOST_TEXTS = 1_000
"""Of a config: to begin with one of YAML takes as long as many of its values."""
MOST_CHARACTERS = 500_000
"""Of all of them, those of a text in another counted with both."""
MOST_VALUES = 10_000


@dataclass
class DataTexts:
    """Those of one config, which are counted together."""

    texts: int = 0
    characters: int = 0
    values: int = 0

    def structures(self, text: str, level: int) -> list[object]:
        """The mappings and lists that a text is; *level* is the number of texts around it.

        :raises ConfigError: if it is too much to be looked at, alone or with those before it.
        """
        if not may_be_data(text):
            return []
        self.texts += 1
        self.characters += len(text)
        self._check()
        found = [*structures(text)]
        if found and level >= MOST_NESTED:
            raise ConfigError(f"no more than {MOST_NESTED} texts may be data within each other")
        for data in found:
            self.values += values_in(data, MOST_VALUES)
            self._check()
        return found

    def _check(self) -> None:
        for number, most, what in (
            (self.texts, MOST_TEXTS, "texts that may be data"),
            (self.characters, MOST_CHARACTERS, "characters in texts that may be data"),
            (self.values, MOST_VALUES, "values in texts that are data"),
        ):
            if number > most:
                raise ConfigError(f"a config may have no more than {most} {what}")
