"""Which images a Dockerfile takes anything from."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from launchkit.errors import Rejected

MOST_CHARACTERS = 300_000
LONGEST_VALUE = 1024
"""Characters of a name, or of what a variable stands for; what is longer is no image."""
_VARIABLE = re.compile(r"\$(?:\{(\w++)(?::?-([^}$]*+))?\}|(\w++))")
_MOUNTED = re.compile(r"(?:^|,)from=([^,]++)")


def base_images(dockerfile: str, build_args: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The images of `FROM` lines, `COPY --from` and mounts, each once, in order.

    Variables that `ARG` lines before the first `FROM` declare have their values in *build_args*,
    else their defaults. A name that still has a variable in it is left out, as are stages and
    `scratch`.

    :raises Rejected: if it is longer than any Dockerfile has reason to be.
    """
    if len(dockerfile) > MOST_CHARACTERS:
        raise Rejected(f"the Dockerfile has more than {MOST_CHARACTERS} characters")
    given = build_args or {}
    stages = {"scratch"}
    args: dict[str, str] = {}
    found: dict[str, None] = {}
    started = False
    for line in _instructions(dockerfile):
        word, options, rest = _parts(line)
        if word == "FROM" and rest:
            started = True
            found |= dict.fromkeys(_images(rest[:1], args, stages))
            stages |= {rest[2].lower()} if len(rest) > 2 and rest[1].upper() == "AS" else set()
        elif started:
            found |= dict.fromkeys(_images(_taken_from(word, options), {}, stages))
        elif word == "ARG":
            args |= _declared(rest, args, given)
    return tuple(found)


def _instructions(text: str) -> Iterator[str]:
    """Each instruction in one line, without comments."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    kept = (line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(kept))
    return (line.strip() for line in joined.split("\n") if line.strip())


def _parts(line: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Which instruction it is, its options, and the words that follow."""
    word, *words = line.split()
    options = [*takewhile(lambda one: one.startswith("--"), words)]
    return word.upper(), options, words[len(options) :]


def _taken_from(word: str, options: Sequence[str]) -> Iterator[str]:
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
    pairs = (word.partition("=") for word in words)
    defaults = {name: _filled(value.strip("\"'"), args) for name, _, value in pairs}
    values = {name: given.get(name, default) for name, default in defaults.items()}
    return {name: value for name, value in values.items() if 0 < len(value) <= LONGEST_VALUE}


def _filled(text: str, args: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return args.get(found[1] or found[3]) or found[2] or found[0]

    return _VARIABLE.sub(value, text) if len(text) <= LONGEST_VALUE else text
