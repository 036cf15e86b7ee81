"""Secrets within a text, such as a command: what a name before them tells, and logins in addresses.

Where the value of a name ends is not always certain, so all that follows it is hidden with it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush, merge
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from launchkit.addresses import has_slash_user
from launchkit.references import REFERENCES, is_elsewhere
from launchkit.resolving.assignments import Name, Value, curl_logins, names_in, value_of
from launchkit.secret_names import (
    is_secret,
    is_secret_name,
    is_secret_parameter,
    may_tell,
    measures,
)

HIDDEN = "…"

_BLANKS = r"\s*+"
_BEGIN = re.compile(rf"{_BLANKS}(?:(?:bearer|basic|digest|token)\s++)?+", re.IGNORECASE)
"""What stands before a value: blanks, and the word for the kind of a login."""
_WORD = re.compile(
    r"""(?:'[^']*+(?:'|\Z)|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|\\.|\$\([^)]*+\)?|`[^`]*+`?"""
    r"""|[^\s;&|'"\\`])*+""",
    re.DOTALL,
)
"""One word, as a shell reads it."""
_PIECE = re.compile(r"""[^\s,;&|'"]++""")
_IN_QUOTES = re.compile(r"""\\"([^"\\]*+)|"((?:[^"\\]++|\\.)*+)|'([^']*+)""", re.DOTALL)
_LINE = re.compile(r"[^\n]*+")
_BLOCK = re.compile(
    r"[|>][+-]?[0-9]?[^\S\n]*+\n([^\S\n]++)[^\n]*+(?:\n(?:\1[^\n]*+|[^\S\n]*+(?=\n)))*+"
)
"""A text of many lines in YAML."""
_MOST_NAMES = 10_000
"""Names of secrets in one text; what is behind these is hidden, whatever it is."""
_MOST_CLOSED = 8192
"""Characters of a value in which its end is looked for."""
_NUMBER = re.compile(rf"""{_BLANKS}["']?(-?[0-9.]{{1,15}})["']?(?=[\s;&|,\]}})]|\Z)""")
_REFERENCES = re.compile(rf"{_BLANKS}{REFERENCES}", re.ASCII)
_SHELLS = rf"(?:{REFERENCES}|\$[A-Z_][A-Z0-9_]*+)"
_PLAIN_ENDS = r"(?=[\s;&|)]|[,\]}]+(?:[\s;&|)\"']|\Z)|\Z)"
"""What a shell or JSON takes for an end; else a comma or a bracket is a part of the value."""
_NEXT_KEY = r""",\s++["']?[\w.-]++["']?:\s"""
_HARMLESS_IN_QUOTES = re.compile(
    rf"\"(?:{HIDDEN}|{_SHELLS}|)\"{_PLAIN_ENDS}|'(?:{HIDDEN}|{REFERENCES}|)'{_PLAIN_ENDS}",
    re.ASCII,
)
"""A whole value that is empty, hidden already, or taken from elsewhere: in quotes; below, up to the
quote that began before its name; up to the end of its line; as a word of a shell.
"""
_HARMLESS_TO_QUOTE = re.compile(
    rf"(?:(?:{HIDDEN}|{_SHELLS}|)\\*\"|(?:{HIDDEN}|{REFERENCES}|)\\*'){_PLAIN_ENDS}", re.ASCII
)
_HARMLESS_LINE = re.compile(
    rf"(?:{HIDDEN}|{REFERENCES}|)[^\S\n]*+"
    rf"(?=\n|(?:[}}\]][^\S\n]*+)++(?:[\n,;&|)\"']|\Z)|{_NEXT_KEY}|\Z)",
    re.ASCII,
)
_HARMLESS_WORD = re.compile(
    rf"{HIDDEN}[\"']{_PLAIN_ENDS}|(?:{HIDDEN}|{_SHELLS}|)(?=[\s;&|]|\Z)", re.ASCII
)
_SLASHES = re.compile(r"(?:\\?/){2,}+")
_AUTHORITY = re.compile(r"[^/?#\s]*+")
_HOST_AND_PORT = re.compile(r"(?:\[[^\]]*\]|[\w.-]+):[0-9]{1,5}")
_BLANK = re.compile(r"\s|\Z")
_EDGES = "\"'\\,;|>)]} \t\r\n"


class Part(NamedTuple):
    """A secret in a text."""

    start: int
    end: int | None
    """None where what follows may be a part of it."""
    values: tuple[str, ...]
    """What it may be."""
    elsewhere: bool = False
    """Whether the whole of it is taken from elsewhere."""


def parts_of(text: str) -> list[Part]:
    """The secrets in a text, in the order of their places."""
    return sorted([*_named(text), *_logins(text)], key=lambda part: part.start)


def named_parts_of(text: str) -> list[Part]:
    """The same, but for the logins in addresses."""
    return [*_named(text)]


def without_parts(text: str, parts: Sequence[Part]) -> str:
    """A text with `…` for the secrets in it, whatever they overlap."""
    shown: list[str] = []
    at = 0
    for part in sorted(parts, key=lambda part: part.start):
        if part.elsewhere:
            continue
        if part.start >= at:
            shown += [text[at : part.start], HIDDEN]
        if part.end is None:
            return "".join(shown)
        at = max(at, part.end)
    return "".join([*shown, text[at:]])


