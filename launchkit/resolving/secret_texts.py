"""Secrets within a text, such as a command: what a name before them tells, and logins in addresses.

Where the value of a name ends is not always certain, so all that follows it is hidden with it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from launchkit.resolving.secret_names import is_secret, is_secret_name, measures

HIDDEN = "…"

_REFERENCE = r"(?:\$\{[A-Za-z_]\w*\}|\{\{\s*[A-Za-z_][\w-]*\s*\}\}|\$\([A-Za-z_]\w*\))"
_REFERENCES = rf"{_REFERENCE}(?:[:@/., ]?{_REFERENCE})*"
_ONE_REFERENCE = re.compile(_REFERENCE, re.ASCII)
_FIELD = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}", re.ASCII)
_ELSEWHERE = re.compile(_REFERENCES, re.ASCII)

_NAME = re.compile(r"(?<![\w.-])[\w.-]++")
_EQUALS = re.compile(r"""[\s"'\\\])}]*+(?:[:+?|]?=++>?|%3[DA])""", re.IGNORECASE)
_VALUE_NEXT = re.compile(r"""["'\\\s,;]*+value["'\\]*+\s*+[:=]""", re.IGNORECASE)
_COLON = re.compile(r"""["'\\\])}]++\s*+:|:(?!//|:)""")
_NO_SECRET = re.compile(
    r"(?:(?:/[a-z_.-]++)++(?::[a-z,]++)?|latest|v?[0-9]{1,4}(?:\.[0-9]+)*)(?!\S)"
)
"""What stands behind the colon of a mount, or of an image."""
_SPACE = re.compile(r"""["'\\\])]*+(?:,|\s)\s*+""")
_SETTERS = frozenset({"ARG", "ENV", "config", "read", "set", "setenv"})
"""Words in front of a name that has its value behind it."""
_BEFORE = 80
"""Characters in which these are looked for."""
_TAG = re.compile(r"[^<>]{0,200}>")
_DEFAULT = re.compile(r":?[-=+?]")

_BLANKS = re.compile(r"\s*+")
_SCHEME = re.compile(r"(?:bearer|basic|digest|token)\s++", re.IGNORECASE)
_WORD = re.compile(
    r"""(?:'[^']*+(?:'|\Z)|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|\\.|\$\([^)]*+\)?|`[^`]*+`?"""
    r"""|[^\s;&|'"\\`])*+""",
    re.DOTALL,
)
"""One word, as a shell reads it."""
_PIECE = re.compile(r"""[^\s,;&'"]++""")
_IN_QUOTES = re.compile(r"""\\"([^"\\]*+)|"((?:[^"\\]++|\\.)*+)|'([^']*+)""", re.DOTALL)
_NUMBER = re.compile(r"""["']?(-?[0-9.]{1,15})["']?(?=[\s;&|,\]})]|\Z)""")
_SHELLS = rf"(?:{_REFERENCES}|\$[A-Z_][A-Z0-9_]*+)"
_PLAIN_ENDS = r"(?=[\s;&|)]|[,\]}]+(?:[\s;&|)\"']|\Z)|\Z)"
"""What a shell or JSON takes for an end; else a comma or a bracket is a part of the value."""
_NEXT_KEY = r""",\s++["']?[\w.-]++["']?:\s"""
_HARMLESS_IN_QUOTES = re.compile(
    rf"\"(?:{HIDDEN}|{_SHELLS}|)\"{_PLAIN_ENDS}|'(?:{HIDDEN}|{_REFERENCES}|)'{_PLAIN_ENDS}",
    re.ASCII,
)
"""A whole value that is empty, hidden already, or taken from elsewhere: in quotes; below, up to the
quote that began before its name; up to the end of its line; as a word of a shell.
"""
_HARMLESS_TO_QUOTE = re.compile(rf"(?:{HIDDEN}|{_REFERENCES}|)\\*[\"']{_PLAIN_ENDS}", re.ASCII)
_HARMLESS_LINE = re.compile(
    rf"(?:{HIDDEN}|{_REFERENCES}|)[^\S\n]*+"
    rf"(?=\n|(?:[}}\]][^\S\n]*+)++(?:[\n,;&|)\"']|\Z)|{_NEXT_KEY}|\Z)",
    re.ASCII,
)
_HARMLESS_WORD = re.compile(
    rf"{HIDDEN}[\"']{_PLAIN_ENDS}|(?:{HIDDEN}|{_SHELLS}|)(?=[\s;&|]|\Z)", re.ASCII
)
_SLASHES = re.compile(r"\\?/\\?/")
_AUTHORITY = re.compile(r"[^/?#\s]*+")
_HOST_AND_PORT = re.compile(r"(?:\[[^\]]*\]|[\w.-]+):[0-9]{1,5}")
_BLANK = re.compile(r"\s|\Z")
_EDGES = "\"'\\,;)]} \t\r\n"


