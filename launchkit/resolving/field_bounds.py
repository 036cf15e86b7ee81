"""Whether values stay within the fields of a template: none becomes more than one part of the text
around its field, a way out of a directory, or a macro.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from launchkit.codec import Path, dotted
from launchkit.model import Scalar, Variable
from launchkit.plain_text import shortened, visible_line
from launchkit.resolving.field_places import in_place, last_words, misled
from launchkit.resolving.filled_text import FilledText, Piece, filled_text
from launchkit.resolving.macros import MACRO

PARTING = frozenset(",;:=|&\"'\\`$(){}<>")
"""What parts a text, or begins something else, in a language of configs: Docker's options, lines of
CSV, addresses, a shell, macros. White space and control characters do, too."""
PARTING_IF_AROUND = frozenset("/?#@")
PARTING_ELSEWHERE = PARTING_IF_AROUND | {"%"}
"""What parts the name of something elsewhere, such as an address."""
BOUNDS = (PARTING | {"[", "]"}) - {":"}
"""Beside white space, what may stand around a value that is all of a word, so that no word of the
owner goes on in it."""
SHELL_WORDS = frozenset("*~!#?[]")
ENTRY = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
ENV_KEYS = frozenset({"e", "env", "environment"})
MOST_SHOWN = 200
"""Characters of a value."""
MOST_NAMED = 5
"""Variables of a text in which something is wrong."""
_VALUE = "\0"
_NOT_BEFORE_WORDS = re.compile(r"[\w=:.@/%+~#?*-]")
"""What a word, and so an option, does not begin behind, also one that is quoted."""
OPTIONS = frozenset("-+")
ELSEWHERE = frozenset("@~")
"""Behind these at their beginning, programs and shells read the name of a file or a home."""
PICTURE = "\ufe0f"
"""Makes a picture of a letter; seen nowhere else, and shown as it is where texts are told."""
_STEP_OUT = re.compile(r"(?=\.\.)")
_REFERENCE = re.compile(r"\$\w+|\$\([\w.-]+\)", re.ASCII)
"""A variable's value, as shells and Kubernetes write it; macros are looked at by themselves."""
_ESCAPE = re.compile(
    r"\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|[0-9A-Za-z\\])"
    r"|%(?:%|[0-9A-Fa-f]{2})"
)
"""A character, as shells, languages and addresses write it."""
_PARTED = re.compile(r"""[,;:=|&?#@\s"'/]""")


