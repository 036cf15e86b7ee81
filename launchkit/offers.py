"""What plugins offer, sorted out: which class answers to a word, and which words are of no use."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from launchkit.abc import Component, Registry, Runner
from launchkit.errors import contained_call, shown


class Offer(NamedTuple):
    """A class, and the plugin that has it."""

    plugin: str
    home: str
    """The plugin and its distribution, as people are told."""
    cls: Any
    """Whatever the plugin takes for a class."""


class Unusable(NamedTuple):
    """Why nothing answers to a word, and whose fault it is."""

    reason: str
    plugins: tuple[str, ...]


@dataclass(frozen=True)
class Offers:
    """The kinds and aliases of one seam."""

    classes: Mapping[str, type[Component]] = field(default_factory=dict)
    unusable: Mapping[str, Unusable] = field(default_factory=dict)


def sorted_out(seam: type[Component], offers: Iterable[Offer]) -> Offers:
    """One class for each word; a word that two claim is of no use, and neither is one whose only
    class cannot be used.
    """
    sound: dict[str, dict[type[Component], Offer]] = {}
    unusable: dict[str, Unusable] = {}
    for offer in offers:
        words, flaw = _examined(seam, offer.cls)
        for word in words:
            if flaw:
                reason = f"{seam.seam} {word!r} of {offer.home} cannot be used: {flaw}"
                unusable[word] = Unusable(reason, (offer.plugin,))
            else:
                sound.setdefault(word, {})[offer.cls] = offer
    for word, rivals in sound.items():
        unusable.pop(word, None)
        if len(rivals) > 1:
            homes = " and ".join(f"{_path(one.cls)} of {one.home}" for one in rivals.values())
            number = "two" if len(rivals) == 2 else len(rivals)
            reason = f"{seam.seam} {word!r}: {number} classes answer to it, {homes}"
            unusable[word] = Unusable(reason, tuple(one.plugin for one in rivals.values()))
    classes = {word: next(iter(one)) for word, one in sound.items() if len(one) == 1}
    return Offers(classes, unusable)


def _examined(seam: type[Component], cls: object) -> tuple[list[str], str | None]:
    """All that selects a class, and what keeps it from being used."""
    try:
        with contained_call():
            return _words(cls), _flaw(seam, cls)
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        return [shown(cls)], f"it does not say what it is: {shown(exc)}"


def _words(cls: object) -> list[str]:
    """All that selects a class, as far as it can be told; its own name where nothing can."""
    kind, aliases = getattr(cls, "kind", None), getattr(cls, "aliases", ())
    some = [kind, *(aliases if isinstance(aliases, list | tuple) else ())]
    return [one for one in some if isinstance(one, str)] or [getattr(cls, "__name__", repr(cls))]


def _flaw(seam: type[Component], cls: object) -> str | None:
    """What about a class keeps it from being used at all."""
    if not (isinstance(cls, type) and issubclass(cls, seam) and dataclasses.is_dataclass(cls)):
        return f"it is no dataclass derived from launchkit.abc.{seam.__name__}"
    if not isinstance(getattr(cls, "kind", None), str):
        return "its kind is no text"
    if not _are_texts(cls.aliases):
        return "its aliases are no tuple of texts"
    if issubclass(cls, Runner) and not _is_dataclass(cls.policy_class or cls):
        return "its policy_class is no dataclass"
    return _flaw_of_hosts(cls.hosts) if issubclass(cls, Registry) else None


def _flaw_of_hosts(hosts: object) -> str | None:
    if not _are_texts(hosts):
        return "its hosts are no tuple of texts"
    for pattern in hosts:  # type: ignore[attr-defined] # it is a tuple
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as exc:
            return f"its hosts have a bad pattern {pattern!r}: {exc}"
    return None


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_dataclass(of: object) -> bool:
    return isinstance(of, type) and dataclasses.is_dataclass(of)


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
