"""Where a text gives a name a value: as shells, options, files of settings, markup, addresses and
programs do it. Each function looks at the text around one name alone, so all take linear time.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from launchkit.references import REFERENCE, without_references

NAME = rf"(?:[\w.-]|(?a:{REFERENCE}))++"
INDEX = r"(?:\[[^\[\]\n]{0,80}+\]|%5B[^\[\]\s%]{0,80}+%5D)(?:\.[\w.-]{1,80}+)?+"
"""What picks a part of what has the name, as in `logins["a"].password[0]`."""

_NAME = re.compile(rf"(?<![\w.-]){NAME}")
_INDICES = re.compile(rf"(?:{INDEX})*+", re.IGNORECASE)
_EQUALS = re.compile(r"""[\s"'\\\])}]*+(?:[:+?|]?=++>?|<-|%3[DA])""", re.IGNORECASE)
_VARIABLE_EQUALS = re.compile(r"\s*+[:+?.]?=++")
_VALUE_NEXT = re.compile(r"""["'\\\s,;]*+value["'\\]*+\s*+[:=]""", re.IGNORECASE)
_COLON = re.compile(r"""["'\\\])}]++\s*+:|:(?!//|:)|\s++:(?=\s)""")
_NO_SECRET = re.compile(
    r"(?:(?:/[a-z_.-]++)++(?::[a-z,]++)?|latest|v?[0-9]{1,4}(?:\.[0-9]+)*)(?!\S)"
)
"""What stands behind the colon of a mount, or of an image."""
_PORT_AND_PATH = re.compile(r"[0-9]{2,5}/")
_SPACE = re.compile(r"""["'\\\])]*+(?:,|\s)\s*+(?:(?<=[\n ])-\s++)?""")
_REST_OF_LINE = re.compile(
    r"""[^\S\n]++(?=\S*\w)(?:"[^"\n]*+"|'[^'\n]*+'|[^\s"']++);?[^\S\n]*+(?:\n|\Z)"""
)
_STRING_NEXT = re.compile(r"""\s++(?:[a-z]{1,2}&?)?(?=\\{0,3}["'])""", re.IGNORECASE)
"""What is between a word of SQL and a string behind it, also one as `E'…'` or `U&'…'`."""
_BEFORE_A_WORD = frozenset(" \t\r\n\"'`(){};&|<>,=:")
"""What may stand directly before a word of SQL, also in a command or a text of a program."""
_QUOTES = ("'", '"')
_SQL_WORD = "password"
_ARGUMENT_NEXT = re.compile(r"\\?[\"']\s*+,\s*+[bfru]{0,2}\\?[\"']")
_SETTERS = frozenset({"arg", "config", "env", "read", "set", "setenv"}) | {
    *("add_header", "fastcgi_param", "proxy_set_header", "requestheader")
}
"""Words in front of a name that has its value behind it."""
_OWNERS = (["account"], ["login"], ["machine"], ["role"], ["user"])
"""Words in front of whom a name with its value behind it is for."""
_BEFORE = 80
"""Characters in which what stands before a name is looked for."""
_TAG = re.compile(r"[^<>]{0,200}+>")
_TAG_BEGINS = re.compile(r"<(?:[\w.-]{1,60}+:)?\Z")
_KEY_BEGINS = re.compile(r"<[^<>]{0,60}\b(?:key|name)=\\?[\"']\Z", re.IGNORECASE)
_KEY_ENDS = re.compile(r"\\?[\"'][^<>]{0,100}+>(?:\s*+<value>)?", re.IGNORECASE)
_DEFAULT = re.compile(r":?[-=+](?!\})")
_WORD_ENDS = re.compile(r"[\s\"'`(){};&|<>]+")
"""What stands between the words of a command, also of one in another."""
_FIRST_ARGUMENT = re.compile(r"\(\s*+\\?[\"']\Z")

_CURL = re.compile(r"\bcurl\b")
_LOGIN = re.compile(
    r"""(?<![\w-])(?:-[A-Za-z]{0,10}?[uU]|--(?:proxy-)?user(?![\w-]))["'\s,=\\]*+([^\s:"']{0,80}+)["']?:"""
)


class Name(NamedTuple):
    """A word of a text that may be the name of a value."""

    text: str
    """Without what is taken from elsewhere: `API_.` for `API_${which}`."""
    start: int
    end: int


class Value(NamedTuple):
    """Where the value of a name begins."""

    at: int
    is_word: bool
    """Whether it is one word, as a shell reads it; others go on to the end of a line."""


def names_in(text: str, tells: Callable[[str], bool]) -> Iterator[Name]:
    """What may be the name of a value and *tells* enough, in the order of its places."""
    told: dict[str, bool] = {}  # most texts have the same words many times
    for found in _NAME.finditer(text):
        for word in _readings(text, found):
            is_told = told.get(word)
            if is_told is None:
                is_told = told[word] = tells(_without_references(word))
            if is_told:
                start = found.start()
                yield Name(_without_references(word), start, start + len(word))


