"""How a text may stand in what programs print: as it is, or as shells, JSON or Python quote it."""

import json
import re
from collections.abc import Iterator
from string import whitespace

QUOTES = "\\'\"$"
"""What quotes are made of."""
SHORTEST_CORE = 4
"""Characters between the quotes at the ends of a text, for which these do not matter."""
_QUOTE = r"[\\'\"$]"
_QUOTES = rf"{_QUOTE}*+"
_CODED_QUOTE = r"\\(?:[ux](?:00)?(?:2[247]|5[cC])|0?4[247]|134)"
_PLAIN = re.compile(r"[\w.:@%+=-]++", re.ASCII)
"""What nothing quotes."""
_PIECE = re.compile(
    rf"(?P<plain>{_PLAIN.pattern})|(?P<between>[\s\\'\"$]++)|(?P<other>.)", re.ASCII | re.DOTALL
)
_CODED_SPACE = r"(?<=\\)(?:[ntrvf]|[ux](?:00)?(?:0[9aAbBcCdD]|20)|0?(?:1[1-5]|40))"
_SPACES = rf"(?:\s|{_QUOTE}|{_CODED_SPACE})++"
"""White space, which shells and what shortens a text make one space of."""
_SHOWN = re.compile(r"[!#(-*,;?\[\]^`{-~ ]")
"""What is quoted and not written by a code."""
_NAMED = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e"}
_DELETED = dict.fromkeys(map(ord, QUOTES))


def quoted_forms(text: str) -> Iterator[str]:
    """Regular expressions for all forms of a text. None of them takes more than linear time."""
    for form in sorted(coded_forms(text), key=len, reverse=True):
        yield re.escape(form)
    core = text.strip(QUOTES + whitespace)
    if core and not _PLAIN.fullmatch(text):
        text = core if len(core) >= SHORTEST_CORE else text
        yield _as_any_quotes_it(text, rf"(?:{_CODED_QUOTE}|{_QUOTE})")
        yield _as_any_quotes_it(text, _QUOTE)


def coded_forms(text: str) -> set[str]:
    """A text as it is, and as JSON and Python write what is not plain in it."""
    json_forms = (json.dumps(text), json.dumps(text, ensure_ascii=False))
    return {text, *(form[1:-1] for form in (*json_forms, repr(text)))}


def unquoted(text: str) -> str:
    """A text without what quotes are made of."""
    return text.translate(_DELETED)


def _as_any_quotes_it(text: str, quote: str) -> str:
    """The words of a text as they are, and between them whatever quotes there are, in whatever
    style, at least as many as in the text. *quote* is what counts as one.
    """
    pattern = f"(?<!{_QUOTE})" if text[0] in QUOTES else ""
    is_between = True  # nothing is looked for before the beginning
    for found in _PIECE.finditer(text):
        was_between, is_between = is_between, bool(found["between"])
        if not is_between:
            pattern += "" if was_between else _QUOTES
            pattern += re.escape(found["plain"] or "") or f"(?:{'|'.join(_codes(found['other']))})"
        elif any(map(str.isspace, found["between"])):
            pattern += _SPACES
        else:
            pattern += f"{quote}{{{len(found['between'])},}}+"
    return pattern


def _codes(one: str) -> Iterator[str]:
    """A character as it is, and what stands behind a backslash where it is written by a code."""
    yield re.escape(one)
    if _SHOWN.fullmatch(one):
        return
    if one in _NAMED:
        yield _NAMED[one]
    number = ord(one)
    units = [one.encode("utf-16-be", "surrogatepass")[at : at + 2] for at in range(0, 4, 2)]
    yield _without_first("".join(rf"\\u{_hex(unit.hex())}" for unit in units if unit))
    yield _hex(f"U{number:08x}")
    yield rf"u\{{0*{_hex(f'{number:x}')}\}}"
    encoded = one.encode("utf-8", "surrogatepass")
    yield _without_first("".join(rf"\\x{_hex(f'{byte:02x}')}" for byte in encoded))
    yield _without_first("".join(rf"\\0?{byte:03o}" for byte in encoded))
    if 127 < number < 256:
        yield _hex(f"x{number:02x}")


def _without_first(code: str) -> str:
    """Without the backslash, which is among the quotes before it; further ones may be doubled."""
    return code.removeprefix(r"\\").replace(r"\\", r"\\++")


def _hex(digits: str) -> str:
    return "".join(f"[{one}{one.upper()}]" if one in "abcdef" else one for one in digits)