@dataclass(frozen=True)
class Part:
    """A secret in a text."""

    start: int
    end: int | None
    """None where what follows may be a part of it."""
    values: tuple[str, ...]
    """What it may be."""
    elsewhere: bool = False
    """Whether the whole of it is taken from elsewhere."""


@dataclass(frozen=True)
class _Value:
    at: int
    is_word: bool
    """Whether it is one word, as a shell reads it; others go on to the end of a line."""


def fields_in(value: str) -> Iterator[str]:
    """The names of the template fields in a value."""
    return (field[1] for field in _FIELD.finditer(value))


def without_references(value: str) -> list[str]:
    """What of a value stands between what is taken from elsewhere."""
    return _ONE_REFERENCE.split(value)


def is_elsewhere(value: str) -> bool:
    """Whether the whole of a value is taken from elsewhere, by macros or template fields."""
    return bool(_ELSEWHERE.fullmatch(value.strip()))


def parts_of(text: str) -> list[Part]:
    """The secrets in a text, in the order of their places."""
    return sorted([*_named(text), *_logins(text)], key=lambda part: part.start)


def without_parts(text: str, parts: Sequence[Part]) -> str:
    """A text with `…` for the secrets in it."""
    shown: list[str] = []
    at = 0
    for part in parts:
        if part.elsewhere or part.start < at:
            continue
        shown += [text[at : part.start], HIDDEN]
        if part.end is None:
            return "".join(shown)
        at = part.end
    return "".join([*shown, text[at:]])


def _named(text: str) -> Iterator[Part]:
    """What names tell. Each stretch of the text is looked through once, so it takes linear time."""
    done = line_end = 0
    for found in _NAME.finditer(text):
        if found.start() < done or not is_secret_name(found[0]):
            continue
        value = _value(text, found)
        if value is None or _is_measure(text, found[0], value.at):
            continue
        at = _begin(text, value.at)
        quote = _open_quote(text, found, value.at)
        harmless = _harmless(text, at, value, quote)
        if harmless is not None:
            done = at + len(harmless)
            if "$" in harmless or "{" in harmless:
                yield Part(at, at + len(harmless), (harmless,), elsewhere=True)
            continue
        word = _WORD.match(text, at)
        done = word.end() if word else at
        values = [text[at:done], *_readings(text, at, quote)]
        if not value.is_word and at >= line_end:
            newline = text.find("\n", at)
            line_end = newline if newline >= 0 else len(text)
            values.append(text[at:line_end])
        kept = (form for one in values for form in (one, one.strip(_EDGES)) if form)
        yield Part(at, None, tuple(dict.fromkeys(kept)))


def _value(text: str, name: re.Match[str]) -> _Value | None:
    """Where the value of a name begins, if it has one."""
    start, end = name.span()
    before = text[max(0, start - 2) : start]
    if before.endswith(("$", "${")):  # a variable of a shell, which may have a default
        default = _DEFAULT.match(text, end) if before == "${" else None
        return _Value(default.end(), is_word=True) if default else None
    if equals := _EQUALS.match(text, end):
        close = not equals[0][:1].isspace() and not text[equals.end() : equals.end() + 1].isspace()
        return _Value(equals.end(), is_word=close)
    if beside := _VALUE_NEXT.match(text, end):
        return _Value(beside.end(), is_word=False)
    if colon := _COLON.match(text, end):
        is_bare = colon[0] == ":" and not text[colon.end() : colon.end() + 1].isspace()
        is_other = is_bare and (before.endswith("/") or _NO_SECRET.match(text, colon.end()))
        return None if is_other else _Value(colon.end(), is_word=False)
    if before.endswith("<") and (tag := _TAG.match(text, end)):
        return _Value(tag.end(), is_word=False)
    return _after_space(text, name)


