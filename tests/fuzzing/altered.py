"""Sound data in which something is another: what a program answers that is newer, older, or broken,
or what a person writes who has misread a page.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

MANY = 300
"""How often something is said again that is said very often."""
MOST_PARTS = 5_000
"""Of data in which something was said again."""
LONG = 100_000
"""Characters of one part: so that all of it has no more than a million."""
DEEP = 150
OFTEN = 0.1


def altered(sound: Any, text: str) -> Any:
    """A copy of plain *sound* data in which up to four things are others; the *text*, which may
    stand in it, decides what.
    """
    chance = chance_of(text)
    value, text = deepcopy(sound), text[:LONG]
    for _ in range(chance.randrange(5)):
        places = [*_places(value)]
        if not places:
            break
        place, key = chance.choice(places)
        if chance.random() < OFTEN:
            _say_again(place, key, min(MANY, MOST_PARTS // len(places)))
        else:
            chance.choice(_CHANGES)(chance, place, key, text)
    return value


def chance_of(text: str) -> random.Random:
    """What is chosen for a text: the same each time."""
    return random.Random(zlib.crc32(text.encode(errors="surrogatepass")))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each mapping and list within a value, with each of its keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _other(chance: random.Random, place: Any, key: Any, text: str) -> None:
    place[key] = _odd(chance, text)


def _absent(_chance: random.Random, place: Any, key: Any, _text: str) -> None:
    del place[key]


def _wrapped(chance: random.Random, place: Any, key: Any, text: str) -> None:
    place[key] = chance.choice(([place[key]], {"x": place[key]}, {text[:30]: place[key]}))


def _twice(_chance: random.Random, place: Any, key: Any, _text: str) -> None:
    _say_again(place, key, 1)


def _say_again(place: Any, key: Any, times: int) -> None:
    if len(str(place[key])) > LONG // 100:
        return
    if isinstance(place, list):
        place[key:key] = [deepcopy(place[key]) for _ in range(times)]
    else:
        place.update({f"{key}{number}": deepcopy(place[key]) for number in range(times)})


def _within(chance: random.Random, place: Any, key: Any, text: str) -> None:
    """A text goes on in another way."""
    found = place[key]
    if isinstance(found, str):
        at = chance.randrange(len(found) + 1)
        place[key] = found[:at] + text + chance.choice((found[at:], ""))
    else:
        _other(chance, place, key, text)


def _more(chance: random.Random, place: Any, _key: Any, text: str) -> None:
    if isinstance(place, list):
        place.append(_odd(chance, text))
    else:
        place[text[:300]] = _odd(chance, text)


_CHANGES: tuple[Callable[[random.Random, Any, Any, str], None], ...] = (
    *(_other, _other, _other, _absent, _wrapped, _twice, _within, _within),
    _more,
)


def _odd(chance: random.Random, text: str) -> Any:
    deep: Any = text[:9]
    for _ in range(chance.choice((1, 2, DEEP))):
        deep = chance.choice(([deep], {"x": deep}))
    return chance.choice(
        (
            *(text, text, text[:40], [text], {text[:40]: text}, [[], {}, None], {}, [], "", None),
            *(True, False, 0, 1, -1, 137, 2**31, -(2**63), 2**70, 10**400, 0.5, 1e308, deep),
        )
    )
