"""Which images a Dockerfile takes anything from."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from launchkit.errors import Rejected
from launchkit.images.ref import LONGEST_TEXT

MOST_CHARACTERS = 300_000
"""Of a Dockerfile, and of all names together: variables make many times as much of them."""
LONGEST_VALUE = 1024
"""Characters of what a variable stands for, and of a text that has some; more are no image."""
_VARIABLE = re.compile(r"\$(?:\{(\w++)(?::?-([^}$]*+))?\}|(\w++))")
_MOUNTED = re.compile(r"(?:^|,)from=([^,]++)")


def base_images(
    dockerfile: str, build_args: Mapping[str, str] | None = None, place: str = "Dockerfile"
) -> tuple[str, ...]:
    """The images of `FROM` lines, `COPY --from` and mounts, each once, in order.

    Variables that `ARG` lines before the first `FROM` declare have their values in *build_args*,
    else their defaults. A name that still has a variable in it is left out, as are stages and
    `scratch`.

    :raises Rejected: if it is longer than any Dockerfile has reason to be, or the names are, with
        what their variables stand for; names *place* and the line.
    """
    if len(dockerfile) > MOST_CHARACTERS:
        raise Rejected(f"the Dockerfile has more than {MOST_CHARACTERS} characters")
    given = build_args or {}
    stages = {"scratch"}
    args: dict[str, str] = {}
    found: dict[str, None] = {}
    left = MOST_CHARACTERS
    started = False
    for number, line in _instructions(dockerfile):
        word, options, rest = _parts(line)
        started = started or bool(word == "FROM" and rest)
        names = _taken_from(word, options, rest) if started else ()
        for image in _images(names, args if word == "FROM" else {}, stages):
            left -= len(image)
            if len(image) > LONGEST_TEXT or left < 0:
                raise _too_long(f"{place}:{number}", image)
            found[image] = None
        if word == "FROM" and len(rest) > 2 and rest[1].upper() == "AS":
            stages.add(rest[2].lower())
        elif word == "ARG" and not started:
            args |= _declared(rest, args, given)
    return tuple(found)


def _too_long(place: str, image: str) -> Rejected:
    if len(image) > LONGEST_TEXT:
        why = f"the name of an image has {len(image)} characters, and {LONGEST_TEXT} are the most"
    else:
        why = f"up to here the names of images have more than {MOST_CHARACTERS} characters"
    return Rejected(
        f"{place}: {why}, with what their variables stand for",
        hint="give the variables shorter values, or name fewer images",
    )


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction in one line, without comments, and the number of its first line."""
    lines = [*text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), ""]
    first, parts = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith("#"):
            continue
        first = first if parts else number
        body = line.rstrip(" \t")
        parts.append(body.removesuffix("\\"))
        if not body.endswith("\\"):
            whole = " ".join(parts).strip()
            parts.clear()
            if whole:
                yield first, whole


def _parts(line: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Which instruction it is, its options, and the words that follow."""
    word, *words = line.split()
    options = [*takewhile(lambda one: one.startswith("--"), words)]
    return word.upper(), options, words[len(options) :]


def _taken_from(word: str, options: Sequence[str], rest: Sequence[str]) -> Iterator[str]:
    if word == "FROM":
        yield from rest[:1]
    for option in options:
        name, _, value = option.partition("=")
        if word in {"COPY", "ADD"} and name == "--from":
            yield value
        elif word == "RUN" and name == "--mount":
            yield from _MOUNTED.findall(value)


def _images(names: Iterable[str], args: Mapping[str, str], stages: set[str]) -> Iterator[str]:
    for name in names:
        image = _filled(name, args)
        if "$" not in image and image.lower() not in stages and not image.isdigit():
            yield image


def _declared(
    words: Sequence[str], args: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, _, value in (word.partition("=") for word in words):
        known = given[name] if name in given else _filled(value.strip("\"'"), args)
        if 0 < len(known) <= LONGEST_VALUE:
            found[name] = known
    return found


def _filled(text: str, args: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return args.get(found[1] or found[3]) or found[2] or found[0]

    return _VARIABLE.sub(value, text) if len(text) <= LONGEST_VALUE else text
