"""Plugins: find them, import them when they are needed, and make components of their classes."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module, metadata
from types import ModuleType
from typing import TypeVar

import pluggy

from launchkit import abc, hookspecs
from launchkit.catalogue import PACKAGES, install_hint, package_of
from launchkit.codec import Locate, suggest
from launchkit.errors import PluginError
from launchkit.model import Event

log = logging.getLogger("launchkit.plugins")

C = TypeVar("C", bound=abc.Component)

GROUP = "launchkit"


@dataclass(frozen=True)
class BuiltIn:
    """A plugin that comes with the core: its module, and the kinds by which it is found."""

    module: str
    kinds: tuple[str, ...]


BUILT_IN: Mapping[str, BuiltIn] = {
    "archive": BuiltIn("launchkit.builtin.archive", ("archive",)),
    "git": BuiltIn("launchkit.builtin.git", ("git",)),
    "local": BuiltIn("launchkit.builtin.local", ("local",)),
    "local-process": BuiltIn("launchkit.builtin.local_process", ("local-process",)),
    "noop": BuiltIn("launchkit.builtin.noop", ("noop",)),
    "oci": BuiltIn("launchkit.builtin.oci", ("oci",)),
    "store": BuiltIn("launchkit.store", ("sqlite", "postgresql", "postgres")),
}

HOOKS: Mapping[type[abc.Component], str] = {
    abc.QueueBackend: "launchkit_queue_backends",
    abc.Hub: "launchkit_hubs",
    abc.Runner: "launchkit_runners",
    abc.Builder: "launchkit_builders",
    abc.Registry: "launchkit_registries",
    abc.Environment: "launchkit_environments",
    abc.Fetcher: "launchkit_fetchers",
}


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """What `launchkit plugins` shows of one plugin."""

    name: str
    version: str
    source: str
    kinds: tuple[str, ...] = ()
    """Each with the word for its seam: `runner local-process`."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other words for those of its kinds that have any."""
    error: str | None = None


