"""Where the secrets of a config are, as the names of keys, options and variables tell: what is
hidden, masked and warned of all follows from this.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launchkit.codec import Path
from launchkit.model import Json
from launchkit.references import REFERENCE, is_elsewhere
from launchkit.resolving.assignments import INDEX, NAME, set_next
from launchkit.resolving.masking import Mask
from launchkit.resolving.secret_texts import HIDDEN, Part, parts_of, without_parts
from launchkit.secret_names import is_secret, is_secret_name, measures, sounds

_ASSIGNMENT = re.compile(rf"({NAME}(?:{INDEX})*+)=")
_OPTION = re.compile(rf"--?(?=[A-Za-z]|{REFERENCE}){NAME}(?:{INDEX})*+[=:]?")
_PLAIN = re.compile(rf"{NAME}(?:{INDEX})*+")
_ASSIGNED_NEXT = re.compile(rf"{NAME}(?:{INDEX})*+[=:]|bearer", re.IGNORECASE)
_LOGIN_OPTION = re.compile(r"-[A-Za-z]{0,10}[uU]|--(?:proxy-)?user")
"""Of curl."""
_BEFORE = 4
"""Words of a list in which what tells of a name behind them is looked for."""
_LABELS = frozenset({"name", "key", "option", "var", "variable"}) | {
    *("field", "header", "param", "parameter", "property")
}
_VALUES = frozenset({"default", "val", "value", "values"})
_REFERENCE = frozenset({"name", "key", "optional", "namespace", "apiVersion", "kind"})
_SHAPES = {
    "secret": frozenset({"secretName", "name", "items", "optional", "defaultMode"}),
    "imagePullSecrets": frozenset({"name"}),
    "serviceAccountToken": frozenset({"path", "audience", "expirationSeconds"}),
}
"""How Kubernetes says which secret is meant, and how it is laid in."""

PartsOf = Callable[[str], list[Part]]
"""What finds the secrets in a text."""


@dataclass(frozen=True)
class Found:
    """A secret in a config."""

    path: Path
    """As far as the key whose name tells of it: the keys below may be secrets themselves."""
    values: tuple[str, ...]
    """What it may be, as its end in a text is not always certain."""
    elsewhere: bool
    """Whether the whole of it is taken from elsewhere, by macros or template fields."""


def secrets_in(values: Json, parts_of: PartsOf = parts_of) -> Sequence[Found]:
    """The secrets of a config, those taken from elsewhere too."""
    walk = Walk(parts_of=parts_of)
    walk.mapping(values, "", ())
    return walk.found


def with_keys(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in which keys that are the same when they are masked all stay."""
    found: dict[str, Any] = {}
    for name, value in values:
        key = name
        while key in found:
            key += HIDDEN
        found[key] = value
    return found


