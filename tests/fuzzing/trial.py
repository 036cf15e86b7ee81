"""Tries a parser on many texts: each ends in a value or in an error of launchkit's own, within a
bounded time and memory.
"""

import gc
import itertools
import json
import os
import random
import re
import resource
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from launchkit.errors import LaunchkitError

from .texts import texts

MANY = int(os.environ.get("LAUNCHKIT_FUZZ", "100"))
"""Texts for each parser."""
SEED = os.environ.get("LAUNCHKIT_FUZZ_SEED", "")
"""Another one gives other texts."""
LIGHT, HEAVY = 5.0, 0.05
"""Shares of parsers that take less time than others, and more."""
MOST_SECONDS = 0.1
"""For which the processor works for this thread, on one text: how much else it has to do does not
matter.
"""
MOST_MEMORY = 50_000_000
GROWTH = 10_000_000
"""A text with which the process grows so much is looked at again."""
TRIES = 5
"""The fastest counts: the first may have to import something, or be in others' way."""
YARD_SECONDS = 0.025
"""What `_yard` takes on a machine on which the limit holds as it stands: a slower machine, and one
that shares its processor's caches with others, has as much more time.
"""

Parse = Callable[[str], object]
Prepare = Callable[[str], Callable[[], object]]
"""Makes of a text what a parser is to read, which takes none of its time, and gives the parser."""


def tried(name: str, parse: Parse, sound: Sequence[str] = (), share: float = 1) -> None:
    """Try texts that are made of *sound* ones, and of none; says how many, and the slowest. The
    *share* is the number of them for one of another parser.
    """
    tried_prepared(name, lambda text: lambda: parse(text), sound, share)


def tried_prepared(
    name: str, prepare: Prepare, sound: Sequence[str] = (), share: float = 1
) -> None:
    """As `tried`, for what is read not as a text. What cannot be prepared is refused."""
    with _alone():
        _tried(name, prepare, sound, max(20, round(MANY * share)))


def _tried(name: str, prepare: Prepare, sound: Sequence[str], many: int) -> None:
    _took(prepare, "")
    slowest, refused, peak = (0.0, ""), 0, _peak()
    for text in itertools.islice(texts(zlib.crc32(f"{SEED}{name}".encode()), sound), many):
        try:
            took, is_refused = _took(prepare, text)
        except Exception as exc:
            exc.add_note(f"{name}: {_shown(text)}")
            raise
        refused += is_refused
        if took > MOST_SECONDS:
            took = min(_took(prepare, text)[0] / _slowness() for _ in range(TRIES))
            assert took <= MOST_SECONDS, f"{name}: {1000 * took:.0f} ms for {_shown(text)}"
        slowest = max(slowest, (took, text))
        if _peak() > peak + GROWTH:
            peak = _peak()
            used = _memory(prepare, text)
            assert used <= MOST_MEMORY, f"{name}: {used} bytes for {_shown(text)}"
    took, text = slowest
    told = f"at most {1000 * took:.1f} ms: {_shown(text)}"
    print(f"{name}: {many} texts, {refused} refused, {told}")


def _took(prepare: Prepare, text: str) -> tuple[float, bool]:
    """How long the parser takes, and whether what is made of a text is refused with an error of
    launchkit's own.
    """
    read = _reading(prepare, text)
    began = time.thread_time()
    try:
        read()
    except LaunchkitError:
        return time.thread_time() - began, True
    return time.thread_time() - began, False


def _reading(prepare: Prepare, text: str) -> Callable[[], object]:
    """The parser with what it is to read."""
    try:
        return prepare(text)
    except LaunchkitError as exc:
        error = exc

    def refused() -> None:
        raise error

    return refused


def data_of(text: str) -> Any:
    """What a text says in JSON; or else plain data that has it in it as key and value."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    chance = random.Random(zlib.crc32(text.encode(errors="surrogatepass")))
    value: Any = chance.choice([text, text[:9], len(text), 1.5, None, True, [text], {}])
    for _ in range(chance.randrange(5)):
        key = chance.choice([text[:20], "x", "type", "pattern", "$ref", "source", "recipe", "env"])
        value = chance.choice([{key: value}, [value], {key: value, "kind": text[:9]}])
    return value


def mapping_of(text: str) -> dict[str, Any]:
    """As `data_of`, and always a mapping."""
    data = data_of(text)
    return data if isinstance(data, dict) else {"x": data}


@contextmanager
def _alone() -> Iterator[None]:
    """No time goes into collecting what others have left."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _slowness() -> float:
    """How much slower than others this machine is now; 1 for one that is faster."""
    began = time.thread_time()
    _yard()
    return max(1.0, (time.thread_time() - began) / YARD_SECONDS)


def _yard() -> None:
    """What always takes as much work, of the kind that parsers do."""
    text = "key: {value}, " * 4000
    for _ in range(4):
        found = [word.strip("{}") for word in re.split("[:,] ", text)]
        json.loads(json.dumps({f"{number}{word}": [word] for number, word in enumerate(found)}))


def _memory(prepare: Prepare, text: str) -> int:
    """The most that the parser takes at once."""
    read = _reading(prepare, text)
    tracemalloc.start()
    try:
        with suppress(LaunchkitError):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _peak() -> int:
    """The most that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _shown(text: str) -> str:
    return f"{text[:300]!r}, {len(text)} characters"