class Plugins:
    """The plugins of one program: built-ins, *extra* modules, then those of entry points.

    None is imported before it is needed: `find`, `get` and `create` import a built-in that has the
    kind, and all others only if none has; what asks every plugin imports all.
    """

    def __init__(
        self,
        *extra: ModuleType,
        entry_points: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._waiting: dict[str, str] = {}
        self._offers: dict[tuple[str, type[abc.Component]], Sequence[type[abc.Component]]] = {}
        self._deaf: set[str] = set()
        self._blocked = frozenset(_words(environ.get("LAUNCHKIT_BLOCK_PLUGINS", "")))
        if environ.get("LAUNCHKIT_TRACE_PLUGINS"):
            self._manager.trace.root.setwriter(sys.stderr.write)
            self._manager.enable_tracing()
        version = metadata.version("launchkit")
        for name, built_in in BUILT_IN.items():
            info = PluginInfo(name=name, version=version, source="built-in")
            self._add(info, built_in.module)
        for plugin in extra:
            info = PluginInfo(name=plugin.__name__, version="", source="given by the program")
            self._add(info, plugin)
        for point in metadata.entry_points(group=GROUP) if entry_points else ():
            dist = point.dist.name if point.dist else "an unknown distribution"
            version = point.dist.version if point.dist else ""
            self._add(PluginInfo(name=point.name, version=version, source=dist), point.value)

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks of all plugins, to call."""
        for name in list(self._waiting):
            self._import(name)
        return self._manager.hook

    def infos(self) -> Sequence[PluginInfo]:
        """All plugins, also the blocked and the broken ones."""
        offers = {
            name: [cls for seam in HOOKS for cls in self._offered(name, seam)]
            for name in self._infos
        }
        return [
            replace(
                self._infos[name],
                kinds=tuple(f"{cls.seam} {cls.kind}" for cls in classes),
                aliases={f"{cls.seam} {cls.kind}": cls.aliases for cls in classes if cls.aliases},
            )
            for name, classes in offers.items()
        ]

    def classes(self, seam: type[C]) -> Mapping[str, type[C]]:
        """The classes of all plugins that implement *seam*, by kind and alias.

        :raises PluginError: if two answer to one kind.
        """
        return self._table(seam, list(self._infos))

    def find(self, seam: type[C], kind: str) -> type[C] | None:
        """The class for a kind or an alias; None if no plugin has one.

        :raises PluginError: if two answer to it, among the plugins that had to be imported.
        """
        likely = [
            name
            for name in self._infos
            if name not in self._waiting or (name in BUILT_IN and kind in BUILT_IN[name].kinds)
        ]
        return self._table(seam, likely).get(kind) or self.classes(seam).get(kind)

    def get(self, seam: type[C], kind: str) -> type[C]:
        """The class for a kind. :raises PluginError: if there is none, or two."""
        if (found := self.find(seam, kind)) is None:
            raise self.missing(seam, kind)
        return found

    def missing(self, seam: type[abc.Component], kind: str) -> PluginError:
        """Why there is no class for a kind, and what to do about it."""
        broken = next((i.error for i in self._infos.values() if i.error and i.name == kind), None)
        if broken:
            return PluginError(f"{seam.seam} {kind!r}: plugin {kind} is broken: {broken}")
        if package := package_of(seam.seam, kind):
            return PluginError(f"{seam.seam} {kind!r} is not installed", hint=install_hint(package))
        classes = [name for name, cls in self.classes(seam).items() if not cls.unnamed]
        if near := suggest(kind, [*classes, *PACKAGES.get(seam.seam, ())]):
            return PluginError(f"there is no {seam.seam} {kind!r}", hint=f"did you mean {near!r}?")
        return PluginError(
            f"there is no {seam.seam} {kind!r}; there are: {', '.join(sorted(classes))}"
        )

    def create(
        self, seam: type[C], kind: str, settings: Mapping[str, object], locate: Locate | None = None
    ) -> C:
        """Make a component: its settings are the fields of its class.

        :raises PluginError: if no class answers to *kind*.
        :raises ConfigError: if the settings do not fit the class.
        """
        return self.get(seam, kind).configured(settings, locate)

    def listens(self) -> bool:
        """Whether any plugin wants to hear events."""
        return bool(self.hook.launchkit_event.get_hookimpls())

    def tell(self, event: Event) -> None:
        """Let each plugin hear an event; the first failure of each is logged, the others not."""
        for hook in self.hook.launchkit_event.get_hookimpls():
            try:
                hook.function(*([event] if hook.argnames else []))
            except Exception as exc:  # noqa: BLE001 - foreign code may raise anything in a hook
                if hook.plugin_name not in self._deaf:
                    self._deaf.add(hook.plugin_name)
                    log.warning("plugin %s: launchkit_event failed: %r", hook.plugin_name, exc)

    def _add(self, info: PluginInfo, plugin: str | ModuleType) -> None:
        """Note a plugin; a module that is there already takes part at once."""
        name = info.name if info.name not in self._infos else f"{info.name} of {info.source}"
        self._infos[name] = replace(info, error="blocked" if info.name in self._blocked else None)
        if info.name in self._blocked:
            return
        if isinstance(plugin, str):
            self._waiting[name] = plugin
        else:
            self._register(name, plugin)

    def _import(self, name: str) -> None:
        module = self._waiting.pop(name)
        try:
            self._register(name, import_module(module))
        except Exception as exc:  # noqa: BLE001 - foreign code may raise anything at import
            self._leave_out(name, exc)

    def _register(self, name: str, module: ModuleType) -> None:
        try:
            self._manager.register(module, name)
        except (ValueError, pluggy.PluginValidationError) as exc:
            self._leave_out(name, exc)

    def _leave_out(self, name: str, exc: Exception) -> None:
        self._manager.set_blocked(name)
        self._offers = {key: found for key, found in self._offers.items() if key[0] != name}
        info = self._infos[name] = replace(self._infos[name], error=repr(exc))
        log.warning("plugin %s of %s is left out: %r", name, info.source, exc)

    def _table(self, seam: type[C], names: Iterable[str]) -> dict[str, type[C]]:
        """The classes of these plugins by kind and alias."""
        found: dict[str, type[C]] = {}
        for cls in [cls for name in names for cls in self._offered(name, seam)]:
            for kind in cls.names():
                if found.setdefault(kind, cls) is not cls:
                    raise PluginError(
                        f"{seam.seam} {kind!r}: two classes answer to it,"
                        f" {_home(found[kind])} and {_home(cls)}",
                        hint="block one of them with LAUNCHKIT_BLOCK_PLUGINS",
                    )
        return found

    def _offered(self, name: str, seam: type[C]) -> Sequence[type[C]]:
        """The classes of one plugin, which is imported now; none if it is blocked or broken."""
        if name in self._waiting:
            self._import(name)
        if self._infos[name].error:
            return ()
        if (name, seam) not in self._offers:
            others = [plugin for key, plugin in self._manager.list_name_plugin() if key != name]
            call = self._manager.subset_hook_caller(HOOKS[seam], [p for p in others if p])
            try:
                self._offers[name, seam] = [cls for classes in call() for cls in classes]
            except Exception as exc:  # noqa: BLE001 - foreign code may raise anything in a hook
                self._leave_out(name, exc)
                return ()
        return self._offers[name, seam]  # type: ignore[return-value] # what a hook gives is its own


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _home(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