def _named(text: str) -> Iterator[Part]:
    """What names tell, in the order of its places. Each stretch of the text is looked through once,
    so it takes linear time.
    """
    done = line_end = 0
    found = names_in(text, _may_be_one) if may_tell(text) else iter(())
    names = islice(found, _MOST_NAMES)
    for name, value in merge(_told(text, names), curl_logins(text), key=lambda one: one[1].at):
        if name.start < done:
            continue
        begin = _BEGIN.match(text, value.at)
        at = begin.end() if begin else value.at
        quote = _open_quote(text, name, value.at)
        harmless = _harmless(text, at, value, quote)
        if harmless is not None:
            done = at + len(harmless)
            if "$" in harmless or "{" in harmless:
                yield Part(at, at + len(harmless), (harmless,), elsewhere=True)
            continue
        word = _WORD.match(text, at)
        done = word.end() if word else at
        is_default = text.startswith("${", max(0, name.start - 2))
        values = [text[at:done], *_readings(text, at, "}" if is_default else quote)]
        if not value.is_word and at >= line_end:
            rest = _BLOCK.match(text, at) or _LINE.match(text, at)
            line_end = rest.end() if rest else at
            values.append(text[at:line_end])
        kept = {
            form: None for one in dict.fromkeys(values) for form in (one, one.strip(_EDGES)) if form
        }
        yield Part(at, None, tuple(kept))
    for name in islice(found, 1):
        yield Part(name.start, None, ())


def _told(text: str, names: Iterable[Name]) -> Iterator[tuple[Name, Value]]:
    """Those of some names that are of secrets, and where their values begin, in the order of the
    values: each is behind its name.
    """
    waiting: list[tuple[int, int, Name, Value]] = []
    for name in names:
        is_parameter = text[max(0, name.start - 1) : name.start] in ("?", "&")
        if not (is_parameter or is_secret_name(name.text)):
            continue
        while waiting and waiting[0][0] <= name.start:
            yield heappop(waiting)[2:]
        value = value_of(text, name)
        if value and not _is_measure(text, name.text, value.at):
            heappush(waiting, (value.at, name.start, name, value))
    while waiting:
        yield heappop(waiting)[2:]


def _may_be_one(name: str) -> bool:
    return is_secret_name(name) or is_secret_parameter(name)


def _is_measure(text: str, name: str, at: int) -> bool:
    """Whether what a name tells of is a number that is no secret, also one from elsewhere."""
    number = _NUMBER.match(text, at)
    if number:
        return is_secret_name(name) and not is_secret(name, number[1])
    return bool(_REFERENCES.match(text, at)) and measures(name)


def _open_quote(text: str, name: Name, at: int) -> str:
    """The quote before a name that goes on behind it, to the end of its value."""
    quote = text[name.start - 1 : name.start] if name.start else ""
    is_open = quote in {'"', "'"} and quote not in text[name.end : at]
    return quote if is_open else ""


def _harmless(text: str, at: int, value: Value, quote: str) -> str | None:
    """A value that is empty, hidden already, or taken from elsewhere as a whole."""
    found = _HARMLESS_IN_QUOTES.match(text, at)
    if not found and quote:
        found = _HARMLESS_TO_QUOTE.match(text, at)
    elif not found and value.is_word:
        found = _HARMLESS_WORD.match(text, at)
    elif not found:
        found = _HARMLESS_LINE.match(text, at)
    return found[0] if found else None


def _readings(text: str, at: int, close: str) -> Iterator[str]:
    """What a value is that ends at a comma, is in quotes, or ends with its name at *close*."""
    if piece := _PIECE.match(text, at):
        yield piece[0]
    if inner := _IN_QUOTES.match(text, at):
        yield inner[inner.lastindex or 0]
    if close and (end := text.find(close, at, at + _MOST_CLOSED)) > at:
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
        ends = _login_ends(text, start, last) if last >= start >= done else ()
        if ends and ends[-1] > start:
            done = ends[-1]
            user, colon, password = text[start:done].partition(":")
            is_web = text[max(0, at - 6) : at].lower().removesuffix(":").endswith(("http", "https"))
            if (colon or is_web) and HIDDEN not in {text[start:done], password}:
                known = [value for end in ends for value in _of_login(text[start:end])]
                values = tuple(dict.fromkeys(filter(None, known)))
                yield Part(start, done, values, elsewhere=is_elsewhere(password or user))


def _of_login(login: str) -> Sequence[str]:
    user, _, password = login.partition(":")
    known = [login, password, unquote(password)]
    if password in {"", "x-oauth-basic"}:  # a token in the place of the user
        known += [user, unquote(user)]
    return known


def _login_ends(text: str, start: int, last: int) -> Sequence[int]:
    """Where the `@` behind a login may be. A password may hold a slash, and an `@` before it."""
    if has_slash_user(text, start, last):
        return [last]
    found = _AUTHORITY.match(text, start)
    authority = found[0] if found else ""
    if "@" in authority:
        end = start + authority.rindex("@")
        is_last = ":" not in authority[: end - start] or text.find("://", end, last) >= 0
        return [end] if is_last else [end, last]
    is_login = ":" in authority and last > start and not _HOST_AND_PORT.fullmatch(authority)
    return [last] if is_login else []
