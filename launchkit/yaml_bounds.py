"""What a YAML text may hold, looked at before anything is made of it: in time and memory that its
length bounds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from launchkit.codec import MAX_DEPTH
from launchkit.errors import ConfigError

MOST_CHARACTERS = 1_000_000
MOST_VALUES = 10_000
"""Keys and values, each alias counted as all that it stands for."""
MOST_DIGITS = 100
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, ten times as fast, wherever PyYAML was built with it. It crashes on what is
nested very deep: all that it loads goes through `check_bounds` first.
"""
SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass
class _Count:
    """What was seen so far of a text."""

    values: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    """How many values each anchor stands for, once it is complete."""
    open: list[tuple[str | None, int]] = field(default_factory=list)
    """The collections around: the anchor of each, and what was counted before it."""

    def take(self, event: yaml.Event) -> str | None:
        """Count one event; gives what is wrong with it."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:
                return f"*{event.anchor} stands for something that it is a part of, or for nothing"
            self.values += self.sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.values))
            self.values += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self.open.pop()
            if anchor is not None:
                self.sizes[anchor] = self.values - before
        elif isinstance(event, yaml.ScalarEvent):
            self.values += 1
            if event.anchor is not None:
                self.sizes[event.anchor] = 1
            return _number_problem(event) or self._bound_problem()
        elif isinstance(event, yaml.DocumentStartEvent):
            self.sizes.clear()
        return self._bound_problem()

    def _bound_problem(self) -> str | None:
        if len(self.open) > MAX_DEPTH:
            return f"is nested too deep: {MAX_DEPTH} levels are allowed"
        if self.values > MOST_VALUES:
            return f"has more than {MOST_VALUES} values, with all that its aliases stand for"
        return None


def check_bounds(text: str, source: str) -> None:
    """:raises ConfigError: if *text* is too large, too deep, or becomes so; with *source* and line.
    :raises yaml.YAMLError: if it is not well-formed.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"{source}: has more than {MOST_CHARACTERS} characters")
    count = _Count()
    for event in yaml.parse(text, Loader=SafeLoader):
        if problem := count.take(event):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{source}:{line}: {problem}")


def _number_problem(event: yaml.ScalarEvent) -> str | None:
    """Numbers take more than linear time to read: those of so many digits are none."""
    if event.style or len(event.value) <= MOST_DIGITS:
        return None
    resolve: Callable[..., str] = _RESOLVER.resolve
    if resolve(yaml.ScalarNode, event.value, (True, False)) not in _NUMBERS:
        return None
    return f"a number of {len(event.value)} digits; put it into quotes to make it text"


_RESOLVER = yaml.resolver.Resolver()
