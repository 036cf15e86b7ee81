"""Plugins: find them, import them when they are needed, and make components of their classes."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import pluggy

from launchkit import __version__, abc, hookspecs
from launchkit.catalogue import PACKAGES, install_hint, package_of
from launchkit.codec import Locate, suggest
from launchkit.errors import PluginError, contained_call, shown
from launchkit.model import Event
from launchkit.offers import Offer, Offers, Unusable, sorted_out

if TYPE_CHECKING:
    import click

    from launchkit.model import Launch

log = logging.getLogger("launchkit.plugins")

C = TypeVar("C", bound=abc.Component)
T = TypeVar("T")

GROUP = "launchkit"
BLOCK = "leave a plugin out with LAUNCHKIT_BLOCK_PLUGINS"


class BuiltIn(NamedTuple):
    """A plugin that comes with the core: its module, and the kinds by which it is found."""

    module: str
    kinds: tuple[str, ...]


BUILT_IN: Mapping[str, BuiltIn] = {
    "archive": BuiltIn("launchkit.builtin.archive", ("archive",)),
    "git": BuiltIn("launchkit.builtin.git", ("git",)),
    "http": BuiltIn("launchkit.builtin.http", ("http", "https")),
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
    """Why it is left out as a whole."""
    problems: tuple[str, ...] = ()
    """Which of its kinds cannot be used, and why."""

    @property
    def home(self) -> str:
        """It and its distribution, as people are told."""
        return f"plugin {self.name} ({f'{self.source} {self.version}'.strip()})"


class Plugins:
    """The plugins of one program: built-ins, *extra* modules, then those of entry points.

    None is looked for or imported before it is needed: `find`, `get` and `create` import a built-in
    that has the kind, else what is from the package that is known for it, and all others only if
    none has it; what asks every plugin imports all.
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
        self._offers: dict[tuple[str, type[abc.Component]], Sequence[Offer]] = {}
        self._deaf: set[str] = set()
        self._blocked = frozenset(_words(environ.get("LAUNCHKIT_BLOCK_PLUGINS", "")))
        if environ.get("LAUNCHKIT_TRACE_PLUGINS"):
            self._manager.trace.root.setwriter(sys.stderr.write)
            self._manager.enable_tracing()
        self._unsought = entry_points
        for name, built_in in BUILT_IN.items():
            info = PluginInfo(name=name, version=__version__, source="built-in")
            self._add(info, built_in.module)
        for plugin in extra:
            info = PluginInfo(name=plugin.__name__, version="", source="given by the program")
            self._add(info, plugin)

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks of all plugins, to call."""
        for name in self._all():
            if name in self._waiting:
                self._import(name)
        return self._manager.hook

    def infos(self) -> Sequence[PluginInfo]:
        """All plugins, also the blocked and the broken ones."""
        names = self._all()
        tables = {seam: self._table(seam, names) for seam in HOOKS}
        return [self._described(name, tables) for name in names]

    def classes(self, seam: type[C]) -> Mapping[str, type[C]]:
        """The classes of all plugins that implement *seam*, by kind and alias. A word that two
        of them claim is not among them.
        """
        return cast("Mapping[str, type[C]]", self._table(seam, self._all()).classes)

    def kinds(self, seam: type[C]) -> Mapping[type[C], tuple[str, ...]]:
        """Each class of a seam once, with the words that select it."""
        found: dict[type[C], tuple[str, ...]] = {}
        for word, cls in self.classes(seam).items():
            found[cls] = (*found.get(cls, ()), word)
        return found

    def unusable(self, seam: type[abc.Component]) -> Mapping[str, str]:
        """The words that no class answers to though one or two were to, and why."""
        found = self._table(seam, self._all()).unusable
        return {word: one.reason for word, one in found.items()}

    def problems(self) -> Sequence[str]:
        """Which kinds that plugins offer cannot be used, and why."""
        return [text for seam in HOOKS for text in self.unusable(seam).values()]

    def left_out(self) -> Sequence[str]:
        """The plugins of which something cannot be used; what it would have said is not known."""
        return [info.name for info in self.infos() if info.error or info.problems]

    def find(self, seam: type[C], kind: str) -> type[C] | None:
        """The class for a kind or an alias; None if no plugin has one.

        :raises PluginError: if the plugins that had to be imported have a class for it that cannot
            be used, or two.
        """
        for names in self._likely(seam, kind):
            table = self._table(seam, names)
            if kind in table.unusable:
                raise _refused(table.unusable[kind])
            if kind in table.classes:
                return cast("type[C]", table.classes[kind])
        return None

    def get(self, seam: type[C], kind: str) -> type[C]:
        """The class for a kind. :raises PluginError: if there is none that can be used, or two."""
        if (found := self.find(seam, kind)) is None:
            raise self.missing(seam, kind)
        return found

    def missing(self, seam: type[abc.Component], kind: str) -> PluginError:
        """Why there is no class for a kind, and what to do about it."""
        infos = [self._infos[name] for name in self._all()]
        broken = next((i.error for i in infos if i.error and i.name == kind), None)
        if broken:
            return PluginError(f"{seam.seam} {kind!r}: plugin {kind} is broken: {broken}")
        if package := package_of(seam.seam, kind):
            return PluginError(f"{seam.seam} {kind!r} is not installed", hint=install_hint(package))
        classes = [name for name, cls in self.classes(seam).items() if not cls.unnamed]
        if near := suggest(kind, [*classes, *PACKAGES.get(seam.seam, ())]):
            return PluginError(f"there is no {seam.seam} {kind!r}", hint=f"did you mean {near!r}?")
        others = f"there are: {', '.join(sorted(classes))}" if classes else "none is installed"
        return PluginError(f"there is no {seam.seam} {kind!r}; {others}")

    def create(
        self, seam: type[C], kind: str, settings: Mapping[str, object], locate: Locate | None = None
    ) -> C:
        """Make a component: its settings are the fields of its class.

        :raises PluginError: if no class answers to *kind*.
        :raises ConfigError: if the settings do not fit the class.
        """
        return self.get(seam, kind).configured(settings, locate)

    def asked(self, hook: str, launch: "Launch", read: Callable[[object], T]) -> Iterator[T]:
        """What each plugin answers to a hook about a launch, as *read* makes it of the answer;
        one that answers nothing is passed over.

        :raises PluginError: if one raises, or *read* does; names it.
        """
        for one in getattr(self.hook, hook).get_hookimpls()[::-1]:
            try:
                with contained_call():
                    answer = one.function(*([launch] if one.argnames else []))
                    answers = [] if answer is None else [read(answer)]
            except Exception as exc:
                raise PluginError(
                    f"plugin {one.plugin_name}: {hook} failed: {shown(exc)}",
                    hint=f"mend it, or leave it out: LAUNCHKIT_BLOCK_PLUGINS={one.plugin_name}",
                ) from exc
            yield from answers

    def add_commands(self, group: "click.Group") -> None:
        """Let each plugin add its commands; one that fails is logged, and adds what it had."""
        for hook in self.hook.launchkit_commands.get_hookimpls():
            try:
                with contained_call():
                    hook.function(*([group] if hook.argnames else []))
            except Exception as exc:  # noqa: BLE001 - foreign code may raise anything in a hook
                log.warning(
                    "plugin %s: launchkit_commands failed: %s", hook.plugin_name, shown(exc)
                )

    def listens(self) -> bool:
        """Whether any plugin wants to hear events."""
        return bool(self.hook.launchkit_event.get_hookimpls())

    def tell(self, event: Event) -> None:
        """Let each plugin hear an event; the first failure of each is logged, the others not."""
        for hook in self.hook.launchkit_event.get_hookimpls():
            try:
                with contained_call():
                    hook.function(*([event] if hook.argnames else []))
            except Exception as exc:  # noqa: BLE001 - foreign code may raise anything in a hook
                if hook.plugin_name not in self._deaf:
                    self._deaf.add(hook.plugin_name)
                    log.warning(
                        "plugin %s: launchkit_event failed: %s", hook.plugin_name, shown(exc)
                    )

    def _described(self, name: str, tables: Mapping[type[abc.Component], Offers]) -> PluginInfo:
        usable = {cls for table in tables.values() for cls in table.classes.values()}
        offered = [one.cls for seam in HOOKS for one in self._offered(name, seam)]
        classes = [cls for cls in offered if isinstance(cls, type) and cls in usable]
        unusable = [one for table in tables.values() for one in table.unusable.values()]
        return replace(
            self._infos[name],
            kinds=tuple(f"{cls.seam} {cls.kind}" for cls in classes),
            aliases={f"{cls.seam} {cls.kind}": cls.aliases for cls in classes if cls.aliases},
            problems=tuple(one.reason for one in unusable if name in one.plugins),
        )

    def _likely(self, seam: type[abc.Component], kind: str) -> Iterator[Iterable[str]]:
        """The plugins among which a kind may be, in each step more of them."""
        built_in = {name for name, one in BUILT_IN.items() if kind in one.kinds}
        yield [name for name in self._infos if name not in self._waiting or name in built_in]
        if package := package_of(seam.seam, kind):
            yield [
                name
                for name in self._all()
                if name not in self._waiting or self._infos[name].source == package
            ]
        yield self._all()

    def _all(self) -> list[str]:
        """The names of all plugins; those of entry points are looked for the first time only."""
        if self._unsought:
            self._unsought = False
            from launchkit.installed import installed_plugins

            for one in installed_plugins(GROUP):
                info = PluginInfo(name=one.name, version=one.version, source=one.source)
                name = self._add(info, one.module)
                if one.fault and name in self._waiting:
                    del self._waiting[name]
                    self._leave_out(name, one.fault)
        return list(self._infos)

    def _add(self, info: PluginInfo, plugin: str | ModuleType) -> str:
        """Note a plugin, and give its name; a module that is there already takes part at once."""
        name = info.name if info.name not in self._infos else f"{info.name} of {info.source}"
        self._infos[name] = replace(info, error="blocked" if info.name in self._blocked else None)
        if info.name in self._blocked:
            return name
        if isinstance(plugin, str):
            self._waiting[name] = plugin
        else:
            self._register(name, plugin)
        return name

    def _import(self, name: str) -> None:
        module = self._waiting.pop(name)
        try:
            with contained_call():
                self._register(name, import_module(module))
        except Exception as exc:  # noqa: BLE001 - foreign code may raise anything at import
            self._leave_out(name, shown(exc))

    def _register(self, name: str, module: ModuleType) -> None:
        try:
            self._manager.register(module, name)
        except (ValueError, pluggy.PluginValidationError) as exc:
            self._leave_out(name, shown(exc))

    def _leave_out(self, name: str, why: str) -> None:
        self._manager.set_blocked(name)
        self._offers = {key: found for key, found in self._offers.items() if key[0] != name}
        info = self._infos[name] = replace(self._infos[name], error=why)
        log.warning("plugin %s of %s is left out: %s", info.name, info.source, why)

    def _table(self, seam: type[abc.Component], names: Iterable[str]) -> Offers:
        """What these plugins offer, by kind and alias."""
        return sorted_out(seam, [one for name in names for one in self._offered(name, seam)])

    def _offered(self, name: str, seam: type[abc.Component]) -> Sequence[Offer]:
        """The classes of one plugin, which is imported now; none if it is blocked or broken."""
        if name in self._waiting:
            self._import(name)
        if self._infos[name].error:
            return ()
        if (name, seam) not in self._offers:
            others = [plugin for key, plugin in self._manager.list_name_plugin() if key != name]
            call = self._manager.subset_hook_caller(HOOKS[seam], [p for p in others if p])
            home = self._infos[name].home
            try:
                with contained_call():
                    classes = [cls for some in call() for cls in some]
                    for cls in classes:
                        if isinstance(cls, type) and issubclass(cls, abc.Component):
                            cls.offered_by = home
            except Exception as exc:  # noqa: BLE001 - foreign code may raise anything in a hook
                self._leave_out(name, shown(exc))
                return ()
            self._offers[name, seam] = [Offer(name, home, cls) for cls in classes]
        return self._offers[name, seam]


def _refused(one: Unusable) -> PluginError:
    return PluginError(one.reason, hint=f"{BLOCK}; they are: {', '.join(one.plugins)}")


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]