def escapes(
    path: Path,
    text: str,
    field: re.Pattern[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
    *,
    are_macros: bool = False,
) -> Iterator[str]:
    """What is wrong with *values* in the *text* at *path*, whose fields *field* finds. Defaults are
    the owner's; a value for which the owner gave `pattern` or `enum` may be what that says, but
    nothing else together with what it stands in. Of macros no owner says what they may be: they
    are held to what a key or the text tells, and their values are not looked at for macros.
    """
    filled = filled_text(text, field, values, variables)
    names = tuple(dict.fromkeys(piece.name for piece in filled.pieces if piece.name))
    if not names:
        return
    kind = "macro" if are_macros else "template variable"
    entry, rest = _parted(path, field.sub(_VALUE, text))
    problem = None if are_macros else _macro(filled)
    if not problem and rest.strip() != _VALUE:
        here = _parts_here(rest)
        for piece in filled.free:
            before, behind = _sides(filled, piece, len(entry))
            bad = here | (_of_place(path) if are_macros else _goes_on(before, behind))
            if found := _parting(piece, bad, before):
                value = shortened(repr(values[piece.name or ""]), MOST_SHOWN)
                why = f"which may have a meaning in {dotted(path)}"
                yield f"{kind} {piece.name}: {value} cannot hold {found!r}, {why}"
                return
        problem = (
            _joined(filled)
            or _continued(filled)
            or misled(path, rest, filled, everywhere=not are_macros)
        )
    if problem:
        said = [f"{name} as {shortened(repr(values[name]), MOST_SHOWN)}" for name in names]
        given = ", ".join([*said[:MOST_NAMED], *(["…"] if said[MOST_NAMED:] else [])])
        yield f"{kind} {given} cannot stand in {dotted(path)}: it would be {problem}"


def _parted(path: Path, rest: str) -> tuple[str, str]:
    """The name of a variable of an environment, if the text is an entry of one, and what stands
    behind it.
    """
    key = path[-2] if len(path) > 1 and isinstance(path[-1], int) else path[-1]
    entry = ENTRY.match(rest) if str(key).lstrip("-").lower() in ENV_KEYS else None
    return (entry[0], rest[entry.end() :]) if entry else ("", rest)


def _sides(filled: FilledText, piece: Piece, begin: int) -> tuple[str, str]:
    """The characters before and behind a value; none where the text begins or ends."""
    before = filled.text[piece.start - 1] if piece.start > begin else ""
    return before, filled.text[piece.end : piece.end + 1]


def _parting(piece: Piece, bad: Collection[str], before: str) -> str | None:
    """What a value cannot hold, behind the character that stands before it."""
    text, letters = _parting_letters(piece.text, frozenset(bad))
    found = set(letters)
    begins_word = not piece.is_number and not _NOT_BEFORE_WORDS.fullmatch(before)
    if piece.text[:1] in OPTIONS and begins_word:
        found.add(piece.text[0])
    if piece.text[:1] in ELSEWHERE or _is_mark(piece.text[:1]):
        found.add(piece.text[0])
    if "--" in text and "*" in bad:  # beside spaces: the rest is a comment, as in SQL
        found.add("--")
    return min(found, default=".." if ".." in text else None)


@lru_cache(maxsize=16)
def _parting_letters(text: str, bad: frozenset[str]) -> tuple[str, frozenset[str]]:
    """A text as places read it, if it may be one, and what in it parts it: a value stands in very
    many fields.
    """
    if "%" in bad:  # a full-width slash is a slash
        text = unicodedata.normalize("NFKC", text)
    return text, frozenset(one for one in {*text} if one in bad or _parts_always(one))


def _parts_always(character: str) -> bool:
    """Whether it parts texts wherever it stands, or nobody sees it."""
    return character.isspace() or character == PICTURE or visible_line(character) != character


def _is_mark(character: str) -> bool:
    """Whether it makes another character of the one before it, which may be the owner's."""
    return bool(character) and unicodedata.category(character).startswith("M")


def _parts_here(around: str) -> frozenset[str]:
    """The characters that part something in any text, and those that do in this one."""
    bad = PARTING | (PARTING_IF_AROUND & {*around})
    if any(map(str.isspace, around)):
        bad |= SHELL_WORDS
    return bad | PARTING_ELSEWHERE if "://" in around else bad


def _goes_on(before: str, behind: str) -> frozenset[str]:
    """What parts a value from a word of the owner that goes on in it: so `team-{{x}}` stays one
    name. Before a port or a tag there may be a path.
    """
    if not _is_bound(before) or not (_is_bound(behind) or behind == ":"):
        return PARTING_ELSEWHERE
    return PARTING_ELSEWHERE - {"/"} if behind == ":" else frozenset()


def _is_bound(side: str) -> bool:
    return not side or side.isspace() or side in BOUNDS


def _of_place(path: Path) -> frozenset[str]:
    """What parts the name of something elsewhere; images have slashes in their names."""
    if not in_place(path):
        return frozenset()
    return PARTING_ELSEWHERE - ({"/"} if "image" in last_words(path)[-2:] else set())


def _macro(filled: FilledText) -> str | None:
    """Whether something is a macro that the owner did not write as one."""
    for found in MACRO.finditer(filled.text):
        if filled.is_joined(*found.span()) or not filled.is_written(*found.span()):
            return "a macro"
    return None


def _joined(filled: FilledText) -> str | None:
    """What values become together with the text, where each alone is nothing of the kind."""
    for found in _STEP_OUT.finditer(filled.text):
        if filled.is_joined(found.start(), found.start() + 2):
            return "a way to '..'"
    start = 0
    for end in (*(found.start() for found in _PARTED.finditer(filled.text)), len(filled.text)):
        if problem := _idle(filled, start, end):
            return problem
        start = end + 1
    return None


def _continued(filled: FilledText) -> str | None:
    """What the owner's words become if a launch's value goes on in them, or leaves them alone;
    where the owner wrote the value, too, it is meant so.
    """
    for problem, pattern in (("another variable", _REFERENCE), ("another character", _ESCAPE)):
        for found in pattern.finditer(filled.text):
            if filled.is_joined(*found.span()) and not filled.is_written(*found.span()):
                return problem
    return None if all(piece.text for piece in filled.free) else "empty beside other text"


def _idle(filled: FilledText, start: int, end: int) -> str | None:
    """Whether a part of the text is nothing, or a step of a path that leads nowhere, by what a
    launch chose; where that is a single value, its owner may have said that it may be so.
    """
    part = filled.text[start:end]
    if any(map(str.isalnum, part)):
        return None
    is_step = "/" in {filled.text[start - 1 : start], filled.text[end : end + 1]}
    chosen = [piece for piece in filled.within(start, end) if piece.name]
    if not any(not piece.text or (part == "." and is_step) for piece in chosen):
        return None
    if len(chosen) == 1 and not chosen[0].is_free:
        return None
    return "the directory itself" if is_step else "an empty part of it"