@dataclass(frozen=True)
class Walk:
    """One way through a config: gives it as it is shown, also without what a *mask* knows, and
    keeps what is a secret in it by a name.
    """

    mask: Mask = field(default_factory=lambda: Mask(()))
    found: list[Found] = field(default_factory=list)
    parts_of: PartsOf = parts_of
    """Two ways through the same texts look for the secrets in them once if it keeps what it found.
    """

    def mapping(self, values: Json, name: str, path: Path) -> dict[str, Any]:
        """A mapping with `…` for each secret; *name* is what tells of the whole of it."""
        label = _label(values)
        is_reference = _is_reference(values, name)
        is_secret_object = values.get("kind") == "Secret"

        def entry(key: str, inner: Any) -> tuple[str, Any]:
            named = self._text(key, (*path, HIDDEN))
            return named, shown(key, inner, path if is_secret_name(name) else (*path, named))

        def shown(key: str, inner: Any, at: Path) -> Any:
            if is_reference or (label and key == label):
                return self.value(inner, "", at)
            named = values[label] if label and key.lower() in _VALUES else key
            if is_secret_object and key in {"data", "stringData"}:
                named = "secret"
            return self.value(inner, _teller(str(named), name), at)

        return with_keys(entry(str(key), inner) for key, inner in values.items())

    def listed(self, values: Sequence[Any], name: str, path: Path) -> list[Any]:
        """A list with `…` for each secret; an option tells of the value behind it."""
        shown, option, curl = [], "", ""
        is_pair = len(values) == 2 and bool(path) and isinstance(path[-1], int)
        for index, value in enumerate(values):
            at = path if is_secret_name(name) else (*path, index)
            if not isinstance(value, str):
                shown.append(self.value(value, option or name, at))
                option = ""
                continue
            shown.append(self._named(value, option or name, at, lead=curl))
            if value in ("=", ":"):
                continue
            before = [_word(one) for one in values[max(0, index - _BEFORE) : index]]
            is_set = index + 1 < len(values) and values[index + 1] in ("=", ":")
            is_told = is_set or (is_pair and index == 0) or set_next(before)
            tells = _OPTION.fullmatch(value) or _ASSIGNED_NEXT.fullmatch(value)
            is_name = tells or (is_told and _PLAIN.fullmatch(value))
            option = value if is_name and is_secret_name(value) else ""
            if curl or value.endswith("curl"):
                curl = f"curl {value} " if _LOGIN_OPTION.fullmatch(value) else "curl "
        return shown

    def value(self, value: Any, name: str, path: Path) -> Any:
        """A value with `…` for each secret."""
        if isinstance(value, Mapping):
            return self.mapping(value, name, path)
        if isinstance(value, list | tuple):
            return self.listed(value, name, path)
        if isinstance(value, str):
            return self._named(value, name, path)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self._named(str(value), name, path, value) if is_number else value

    def _named(
        self, text: str, name: str, path: Path, number: Any = None, *, lead: str = ""
    ) -> Any:
        """A text, or the *number* that it is, with a name that may tell that it is a secret."""
        is_taken = is_elsewhere(text)
        if not is_secret(name, text) or (is_taken and measures(name)) or text == HIDDEN:
            if number is not None:
                return HIDDEN if self.mask.hides(number) else number
            return self._text(text, path, lead)
        self.found.append(Found(path, (text,), is_taken))
        return self.mask(text) if is_taken else HIDDEN

    def _text(self, text: str, path: Path, lead: str = "") -> str:
        """A text with `…` for what is a secret in it, if *lead* stands in front of it. Names and
        the mask see the whole of it, each: what one hides may be what the other knows a secret by.
        """
        behind = len(lead)
        parts = _assigned(lead + text, behind) or self.parts_of(lead + text)
        for is_taken in (False, True):
            told = (one for part in parts if part.elsewhere is is_taken for one in part.values)
            if values := tuple(dict.fromkeys(told)):
                self.found.append(Found(path, values, is_taken))
        known = [Part(behind + start, behind + end, ()) for start, end in self.mask.places(text)]
        return without_parts(lead + text, [*parts, *known])[behind:]


def _assigned(text: str, at: int) -> list[Part]:
    """The secret that is all of a text behind its name, which stands *at* a place."""
    name = _ASSIGNMENT.match(text, at)
    if not name or not is_secret_name(name[1]):
        return []
    value = text[name.end() :]
    is_taken = is_elsewhere(value)
    if not is_secret(name[1], value) or (is_taken and measures(name[1])) or value == HIDDEN:
        return []
    return [Part(name.end(), None, (value,), is_taken)]


def _word(value: Any) -> str:
    """A value as a word of a command; what holds others is none."""
    return "" if isinstance(value, Mapping | list | tuple) else str(value)


def _label(values: Json) -> str | None:
    """The key of the name in a pair of a name and a value: of several that which tells."""
    if not any(str(key).lower() in _VALUES for key in values):
        return None
    named = [key for key, one in values.items() if isinstance(one, str)]
    labels = [key for key in named if str(key).lower() in _LABELS]
    telling = (key for key in labels if is_secret_name(str(values[key])))
    return next(telling, next(iter(labels), None))


def _is_reference(values: Json, name: str) -> bool:
    is_one = re.search(r"(?:Ref|Selector)\Z", name)
    return bool(values) and values.keys() <= (
        _REFERENCE if is_one else _SHAPES.get(name, frozenset())
    )


def _teller(key: str, outer: str) -> str:
    """The name that tells what a value is: its key, or that of the mapping around it, whose keys
    are then names of secrets, such as `api_tokens: {github: …}`.
    """
    if not is_secret_name(outer) or sounds(key):
        return key
    amount = f"{key}_{outer}"
    return amount if measures(amount) else outer