def _readings(text: str, found: re.Match[str]) -> Iterator[str]:
    """A word, and what a shell takes for the name of a variable in it, as in `${NAME-default}`."""
    word = found[0]
    yield word
    if "-" in word and text.startswith("${", max(0, found.start() - 2)):
        yield word.partition("-")[0]


def _without_references(word: str) -> str:
    return ".".join(without_references(word)) if "{" in word or "(" in word else word


def value_of(text: str, name: Name) -> Value | None:
    """The value that a text gives a name, if it gives it one."""
    indices = _INDICES.match(text, name.end)
    end = indices.end() if indices else name.end
    if text[max(0, name.start - 2) : name.start].endswith(("$", "${")):
        return _of_variable(text, name, end)
    if equals := _EQUALS.match(text, end):
        close = not equals[0][:1].isspace() and not text[equals.end() : equals.end() + 1].isspace()
        return Value(equals.end(), is_word=close)
    if colon := _COLON.match(text, end):
        return _after_colon(text, name, colon)
    before = text[max(0, name.start - _BEFORE) : name.start]
    if beside := _VALUE_NEXT.match(text, end) or _tag_end(text, before, end):
        return Value(beside.end(), is_word=False)
    return _behind_a_space(text, name, end, before)


def _behind_a_space(text: str, name: Name, end: int, before: str) -> Value | None:
    string = _STRING_NEXT.match(text, end)
    if string and _is_of_sql(name, before):
        return Value(string.end(), is_word=True)
    space = _SPACE.match(text, end)
    if space and _is_told(text, name, before):
        return Value(space.end(), is_word=True)
    return None


def _tag_end(text: str, before: str, end: int) -> re.Match[str] | None:
    """The end of a tag that is a name, or has one as its key."""
    if _TAG_BEGINS.search(before):
        return _TAG.match(text, end)
    return _KEY_ENDS.match(text, end) if _KEY_BEGINS.search(before) else None


def _of_variable(text: str, name: Name, end: int) -> Value | None:
    """What the variable of a shell is by default, or what PHP and PowerShell make of theirs."""
    is_default = text[name.start - 1] == "{"
    given = _DEFAULT.match(text, end) if is_default else _VARIABLE_EQUALS.match(text, end)
    return Value(given.end(), is_word=is_default) if given else None


def _after_colon(text: str, name: Name, colon: re.Match[str]) -> Value | None:
    at = colon.end()
    if colon[0] == ":" and not text[at : at + 1].isspace():
        is_path = text[max(0, name.start - 1) : name.start] == "/"
        is_host = "." in name.text and _PORT_AND_PATH.match(text, at)
        if is_path or is_host or _NO_SECRET.match(text, at):
            return None
    return Value(at, is_word=False)


def _is_told(text: str, name: Name, before: str) -> bool:
    """Whether what stands behind a name, and no more than a space between them, is its value: that
    of an option; what a shell or a Dockerfile sets, as `setenv NAME value` does; the only other
    word of its line; or the next argument of a function.
    """
    if name.text.startswith("-") or name.text.lower() == "bearer":
        return True
    if _FIRST_ARGUMENT.search(before) and _ARGUMENT_NEXT.match(text, name.end):
        return True
    words = [word for word in _WORD_ENDS.split(before) if word]
    is_own_word = before.rstrip("\"'")[-1:].isspace()
    is_first = not before.rpartition("\n")[2].strip()
    is_line = is_first and _REST_OF_LINE.match(text, name.end)
    return bool(is_line) or (is_own_word and set_next(words))


def _is_of_sql(name: Name, before: str) -> bool:
    """Whether a name that has a string behind it may be a word of SQL, as in `PASSWORD 'x'`: in
    small letters only the one that is usual, for `secret 'x'` names an object of a cluster.
    """
    is_word = name.text.isupper() or name.text.lower() == _SQL_WORD
    if not is_word or (before and before[-1] not in _BEFORE_A_WORD):
        return False
    words = before.split()
    return before[-1:] in _QUOTES or not (words and words[-1].startswith("-"))


def set_next(words: Sequence[str]) -> bool:
    """Whether some words in front of a name tell that its value is behind it, as `setenv` does."""
    words = [word.lower() for word in words]
    while words and words[-1].startswith("-"):
        words.pop()
    return bool(words) and (words[-1] in _SETTERS or words[-2:-1] in _OWNERS)


def curl_logins(text: str) -> Iterator[tuple[Name, Value]]:
    """The users that curl is given, each with the password behind its colon."""
    curl = _CURL.search(text)
    for found in _LOGIN.finditer(text, curl.end()) if curl else ():
        yield Name(found[1], *found.span(1)), Value(found.end(), is_word=True)