def _after_space(text: str, name: re.Match[str]) -> _Value | None:
    """The value of an option, or what a shell or a Dockerfile sets without `=`."""
    space = _SPACE.match(text, name.end())
    if space is None:
        return None
    is_told = name[0].startswith("-") or name[0].lower() == "bearer"
    if is_told or _is_set(text[max(0, name.start() - _BEFORE) : name.start()]):
        return _Value(space.end(), is_word=True)
    return None


def _is_set(before: str) -> bool:
    """Whether what stands before a name says that its value is next, as `setenv NAME value` does,
    or `login NAME password VALUE` in a .netrc.
    """
    words = before.split()
    while words and words[-1].startswith("-"):
        words.pop()
    is_own_word = before[-1:].isspace() and bool(words)
    return is_own_word and (words[-1] in _SETTERS or words[-2:-1] == ["login"])


def _is_measure(text: str, name: str, at: int) -> bool:
    """Whether what a name tells of is a number that is no secret, also one from elsewhere."""
    number = _NUMBER.match(text, _skipped(text, at))
    if number:
        return not is_secret(name, number[1])
    return measures(name) and bool(_ELSEWHERE.match(text, _skipped(text, at)))


def _begin(text: str, at: int) -> int:
    """Where a value begins, behind blanks and the word for the kind of a login."""
    at = _skipped(text, at)
    scheme = _SCHEME.match(text, at)
    return scheme.end() if scheme else at


def _skipped(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _open_quote(text: str, name: re.Match[str], at: int) -> str:
    """The quote before a name that goes on behind it, to the end of its value."""
    quote = text[name.start() - 1 : name.start()] if name.start() else ""
    is_open = quote in {'"', "'"} and quote not in text[name.end() : at]
    return quote if is_open else ""


def _harmless(text: str, at: int, value: _Value, quote: str) -> str | None:
    """A value that is empty, hidden already, or taken from elsewhere as a whole."""
    found = _HARMLESS_IN_QUOTES.match(text, at)
    if not found and quote:
        found = _HARMLESS_TO_QUOTE.match(text, at)
    elif not found and value.is_word:
        found = _HARMLESS_WORD.match(text, at)
    elif not found:
        found = _HARMLESS_LINE.match(text, at)
    return found[0] if found else None


def _readings(text: str, at: int, quote: str) -> Iterator[str]:
    """What a value is that ends at a comma, is in quotes, or is so together with its name."""
    if piece := _PIECE.match(text, at):
        yield piece[0]
    if inner := _IN_QUOTES.match(text, at):
        yield inner[inner.lastindex or 0]
    if quote and (end := text.find(quote, at)) > at:
        yield text[at:end]


def _logins(text: str) -> Iterator[Part]:
    """Logins in addresses, up to the last `@` that may be their end."""
    done = stretch_end = 0
    last = -1
    for slashes in _SLASHES.finditer(text):
        at, start = slashes.span()
        if start >= stretch_end:
            blank = _BLANK.search(text, start)
            stretch_end = blank.start() if blank else len(text)
            last = text.rfind("@", start, stretch_end)
        end = _login_end(text, start, last) if start >= done else -1
        if end > start:
            done = end
            login = text[start:end]
            user, colon, password = login.partition(":")
            is_web = text[max(0, at - 6) : at].lower().removesuffix(":").endswith(("http", "https"))
            if (colon or is_web) and HIDDEN not in {login, password}:
                values = _of_login(login, user, password)
                yield Part(start, end, values, elsewhere=is_elsewhere(password or user))


def _of_login(login: str, user: str, password: str) -> tuple[str, ...]:
    known = [login, password, unquote(password)]
    if password in {"", "x-oauth-basic"}:  # a token in the place of the user
        known += [user, unquote(user)]
    return tuple(dict.fromkeys(one for one in known if one))


def _login_end(text: str, start: int, last: int) -> int:
    """Where the `@` behind a login is; below 0 if there is none. A password may hold a slash."""
    found = _AUTHORITY.match(text, start)
    authority = found[0] if found else ""
    if "@" in authority:
        return start + authority.rindex("@")
    is_login = ":" in authority and last > start and not _HOST_AND_PORT.fullmatch(authority)
    return last if is_login else -1
