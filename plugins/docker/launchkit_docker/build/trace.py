"""What BuildKit tells of a build, read from the messages of its protocol.

Of `moby.buildkit.v1.StatusResponse` (control.proto of BuildKit) these fields are read: the steps
(vertexes) and what they print (logs). All others are skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 100_000
WIDTHS = {FIXED64: 8, FIXED32: 4}


@dataclass(frozen=True, kw_only=True)
class Step:
    """The state of a step: times are Unix times, and 0 is not yet."""

    key: str
    name: str = ""
    cached: bool = False
    started: float = 0.0
    completed: float = 0.0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A piece of what a step has printed."""

    key: str
    data: bytes


def read_trace(data: bytes) -> Iterator[Step | Printed]:
    """The news in one message. :raises ValueError: if it is not such a message."""
    for number, _, inner in _fields(data):
        if number == 1:
            yield _step(inner)
        elif number == 3:
            yield _printed(inner)


def _step(data: bytes) -> Step:
    numbers, texts = _message(data)
    return Step(
        key=texts.get(1, b"").decode(errors="replace"),
        name=texts.get(3, b"").decode(errors="replace"),
        cached=bool(numbers.get(4)),
        started=_time(texts.get(5, b"")),
        completed=_time(texts.get(6, b"")),
        error=texts.get(7, b"").decode(errors="replace"),
    )


def _printed(data: bytes) -> Printed:
    _, texts = _message(data)
    return Printed(key=texts.get(1, b"").decode(errors="replace"), data=texts.get(4, b""))


def _time(data: bytes) -> float:
    seconds_and_nanos, _ = _message(data)
    return seconds_and_nanos.get(1, 0) + seconds_and_nanos.get(2, 0) / 1e9


def _message(data: bytes) -> tuple[dict[int, int], dict[int, bytes]]:
    """The fields that are numbers, and the others; the last of each counts."""
    numbers, texts = {}, {}
    for field, number, text in _fields(data):
        numbers[field], texts[field] = number, text
    return numbers, texts


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each field, in the wire format of protocol buffers: its own number, and as what it holds
    a number or, if that is 0, a text or another message.
    """
    at = count = 0
    while at < len(data):
        count += 1
        if count > MOST_FIELDS:
            raise ValueError(f"the message has more than {MOST_FIELDS} fields")
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number, b""
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in WIDTHS:
            size = WIDTHS[kind]
        else:
            raise ValueError(f"there are no fields of kind {kind}")
        if at + size > len(data):
            raise ValueError("the message ends within a field")
        yield key >> 3, 0, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number does not end")
