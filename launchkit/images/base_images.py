"""Which images a Dockerfile takes anything from."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from launchkit.errors import Rejected
from launchkit.images.heredocs import Ends, Heredoc, heredocs
from launchkit.images.ref import LONGEST_TEXT, ImageRef

MOST_CHARACTERS = 300_000
"""Of a Dockerfile, and of all names together: variables make many times as much of them."""
LONGEST_VALUE = 1024
"""Characters of what a variable stands for, and of a text that has some; more are no image."""
SCRATCH = "scratch"
"""The name of no image, from which a stage starts with nothing."""
ESCAPE = "\\"
"""At the end of a line, unless a directive says so of another one: the next line belongs to it."""
_DIRECTIVE = re.compile(r"#\s*+([a-zA-Z][a-zA-Z0-9]*+)\s*+=\s*+(.++)")
_VARIABLE = re.compile(r"\$(?:\{(\w++)(?::?-([^}$]*+))?\}|(\w++))")
_QUOTES = str.maketrans("", "", "\"'")
"""A builder takes them off the name of a `FROM` line, wherever in it they are, and off no other."""
_MOUNTED = re.compile(r"(?:^|,)from=([^,]++)")


def base_images(
    dockerfile: str,
    build_args: Mapping[str, str] | None = None,
    place: str = "Dockerfile",
    *,
    with_heredocs: bool = True,
) -> tuple[str, ...]:
    """The images of `FROM` lines, `COPY --from` and mounts, each once, in order.

    The classic builder of an Engine reads it without heredocs: their lines are instructions, too.
    Variables that `ARG` lines before the first `FROM` declare have their values in *build_args*,
    else their defaults. A name that still has a variable in it is left out, as are stages and
    `scratch`.

    :raises Rejected: if it is longer than any Dockerfile has reason to be, or the names are, with
        what their variables stand for, or no image can be called so; names *place* and the line.
    """
    found: dict[str, int] = {}
    left = MOST_CHARACTERS
    for number, _, image in _taken(dockerfile, build_args or {}, with_heredocs):
        if _may_be_scratch(image):
            continue
        left -= len(image)
        if len(image) > LONGEST_TEXT or left < 0:
            raise _too_long(f"{place}:{number}", image)
        found.setdefault(image, number)
    for image, number in found.items():
        _check(f"{place}:{number}", image)
    return tuple(found)


def may_be_from_scratch(dockerfile: str, build_args: Mapping[str, str] | None = None) -> bool:
    """Whether a stage starts from nothing, or from what it names by a variable whose value is not
    known, for a builder that knows no heredocs.

    :raises Rejected: if it is longer than any Dockerfile has reason to be.
    """
    taken = _taken(dockerfile, build_args or {}, with_heredocs=False)
    return any(word == "FROM" and _may_be_scratch(image) for _, word, image in taken)


def _may_be_scratch(image: str) -> bool:
    return image.lower() == SCRATCH or "$" in image


def _taken(
    dockerfile: str, given: Mapping[str, str], with_heredocs: bool
) -> Iterator[tuple[int, str, str]]:
    """What something is taken from, but stages, with the line and the instruction."""
    if len(dockerfile) > MOST_CHARACTERS:
        raise Rejected(f"the Dockerfile has more than {MOST_CHARACTERS} characters")
    stages = set[str]()
    args: dict[str, str] = {}
    started = False
    for number, line in _instructions(dockerfile, with_heredocs):
        word, options, rest = _parts(line)
        started = started or bool(word == "FROM" and rest)
        for name in _names(word, options, rest) if started else ():
            image = _filled(name, args if word == "FROM" else {})
            is_stage = image.lower() in stages or image.isdigit()
            if not is_stage or _may_be_scratch(image):
                yield number, word, image
        if word == "FROM" and len(rest) > 2 and rest[1].upper() == "AS":
            stages.add(rest[2].lower())
        elif word == "ARG" and not started:
            args |= _declared(rest, args, given)


def _check(place: str, image: str) -> None:
    try:
        ImageRef.parse(image)
    except Rejected as exc:
        raise Rejected(f"{place}: {exc.message}", hint=exc.hint) from exc


def _too_long(place: str, image: str) -> Rejected:
    if len(image) > LONGEST_TEXT:
        why = f"the name of an image has {len(image)} characters, and {LONGEST_TEXT} are the most"
    else:
        why = f"up to here the names of images have more than {MOST_CHARACTERS} characters"
    return Rejected(
        f"{place}: {why}, with what their variables stand for",
        hint="give the variables shorter values, or name fewer images",
    )


def _instructions(text: str, with_heredocs: bool) -> Iterator[tuple[int, str]]:
    """Each instruction in one line, without comments and heredocs, and the number of its first
    line.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    texts, ends = deque[Heredoc](), Ends.of(lines)
    for number, whole in _joined(lines, _escape(lines), texts):
        if whole.strip():
            yield number, whole.strip()
            found = heredocs(whole) if with_heredocs else ()
            texts.extend(one for one in found if ends.come(one, number))


def _joined(lines: Sequence[str], escape: str, texts: deque[Heredoc]) -> Iterator[tuple[int, str]]:
    """Instructions; the lines of *texts*, to which those of each one are added, are passed over."""
    first, parts = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if texts:
            if texts[0].ends(line):
                texts.popleft()
            continue
        body = line.rstrip(" \t")
        if not body or body.lstrip().startswith("#"):
            continue
        first = first if parts else number
        parts.append(body.removesuffix(escape))
        if not body.endswith(escape):
            yield first, "".join(parts)
            parts.clear()
    yield first, "".join(parts)


def _escape(lines: Sequence[str]) -> str:
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return ESCAPE


def _parts(line: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Which instruction it is, its options, and the words that follow."""
    word, *words = line.split()
    options = [*takewhile(lambda one: one.startswith("--"), words)]
    return word.upper(), options, words[len(options) :]


def _names(word: str, options: Sequence[str], rest: Sequence[str]) -> Iterator[str]:
    if word == "FROM":
        yield from (name.translate(_QUOTES) for name in rest[:1])
    for option in options:
        name, _, value = option.partition("=")
        if word in {"COPY", "ADD"} and name == "--from":
            yield value
        elif word == "RUN" and name == "--mount":
            yield from _MOUNTED.findall(value)


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
