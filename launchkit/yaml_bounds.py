"""What a YAML text may hold, looked at before anything is made of it: in time and memory that its
length bounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from launchkit.codec import MAX_DEPTH
from launchkit.errors import ConfigError

MOST_CHARACTERS = 1_000_000
"""Of the text, and of its values and tags, each alias counted as all that it stands for."""
MOST_VALUES = 10_000
"""Keys and values, each alias counted as all that it stands for."""
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, ten times as fast, wherever PyYAML was built with it. It crashes on what is
nested very deep: all that it loads goes through `check_bounds` first.
"""
SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass
class _Count:
    """What was seen so far of a text."""

    values: int = 0
    characters: int = 0
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """How many values and characters each anchor stands for, once it is complete."""
    open: list[tuple[str | None, int, int]] = field(default_factory=list)
    """The collections around: the anchor of each, and what was counted before it."""

    def take(self, event: yaml.Event) -> str | None:
        """Count one event; gives what is wrong with it."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:
                return (  # the text may be a password
                    "what begins with * stands for something that it is a part of, or for nothing;"
                    " put it into quotes to make it text"
                )
            self._add(*self.sizes[event.anchor])
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.values, self.characters))
            self._add(1, len(event.tag or ""))
            self.sizes.pop(event.anchor or "", None)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, values, characters = self.open.pop()
            if anchor is not None:
                size = (self.values - values, self.characters - characters)
                self.sizes.setdefault(anchor, size)  # unless one in it has taken its name
        elif isinstance(event, yaml.ScalarEvent):
            size = (1, len(event.value) + len(event.tag or ""))
            self._add(*size)
            if event.anchor is not None:
                self.sizes[event.anchor] = size
        elif isinstance(event, yaml.DocumentStartEvent):
            self.sizes.clear()
        return self._problem()

    def _add(self, values: int, characters: int) -> None:
        self.values += values
        self.characters += characters

    def _problem(self) -> str | None:
        if len(self.open) > MAX_DEPTH:
            return f"is nested too deep: {MAX_DEPTH} levels are allowed"
        if self.values > MOST_VALUES:
            return f"has more than {MOST_VALUES} values, with all that its aliases stand for"
        if self.characters > MOST_CHARACTERS:
            return (
                f"has more than {MOST_CHARACTERS} characters, with all that its aliases stand for"
            )
        return None


def check_bounds(text: str, source: str) -> None:
    """:raises ConfigError: if *text* is too large, too deep, or becomes so; with *source* and line.
    :raises yaml.YAMLError: if it is not well-formed.
    """
    for _ in bounded_events(text, source):
        pass


def bounded_events(text: str, source: str) -> Iterator[yaml.Event]:
    """What a text is made of, as long as it stays within bounds; raises as `check_bounds` does.
    Each alias in it is that of an anchor of its document that is complete.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"{source}: has more than {MOST_CHARACTERS} characters")
    count = _Count()
    for event in yaml.parse(text, Loader=SafeLoader):
        if problem := count.take(event):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{source}:{line}: {problem}")
        yield event
