"""Whether values stay within the fields of a template: none becomes more than one part of the text
around its field, a way out of a directory, or a macro.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from launchkit.codec import Path, dotted
from launchkit.model import Scalar, Variable
from launchkit.plain_text import shortened
from launchkit.resolving.macros import MACRO

PARTING = frozenset(",;:=|&\"'\\`$(){}<>")
"""What parts a text, or begins something else, in a language of configs: Docker's options, lines of
CSV, addresses, a shell, macros. White space and control characters do, too."""
PARTING_IF_AROUND = frozenset("/?#@")
PLACES = frozenset(
    {"image", "bucket", "role", "arn", "account", "uri", "url", "repo", "repository", "registry"}
    | {"network", "host", "endpoint", "id"}
)
"""Last words of keys whose values name something elsewhere, where a slash parts a host from what is
there, and an @ a name from its digest or domain, whatever stands around."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
SHELL_WORDS = frozenset("*~!#?[]")
ENTRY = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
ENV_KEYS = frozenset({"e", "env", "environment"})
MOST_SHOWN = 200
"""Characters of a value."""
_VALUE = "\0"
WORD_START = re.compile(r"(?:^|[^\w\0=:.@/%+~#?*-])\0")
"""Where a value begins a word, also one that is quoted, and could be an option."""
OPTIONS = frozenset("-+")
IMAGES = frozenset({"image", "repo", "repository"})
HOSTS = frozenset({"host", "hostname", "endpoint", "registry", "url", "uri"})
_HOST = re.compile(r"(?<!\bs3)(?<!\bgs)://([^/?#\s\"']*)", re.IGNORECASE)
"""In an address; buckets are names, not hosts."""
_DOTS = re.compile("[.\u3002]")
_DOT = "\1"
"""One that a value brings, told from those of the text."""
_PART = re.compile(r"[,;:=|&?#@\s\"']")


def escapes(
    path: Path,
    text: str,
    field: re.Pattern[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
    kind: str = "template variable",
) -> Iterator[str]:
    """What is wrong with *values* in the *text* at *path*, whose fields *field* finds. Defaults are
    the owner's, and values for which the owner gave `pattern` or `enum` are what that says. *kind*
    is what a field is called.
    """
    names = [name for name in field.findall(text) if name in values]
    free = [name for name in dict.fromkeys(names) if _is_free(variables[name])]
    bare = field.sub(lambda match: _shown(match[1], free, values, variables), text)
    around = _around(path, field.sub(_VALUE, text))
    if not free or around == _VALUE:
        return
    where = dotted(path)
    for name in free:
        if found := _parting(values[name], around, _parts_of(path)):
            said = shortened(repr(values[name]), MOST_SHOWN)
            why = f"which may have a meaning in {where}"
            yield f"{kind} {name}: {said} cannot hold {found!r}, {why}"
            return
    filled = field.sub(lambda match: _shown(match[1], (), values, variables), text)
    marked = field.sub(lambda match: _marked(match[1], free, values, variables), text)
    if problem := _joined_problem(bare, filled) or _moved(path, bare, filled, marked):
        given = ", ".join(f"{name} as {shortened(repr(values[name]), MOST_SHOWN)}" for name in free)
        yield f"{kind} {given} cannot stand in {where}: it would be {problem}"


def _is_free(variable: Variable) -> bool:
    return variable.pattern is None and variable.enum is None


def _shown(
    name: str,
    left_out: Collection[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
) -> str:
    return _VALUE if name in left_out else str(values.get(name, variables[name].default))


def _marked(
    name: str,
    free: Collection[str],
    values: Mapping[str, Scalar],
    variables: Mapping[str, Variable],
) -> str:
    """A value with its beginning and its dots marked, as those who look hosts up read them."""
    shown = _shown(name, (), values, variables)
    normal = unicodedata.normalize("NFKC", shown)
    return _VALUE + _DOTS.sub(_DOT, normal) if name in free else shown


def _around(path: Path, rest: str) -> str:
    """The text around the fields; of an environment's entry, what stands behind the name."""
    is_entry = any(str(part).lstrip("-").lower() in ENV_KEYS for part in path)
    return (ENTRY.sub("", rest, count=1) if is_entry and ENTRY.match(rest) else rest).strip()


def _words(path: Path) -> list[str]:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    return [word.lower() for word in _WORD.findall(key)]


def _parts_of(path: Path) -> frozenset[str]:
    """What parts the value at a path whatever stands around; images have slashes in their names."""
    words = _words(path)
    if not words or words[-1] not in PLACES:
        return frozenset()
    every = PARTING_IF_AROUND | {"%"}
    return every - {"/"} if "image" in words[-2:] else every


def _parting(value: Scalar, around: str, always: Collection[str]) -> str | None:
    bad = PARTING | (PARTING_IF_AROUND & {*around}) | {*always}
    if any(map(str.isspace, around)):
        bad |= SHELL_WORDS
    if "://" in around:
        bad |= PARTING_IF_AROUND | {"%"}
    text = str(value)
    if always or "://" in around:  # hosts are read so: a full-width slash is a slash
        text = unicodedata.normalize("NFKC", text)
    found = {one for one in text if one in bad or _parts_always(one)}
    if isinstance(value, str) and text[:1] in OPTIONS and WORD_START.search(around):
        found.add(text[0])
    if text.startswith("@"):  # programs read the file that follows
        found.add("@")
    return min(found, default=".." if ".." in text else None)


def _parts_always(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cs"}


def _joined_problem(bare: str, filled: str) -> str | None:
    """What values become together with the text, where each alone is nothing of the kind."""
    if {match[0] for match in MACRO.finditer(filled)} - {m[0] for m in MACRO.finditer(bare)}:
        return "a macro"
    if filled.count("..") > bare.count(".."):
        return "a way to '..'"
    if "/" in bare and _idle_steps(filled) > _idle_steps(bare):
        return "the directory itself"
    return None


def _moved(path: Path, bare: str, filled: str, marked: str) -> str | None:
    """Whether an image becomes one of a registry that its text does not name, or a host one of
    another domain.
    """
    words = _words(path)
    if IMAGES & {*words[-2:]} and _names_registry(filled) and not _names_registry(bare):
        return "of another registry"
    hosts = _HOST.findall(marked)
    if {*words[-1:]} & HOSTS or (IMAGES & {*words[-2:]} and _names_registry(bare)):
        hosts.append(marked.partition("/")[0])
    return "a host of another domain" if any(map(_is_joined, hosts)) else None


def _names_registry(image: str) -> bool:
    host, slash, _ = image.partition("/")
    named = "." in host or ":" in host or host == "localhost" or host != host.lower()
    return bool(slash) and named


def _is_joined(host: str) -> bool:
    """Whether a value with dots goes on where the last part of a marked host has begun."""
    last = host.rpartition("@")[2].partition(":")[0].rpartition(".")[2]
    return _DOT in last[1:].partition(_VALUE)[2]


def _idle_steps(text: str) -> int:
    """How many steps of the paths in a text lead nowhere."""
    paths = [path.split("/") for path in _PART.split(text) if "/" in path]
    return sum(step in {"", "."} for path in paths for step in path)
