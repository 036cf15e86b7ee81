"""YAML that others read, as whoever reads it may: Go's libraries and those of Java refuse less than
PyYAML does.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from launchkit.written import mapping
from launchkit.yaml_bounds import bounded_events

BINARY = "tag:yaml.org,2002:binary"
"""Whose text is base64, also of a key. No other tag makes a difference, and no number is read."""


def yaml_data(text: str) -> tuple[list[object], bool]:
    """The documents of a text as far as it has no fault, and whether it has none: who reads the
    first one alone heeds no fault behind it.

    :raises ConfigError: if it is too large, or nested too deep, to be looked at.
    """
    found: list[object] = []
    reading = _Reading(bounded_events(text, "a text"))
    try:
        found.extend(reading.documents())
    except yaml.YAMLError:
        return found, False
    return found, True


@dataclass
class _Reading:
    """Of the events of one text."""

    events: Iterator[Any]
    anchors: dict[str, object] = field(default_factory=dict)
    """What each stands for: where two have one name, the one that began last."""

    def documents(self) -> Iterator[object]:
        """Each as plain data."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
                yield self._value(next(self.events))

    def _value(self, event: Any) -> object:
        if isinstance(event, yaml.AliasEvent):
            return self.anchors[str(event.anchor)]
        self.anchors.pop(event.anchor, None)
        made = self._made(event)
        if event.anchor is not None:
            self.anchors.setdefault(event.anchor, made)
        return made

    def _made(self, event: Any) -> object:
        if isinstance(event, yaml.MappingStartEvent):
            return mapping(self._pairs())
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(one) for one in self._until(yaml.SequenceEndEvent)]
        return _unpacked(event.value) if event.tag == BINARY else event.value

    def _pairs(self) -> Iterator[tuple[str, object]]:
        for key in self._until(yaml.MappingEndEvent):
            yield str(self._value(key)), self._value(next(self.events))

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        while not isinstance(event := next(self.events), end):
            yield event


def _unpacked(text: str) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except (binascii.Error, ValueError):
        return text
