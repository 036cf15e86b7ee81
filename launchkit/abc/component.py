"""What all components have in common."""

from abc import ABC
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from launchkit.abc.guard import Guarded
from launchkit.codec import Locate, decode, dotted, is_secret, unknown_key
from launchkit.codec import Path as KeyPath
from launchkit.errors import ConfigError, contained_call, shown
from launchkit.model import Secret

if TYPE_CHECKING:
    from launchkit.abc.site import Site


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer of a component to `check`."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    hint: str | None = None


class Component(Guarded, ABC):
    """A configured plugin object. Subclasses are dataclasses; their fields are their settings.

    A field that is no setting is declared with `field(init=False)`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "arbitrary_types_allowed": True}

    seam: ClassVar[str]
    """What people call such a component: runner, registry, …"""
    kind: ClassVar[str]
    """The word in the configuration that selects this class."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other words for it."""
    unnamed: ClassVar[bool] = False
    """True: it stands where the configuration names none, and cannot be named there."""
    offered_by: ClassVar[str] = ""
    """The plugin that it is from, set when it is found."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All words that select this class."""
        return (cls.kind, *cls.aliases)

    @classmethod
    def configured(cls, settings: Mapping[str, object], locate: Locate | None = None) -> Self:
        """Make one of its settings, whose keys may be written with dashes or underscores. Pure.

        :raises ConfigError: naming each setting that is wrong, as it is spelled.
        """
        where = locate or dotted
        problems: list[str] = []
        spelled: dict[str, str] = {}
        for key in settings:
            first = spelled.setdefault(key.replace("-", "_"), key)
            if first != key:
                problems.append(f"{where((key,))}: is given twice; {first} is the same key")
        known = cls.setting_names()
        if cls.__pydantic_config__.get("extra") == "forbid":
            strange = [key for name, key in spelled.items() if name not in known]
            problems += [unknown_key(where((key,)), key, _as(key, known)) for key in strange]

        def here(path: KeyPath) -> str:
            return where((spelled.get(str(path[0]), path[0]), *path[1:]) if path else ())

        try:
            given = {name: settings[key] for name, key in spelled.items() if name in known}
            with contained_call():
                made = decode(cls, given, here)
        except ConfigError as exc:
            raise ConfigError("\n".join([exc.message, *problems])) from exc
        except Exception as exc:
            told = f"{where(())}: {cls.__name__} cannot be made: {shown(exc)}"
            raise ConfigError("\n".join([told, *problems])) from exc
        if problems:
            raise ConfigError("\n".join(problems))
        return made

    @classmethod
    def setting_names(cls) -> list[str]:
        """Its settings: the fields that are given when it is made."""
        return [one.name for one in fields(cls) if one.init]  # type: ignore[arg-type] # a dataclass

    @classmethod
    def unheeded(cls, settings: Mapping[str, object]) -> list[str]:
        """The keys that it takes, as they are spelled, and does nothing with."""
        if cls.__pydantic_config__.get("extra") != "ignore":
            return []
        known = cls.setting_names()
        return [key for key in settings if key.replace("-", "_") not in known]

    @classmethod
    def settings_schema(cls) -> dict[str, Any]:
        """JSON Schema of its settings, described by the docstrings of its fields."""
        from launchkit.json_schema import json_schema

        return json_schema(cls)

    @classmethod
    def shown(cls, settings: Mapping[str, object]) -> dict[str, object]:
        """The settings, with a `Secret` where a field's type says that it is one."""
        hidden = {one.name for one in fields(cls) if is_secret(one.type)}  # type: ignore[arg-type] # a dataclass
        return {
            key: Secret(value) if key.replace("-", "_") in hidden else value
            for key, value in settings.items()
        }

    async def start(self, stack: AsyncExitStack, site: "Site") -> None:
        """Acquire what is needed; what is entered on *stack* is released when the agent ends."""

    def secret_files(self) -> Mapping[Path, str]:
        """The files that prove who the agent is, and what each holds, such as `a token`: `launchkit
        doctor` warns of those that every user of the machine may read or replace. Called before
        `start`; a file need not be there.
        """
        return {}

    async def check(self) -> Sequence[Finding]:
        """Look whether what is needed is reachable and permitted; read-only."""
        return ()


def _as(key: str, known: Sequence[str]) -> Sequence[str]:
    """The known keys as a key is spelled: with dashes or underscores, which are one."""
    return [name.replace("_", "-") for name in known] if "-" in key else known
