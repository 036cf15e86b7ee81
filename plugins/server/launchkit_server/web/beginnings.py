"""As much of a document as a page shows: to write it as YAML takes long."""

from collections.abc import Iterator, Mapping
from typing import Any

MORE = "…"
ENTRY = 10
"""What an entry costs beside its letters, in characters."""


class Beginning:
    """Takes documents, one after the other, until they are as long as *characters*."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def of(self, value: Any) -> Any:
        """The same value, or the beginning of it, with `…` for what is left out."""
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.of(inner) for key, inner in self._items(value)}
        if isinstance(value, list):
            return [self.of(inner) for inner in self._entries(value)]
        return self._text(value) if isinstance(value, str) else value

    def _items(self, value: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
        for key in self._entries([*value]):
            yield key, value.get(key, MORE)

    def _entries(self, values: list[Any]) -> Iterator[Any]:
        for value in values:
            if self._left <= 0:
                yield MORE
                return
            self._left -= ENTRY
            yield value

    def _text(self, text: str) -> str:
        """Of a text that is too long the beginning and the end."""
        half = max(self._left, ENTRY) // 2
        self._left -= len(text)
        return text if len(text) <= 2 * half else f"{text[:half]} {MORE} {text[-half:]}"
