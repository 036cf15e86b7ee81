"""Load the settings: defaults < file < environment variables < flags."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from launchkit.abc import QueueBackend, Runner
from launchkit.codec import Locate, decode, dotted
from launchkit.codec import Path as KeyPath
from launchkit.document import Document, read_document
from launchkit.errors import ConfigError, PluginError
from launchkit.plugins import Plugins
from launchkit.settings.checks import BLOCKS, placeholders, problems, value_at, without
from launchkit.settings.places import default_cache_dir, default_state_dir
from launchkit.settings.schema import AgentSettings
from launchkit.settings.sources import find_file, from_flags, from_variables
from launchkit.settings.tidy import WORDS, tidied
from launchkit.steps.walk import leaves


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Settings, and where they are from."""

    settings: AgentSettings
    origins: Mapping[str, str]
    """Dotted key → `default`, `file:line`, `$VARIABLE` or `--flag`."""
    warnings: tuple[str, ...]
    path: Path | None
    """The file that was read."""


def load_settings(
    config: Path | str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
    plugins: Plugins | None = None,
) -> Loaded:
    """Read the settings; a flag of None counts as not given.

    :raises ConfigError: naming all that is wrong, each with the place where it stands.
    """
    path = find_file(config, environ)
    document = read_document(path) if path else Document({}, "", {})
    filed, warnings = tidied(document)
    variables, from_env = from_variables(environ)
    given, from_command = from_flags(flags or {})
    sources = {**from_env, **from_command}

    def locate(where: KeyPath) -> str:
        source = sources.get(str(where[0])) if where else None
        return f"{source}: {dotted(where)}" if source else document.locate(where)

    data = {**filed, **variables, **given}
    settings = _checked(data, environ, locate, plugins)
    return Loaded(
        settings=settings,
        origins=_origins(settings, document, sources),
        warnings=(*document.warnings, *warnings),
        path=path,
    )


def missing_components(settings: AgentSettings, plugins: Plugins) -> tuple[PluginError, ...]:
    """One error for each component that the settings name but no plugin provides."""
    named = [
        (rules.seam, block.type)
        for name, rules in BLOCKS.items()
        if (block := getattr(settings, name)) is not None
    ]
    named += [(Runner, kind) for kind in settings.runners]
    if settings.backend:
        named.append((QueueBackend, settings.backend.partition(":")[0]))
    errors = []
    for seam, kind in named:
        try:
            plugins.get(seam, kind)
        except PluginError as exc:
            errors.append(exc)
    return tuple(errors)


def _checked(
    data: dict[str, object],
    environ: Mapping[str, str],
    locate: Locate,
    plugins: Plugins | None,
) -> AgentSettings:
    unfilled = placeholders(data)
    found = [
        (path, f"is still the placeholder {value_at(data, path)!r}; put your own value there")
        for path in unfilled
    ]
    found += problems(data, cache(lambda: plugins or Plugins(environ=environ)))
    lines = [f"{locate(path)}: {text}" for path, text in found]
    places = {
        "state_dir": default_state_dir(environ),
        "cache_dir": default_cache_dir(environ),
    }
    try:
        settings = decode(AgentSettings, {**places, **without(data, unfilled)}, locate)
    except ConfigError as exc:
        raise ConfigError("\n".join((exc.message, *lines))) from exc
    if lines:
        raise ConfigError("\n".join(lines))
    return settings


def _origins(
    settings: AgentSettings, document: Document, sources: Mapping[str, str]
) -> dict[str, str]:
    def origin(path: KeyPath) -> str:
        for word in (path, WORDS.get(path, path)):
            if str(word[0]) in sources:
                return sources[str(word[0])]
            if word in document.lines:
                return f"{document.source}:{document.lines[word]}"
        return "default"

    dumped = settings.model_dump(mode="json", by_alias=True)
    return {dotted(path): origin(path) for path in _keys(dumped)}


def _keys(dumped: Mapping[str, object]) -> dict[KeyPath, None]:
    """The path of each key that has a value of its own; a list is one value."""
    found: dict[KeyPath, None] = {}
    for path, _ in leaves(dumped):
        inside = next((i for i, part in enumerate(path) if isinstance(part, int)), len(path))
        found[path[:inside]] = None
    return found
