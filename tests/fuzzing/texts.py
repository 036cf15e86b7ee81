"""Odd texts: sound ones with something changed, words in a row, the same word very often, and
characters of any kind.
"""

import random
from collections.abc import Callable, Iterator, Sequence

LONGEST = 1_000_000
"""Characters of the longest texts."""
LONG = 20_000
"""Of those that are given more often."""
SOME = (
    "a A 0 9 . .. / // * ** **/ ? [ ] [! [[:alpha:]] { } {{ }} {{x}} ${ ${x} ( ) (?: + {9} | ^ $"
    " \\ : &a *a <<: !! --- # ' \" , = @ :// https:// ssh:// git@ sha256: - -- -r -e 1e9 1e999 -1"
    " .inf .nan true null 0x1 1:1:1 2001-01-01 type string integer pattern $ref name resource"
    " config kind Bearer realm= [project] dependencies é %2e %00"
)
WORDS = [
    *SOME.split(" "),
    *("\0", "\x1b", "\x1b[", "\x1b]", "\x9b", "\x85", "\u202e", "\u200b", "\u2028", "\ufeff"),
    *("\n", "\n  ", "\t", "\r", " ", ": ", "- ", " = ", "9" * 400, "🙂", "\ud800"),
]
COUNTED = ("k{}: v\n", "- {}\n", "{}=x\n", "FROM a{}\n", "{}*\n", "&a{} x,", '"{}":[', "${{{}}} ")
"""Of these each copy has a number of its own."""
Make = Callable[[random.Random, Sequence[str]], str]


def texts(seed: int, sound: Sequence[str]) -> Iterator[str]:
    """Odd texts without end; those that are *sound* are what some of them are made of."""
    chance = random.Random(seed)
    makers: Sequence[Make] = (_changed if sound else _words, _words, _characters, _repeated)
    number = 0
    while True:
        number += 1
        if number % 1000 == 0:
            yield _long(chance, LONGEST if number % 4000 == 0 else LONG)
        else:
            yield chance.choices(makers, (50, 37, 8, 5))[0](chance, sound)


def _changed(chance: random.Random, sound: Sequence[str]) -> str:
    """A sound text in which one to four things were changed."""
    text = chance.choice(sound)
    for _ in range(chance.randrange(1, 5)):
        start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        kind = chance.randrange(5)
        if kind == 0:
            text = text[:start] + chance.choice(WORDS) + text[start:]
        elif kind == 1:
            text = text[:start] + chance.choice(WORDS) + text[end:]
        elif kind == 2:
            text = text[:start] + text[end:]
        elif kind == 3:
            text = text[:end] + text[start:]
        else:
            other = chance.choice(sound)
            text = text[:start] + other[chance.randrange(len(other) + 1) :]
    return text


def _words(chance: random.Random, _sound: Sequence[str]) -> str:
    return "".join(chance.choices(WORDS, k=chance.randrange(1, 30)))


def _characters(chance: random.Random, _sound: Sequence[str]) -> str:
    return "".join(map(chr, chance.choices(range(0x20, 0x3000), k=chance.randrange(1, 40))))


def _repeated(chance: random.Random, sound: Sequence[str]) -> str:
    """One or two words so often as gives at most a few hundred characters."""
    word = "".join(chance.choices(WORDS, k=chance.randrange(1, 3)))
    return _around(chance, sound, word * chance.randrange(1, 2 + 600 // len(word)))


def _around(chance: random.Random, sound: Sequence[str], text: str) -> str:
    """Within a sound text, or alone."""
    if not sound or chance.random() < 0.5:
        return text
    whole = chance.choice(sound)
    at = chance.randrange(len(whole) + 1)
    return whole[:at] + text + whole[at:]


def _long(chance: random.Random, most: int) -> str:
    """As long as may be: the same again and again, with a number, or opened and closed."""
    kind = chance.random()
    if kind < 0.4:
        word = "".join(chance.choices(WORDS, k=chance.randrange(1, 4)))
        text = word * (most // len(word))
    elif kind < 0.7:
        line = chance.choice(COUNTED)
        text = "".join(line.format(number) for number in range(most // (len(line) + 4)))
    else:
        opened, closed = chance.choice(("[]", "{}", "()", '""', ("{{x}}", "\n"), ("a: &a [", "]")))
        count = most // (len(opened) + len(closed))
        text = opened * count + chance.choice(WORDS) + closed * count
    return text[:most]
