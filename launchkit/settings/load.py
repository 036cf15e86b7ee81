"""Load the settings: defaults < file < environment variables < flags."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchkit.abc import Component, Hub, QueueBackend
from launchkit.codec import Locate, decode, dotted
from launchkit.codec import Path as KeyPath
from launchkit.document import Document, read_document
from launchkit.errors import ConfigError, PluginError, hiding
from launchkit.plugins import Plugins
from launchkit.resolving.nested import leaves
from launchkit.settings.components import SEAMS, Examined, examine
from launchkit.settings.placeholders import placeholders, value_at, without
from launchkit.settings.places import default_cache_dir, default_state_dir
from launchkit.settings.schema import AgentSettings
from launchkit.settings.sources import (
    find_file,
    from_flags,
    from_variables,
    unknown_variables,
    unread_file,
)
from launchkit.settings.tidy import WORDS, tidied

if TYPE_CHECKING:
    from launchkit.resolving.masking import Mask

AGENTS_OWN = frozenset({"environment", "registry", "builder", "runners", "policy"})
"""Keys whose values are for components of an agent."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Settings, and where they are from."""

    settings: AgentSettings
    document: Document = field(repr=False)
    """The file that was read, or an empty one."""
    sources: Mapping[str, str]
    """Key → `$VARIABLE` or `--flag`, for those that stand above the file."""
    warnings: tuple[str, ...]
    path: Path | None
    """The file that was read."""
    runner_problems: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with the settings of a runner, by its key, with its place. An agent claims
    nothing for such a kind, and works for all others."""
    hide: Callable[[str], str] = field(repr=False)
    """Puts `…` in place of the secrets of these settings in what is told of them later."""

    @cached_property
    def origins(self) -> Mapping[str, str]:
        """Dotted key → `default`, `file:line`, `$VARIABLE` or `--flag`."""
        dumped = self.settings.model_dump(mode="json", by_alias=True)
        return {dotted(path): self._origin(path) for path in _keys(dumped)}

    def _origin(self, path: KeyPath) -> str:
        for word in (path, WORDS.get(path, path)):
            if str(word[0]) in self.sources:
                return self.sources[str(word[0])]
            if word in self.document.lines:
                return f"{self.document.source}:{self.document.lines[word]}"
        return "default"


def load_settings(
    config: Path | str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
    plugins: Plugins | None = None,
    for_agent: bool = True,
) -> Loaded:
    """Read the settings; a flag of None counts as not given.

    What plugins have to say of their blocks is asked of *plugins*, or of those that are installed.
    Without *for_agent* the blocks, which clients do not need, are left out and not shown to their
    plugins; what is a secret in them is hidden all the same.

    :raises ConfigError: naming all that is wrong, each with the place where it stands, and with `…`
        for what is a secret there as names tell.
    """
    path = find_file(config, environ)
    beside = unread_file(path, config, environ)
    document = read_document(path) if path else Document({}, "", {})
    filed, warnings = tidied(document)
    variables, from_env = from_variables(environ)
    given, from_command = from_flags(flags or {})
    sources = {**from_env, **from_command}

    def locate(where: KeyPath) -> str:
        source = sources.get(str(where[0])) if where else None
        return f"{source}: {dotted(where)}" if source else document.locate(where)

    data = {**filed, **variables, **given}
    hide = _mask_of(data)
    if not for_agent:
        data = {key: value for key, value in data.items() if key not in AGENTS_OWN}
    queue = QueueBackend if for_agent else Hub
    with _on_errors(hide):
        examined = examine(data, plugins or Plugins(environ=environ), locate, queue)
        settings = _checked(examined, environ, locate)
    return Loaded(
        settings=settings,
        document=document,
        sources=sources,
        warnings=(
            *beside,
            *unknown_variables(environ),
            *document.warnings,
            *map(hide, (*warnings, *examined.notes)),
        ),
        path=path,
        runner_problems={kind: hide(text) for kind, text in examined.runners.items()},
        hide=hide,
    )


def missing_components(settings: AgentSettings, plugins: Plugins) -> tuple[PluginError, ...]:
    """One error for each component that an agent cannot be without, and no plugin provides."""
    named: list[tuple[type[Component], str]] = [
        (seam, block.type)
        for name, seam in SEAMS.items()
        if (block := getattr(settings, name)) is not None
    ]
    if settings.backend:
        named.append((QueueBackend, settings.backend.kind))
    return tuple(
        plugins.missing(seam, kind) for seam, kind in named if plugins.find(seam, kind) is None
    )


def _mask_of(data: Mapping[str, Any]) -> Callable[[str], str]:
    """Puts `…` in place of the secrets of settings. What they are is found out when something is
    told: most commands tell nothing.
    """

    @cache
    def mask() -> "Mask":
        from launchkit.settings.hidden import mask_of

        return mask_of(data)

    def hide(text: str) -> str:
        return mask()(text)

    return hide


@contextmanager
def _on_errors(hide: Callable[[str], str]) -> Iterator[None]:
    """Let what is raised meanwhile have `…` for the secrets, also where it is cut.

    :raises ConfigError: in place of one with a secret in it.
    """
    try:
        with hiding(hide):
            yield
    except ConfigError as exc:
        raise ConfigError(hide(exc.message), hint=exc.hint and hide(exc.hint)) from exc


def _checked(examined: Examined, environ: Mapping[str, str], locate: Locate) -> AgentSettings:
    data = examined.data
    unfilled = placeholders(data)
    lines = [
        f"{locate(path)}: is still the placeholder {value_at(data, path)!r};"
        " put your own value there"
        for path in unfilled
    ]
    lines += examined.problems
    places = {
        "state_dir": default_state_dir(environ),
        "cache_dir": default_cache_dir(environ),
    }
    try:
        settings = decode(AgentSettings, {**places, **without(data, unfilled)}, locate)
    except ConfigError as exc:
        raise ConfigError("\n".join((exc.message, *lines, *examined.runners.values()))) from exc
    if lines:
        raise ConfigError("\n".join((*lines, *examined.runners.values())))
    return settings


def _keys(dumped: Mapping[str, object]) -> dict[KeyPath, None]:
    """The path of each key that has a value of its own; a list is one value."""
    found: dict[KeyPath, None] = {}
    for path, _ in leaves(dumped):
        inside = next((i for i, part in enumerate(path) if isinstance(part, int)), len(path))
        found[path[:inside]] = None
    return found
