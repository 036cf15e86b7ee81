"""Plugins: load them, block them, trace them, list them, and make components of their classes."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module, metadata
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from launchkit import abc, hookspecs
from launchkit.codec import Locate, decode, suggest
from launchkit.errors import PluginError
from launchkit.model import Event

log = logging.getLogger("launchkit.plugins")

C = TypeVar("C", bound=abc.Component)

GROUP = "launchkit"

BUILT_IN = {
    "archive": "launchkit.builtin.archive",
    "git": "launchkit.builtin.git",
    "local": "launchkit.builtin.local",
    "local-process": "launchkit.builtin.local_process",
    "noop": "launchkit.builtin.noop",
    "oci": "launchkit.builtin.oci",
    "store": "launchkit.store",
}

PROVIDERS = {
    "acr": "launchkit-azure",
    "aws": "launchkit-aws",
    "azure": "launchkit-azure",
    "docker": "launchkit-docker",
    "ecr": "launchkit-aws",
    "gcp": "launchkit-gcp",
    "gcp-vertex": "launchkit-gcp",
    "gcr": "launchkit-gcp",
    "http": "launchkit-server",
    "https": "launchkit-server",
    "kaniko": "launchkit-kubernetes",
    "kubernetes": "launchkit-kubernetes",
    "local-container": "launchkit-docker",
    "sagemaker": "launchkit-aws",
    "vertex": "launchkit-gcp",
}
"""Who provides a kind that may be missing: what to install is part of the error."""

HOOKS: Mapping[type[abc.Component], str] = {
    abc.QueueBackend: "launchkit_queue_backends",
    abc.Hub: "launchkit_hubs",
    abc.Runner: "launchkit_runners",
    abc.Builder: "launchkit_builders",
    abc.Registry: "launchkit_registries",
    abc.Environment: "launchkit_environments",
    abc.Fetcher: "launchkit_fetchers",
}

WORDS: Mapping[type[abc.Component], str] = {
    abc.QueueBackend: "queue backend",
    abc.Hub: "hub",
    abc.Runner: "runner",
    abc.Builder: "builder",
    abc.Registry: "registry",
    abc.Environment: "environment",
    abc.Fetcher: "fetcher",
}


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """What `launchkit plugins` shows of one plugin."""

    name: str
    version: str
    source: str
    kinds: tuple[str, ...] = ()
    error: str | None = None


class Plugins:
    """The plugins of one program: built-ins, *extra* modules, then those of entry points."""

    def __init__(
        self,
        *extra: ModuleType,
        entry_points: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._deaf: set[str] = set()
        for name in _words(environ.get("LAUNCHKIT_BLOCK_PLUGINS", "")):
            self._manager.set_blocked(name)
        if environ.get("LAUNCHKIT_TRACE_PLUGINS"):
            self._manager.trace.root.setwriter(sys.stderr.write)
            self._manager.enable_tracing()
        version = metadata.version("launchkit")
        for name, module in BUILT_IN.items():
            self._register(PluginInfo(name=name, version=version, source="built-in"), module)
        for plugin in extra:
            info = PluginInfo(name=plugin.__name__, version="", source="given by the program")
            self._register(info, plugin)
        for point in metadata.entry_points(group=GROUP) if entry_points else ():
            dist = point.dist.name if point.dist else "an unknown distribution"
            version = point.dist.version if point.dist else ""
            self._register(PluginInfo(name=point.name, version=version, source=dist), point.value)

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks, to call."""
        return self._manager.hook

    def infos(self) -> Sequence[PluginInfo]:
        """All plugins, also the blocked and the broken ones."""
        return list(self._infos.values())

    def classes(self, seam: type[C]) -> Mapping[str, type[C]]:
        """The classes that implement *seam*, by kind and alias.

        :raises PluginError: if two answer to one kind.
        """
        found: dict[str, type[C]] = {}
        for classes in self._by_seam[seam]:
            for cls in classes:
                for kind in (cls.kind, *cls.aliases):
                    if found.setdefault(kind, cls) is not cls:
                        raise PluginError(
                            f"{WORDS[seam]} {kind!r}: two classes answer to it,"
                            f" {_home(found[kind])} and {_home(cls)}",
                            hint="block one of them with LAUNCHKIT_BLOCK_PLUGINS",
                        )
        return found

    def get(self, seam: type[C], kind: str) -> type[C]:
        """The class for a kind. :raises PluginError: if there is none, or two."""
        classes = self.classes(seam)
        if kind in classes:
            return classes[kind]
        broken = [info for info in self._infos.values() if info.error and info.name == kind]
        if broken:
            raise PluginError(f"{WORDS[seam]} {kind!r}: plugin {kind} is broken: {broken[0].error}")
        if kind in PROVIDERS:
            raise PluginError(
                f"{WORDS[seam]} {kind!r} is not installed",
                hint=f"it comes with the package {PROVIDERS[kind]}: pip install {PROVIDERS[kind]}",
            )
        near = suggest(kind, classes)
        raise PluginError(
            f"there is no {WORDS[seam]} {kind!r}; there are: {', '.join(sorted(classes))}",
            hint=f"did you mean {near!r}?" if near else None,
        )

    def create(
        self, seam: type[C], kind: str, settings: Mapping[str, object], locate: Locate | None = None
    ) -> C:
        """Make a component: its settings are the fields of its class.

        :raises PluginError: if no class answers to *kind*.
        :raises ConfigError: if the settings do not fit the class.
        """
        return decode(self.get(seam, kind), dict(settings), locate)

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

    @cached_property
    def _by_seam(self) -> Mapping[type[abc.Component], Sequence[Sequence[Any]]]:
        return {seam: getattr(self.hook, hook)() for seam, hook in HOOKS.items()}

    def _register(self, info: PluginInfo, plugin: str | ModuleType) -> None:
        if self._manager.is_blocked(info.name):
            self._infos[info.name] = replace(info, error="blocked")
            return
        try:
            module = import_module(plugin) if isinstance(plugin, str) else plugin
            self._manager.register(module, info.name)
            kinds = tuple(self._kinds(module))
        except Exception as exc:  # noqa: BLE001 - foreign code may raise anything at import
            self._manager.set_blocked(info.name)
            log.warning("plugin %s of %s is left out: %r", info.name, info.source, exc)
            self._infos[info.name] = replace(info, error=repr(exc))
        else:
            self._infos[info.name] = replace(info, kinds=kinds)

    def _kinds(self, module: ModuleType) -> Iterable[str]:
        for seam, hook in HOOKS.items():
            for cls in getattr(module, hook, tuple)():
                yield f"{WORDS[seam]} {cls.kind}"


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _home(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
