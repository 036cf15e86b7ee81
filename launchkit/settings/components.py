"""Settings shown to the components that they are for: kinds, keys and values of plugins."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from launchkit.abc import Builder, Component, Environment, Hub, QueueBackend, Registry, Runner
from launchkit.catalogue import PACKAGES, package_of
from launchkit.codec import Locate, Path, below, decode, unknown_key
from launchkit.errors import ConfigError, PluginError
from launchkit.model import Json, Secret
from launchkit.plugins import Plugins
from launchkit.settings.destinations import read_destination
from launchkit.settings.placeholders import is_placeholder, value_at
from launchkit.settings.schema import CORE_POLICY, AgentSettings, BuilderBlock

C = TypeVar("C", bound=Component)

SEAMS: Mapping[str, type[Component]] = {
    "environment": Environment,
    "registry": Registry,
    "builder": Builder,
}
"""The blocks whose `type` selects a plugin."""
CORE_KEYS: Mapping[str, frozenset[str]] = {
    "environment": frozenset({"type"}),
    "registry": frozenset({"type"}),
    "builder": frozenset(BuilderBlock.model_fields),
    "backend": frozenset({"type", "url"}),
}
"""What the core reads of a block itself; all other keys are the plugin's."""
AGENTS_KEYS = frozenset({"url", "entity", "lease"})
"""Fields of a backend that the core fills in from keys of its own."""


@dataclass(frozen=True)
class Examined:
    """What the installed plugins say of a configuration."""

    data: dict[str, object]
    """The configuration, with secrets marked and the destination as its registry writes it."""
    problems: list[str] = field(default_factory=list)
    runners: dict[str, str] = field(default_factory=dict)
    """What is wrong with the settings of a runner, by its key: no reason for others to stop."""
    notes: list[str] = field(default_factory=list)


def examine(
    data: Json, plugins: Plugins, locate: Locate, queue: type[Component] = QueueBackend
) -> Examined:
    """Show each block to the class of its kind, and the URL of the queue to that of the side that
    opens it; what is not installed can only be noted.
    """
    found = Examined(dict(data))
    for name, seam in SEAMS.items():
        block = data.get(name)
        if isinstance(block, Mapping) and isinstance(block.get("type"), str):
            _examine_block(found, name, seam, plugins, locate)
    _examine_backend(found, plugins, locate, queue)
    _examine_destination(found, plugins, locate)
    runners = data.get("runners")
    if isinstance(runners, Mapping):
        found.data["runners"] = {kind: {} if own is None else own for kind, own in runners.items()}
        for kind in runners:
            _examine_runner(found, str(kind), plugins, locate)
    policy = data.get("policy")
    if isinstance(policy, Mapping):
        _examine_policy(found, policy, plugins, locate)
    return found


def hub_of(settings: AgentSettings, plugins: Plugins) -> Hub:
    """The queue that the settings name, as people use it."""
    queue = settings.queue()
    fields = {**queue.options(), "url": queue.url, "entity": settings.entity}
    return plugins.create(Hub, queue.kind, fields)


def configured_runner(
    settings: AgentSettings,
    runner: type[Runner],
    names: Collection[str],
    problems: Mapping[str, str],
) -> Runner:
    """A runner of its settings, whichever of its *names* they stand under. *problems* are those
    that were found when they were loaded, with their places.

    :raises ConfigError: if the settings do not fit it, or stand under two names.
    """
    if lines := [problems[name] for name in names if name in problems]:
        raise ConfigError("\n".join(lines))
    given = runner_settings(settings, names)
    return runner.configured(given, below("runners", runner.kind))


def runner_settings(settings: AgentSettings, names: Collection[str]) -> Mapping[str, object]:
    """What stands under one of a runner's names.

    :raises ConfigError: if there is something under two.
    """
    given = [name for name in names if name in settings.runners]
    if len(given) > 1:
        raise ConfigError(f"runners.{given[1]}: {given[0]} is another word for it; give one")
    if not given:
        return {}
    return {key: value for key, value in settings.runners[given[0]].items() if value is not None}


def _examine_block(
    found: Examined, name: str, seam: type[Component], plugins: Plugins, locate: Locate
) -> None:
    block: Any = found.data[name]
    kind = block["type"]
    if is_placeholder(kind):
        return
    if seam is Builder and kind == BuilderBlock.AUTO:
        text = "is for a builder that is named, which auto may not choose"
        strange = block.keys() - CORE_KEYS[name]
        found.problems.extend(f"{locate((name, key))}: {text}" for key in sorted(strange))
        return
    cls = _class_for(found, seam, kind, plugins, (name, "type"), locate)
    if cls is None:
        found.data[name] = _cautious(block)
        return
    if cls.unnamed:
        text = f"leave the {name} block out to use this machine, instead of {kind!r}"
        found.problems.append(f"{locate((name, 'type'))}: {text}")
        return
    core = CORE_KEYS[name]
    own = {key: value for key, value in block.items() if key not in core and value is not None}
    if any(is_placeholder(value_at(own, (key,))) for key in own if key == "uri"):
        return
    found.problems.extend(_problems(cls, own, lambda path: locate((name, *path))))
    for key in _unheeded(cls, own):
        found.notes.append(f"{locate((name, key))}: has no effect: {name} {kind} does not have it")
    found.data[name] = {**block, **_shown(cls, own)}


def _examine_backend(
    found: Examined, plugins: Plugins, locate: Locate, queue: type[Component]
) -> None:
    """Let the backend that the URL or the type names read its keys."""
    given = found.data.get("backend")
    block = {"url": given} if isinstance(given, str) else given
    if not isinstance(block, Mapping) or not isinstance(block.get("url"), str):
        return
    kind = block.get("type") or block["url"].partition(":")[0]
    own = {key: value for key, value in block.items() if key not in CORE_KEYS["backend"]}
    cls: type[Component] | None
    if own:
        cls = _class_for(found, QueueBackend, str(kind), plugins, ("backend",), locate)
    else:
        cls = _class_if_any(plugins, queue, str(kind))
    if cls is None:
        found.data["backend"] = _cautious(block) if own else given
        return
    known = [name for name in cls.setting_names() if name not in AGENTS_KEYS]
    strange = [key for key in own if key.replace("-", "_") not in known]
    for key in strange:
        found.problems.append(unknown_key(locate(("backend", key)), key, (*known, "type")))
    settings = {key: own[key] for key in own if key not in strange and own[key] is not None}

    def below(path: Path) -> str:
        written = isinstance(given, Mapping) and path != ("entity",)
        return locate(("backend", *path) if written else ("backend",))

    found.problems.extend(_problems(cls, {"url": block["url"], "entity": "", **settings}, below))
    if own:
        found.data["backend"] = {**block, **_shown(cls, settings)}


def _class_if_any(plugins: Plugins, queue: type[C], kind: str) -> type[C] | None:
    """The class of a queue's URL. That there is none is told by who opens the queue."""
    with suppress(PluginError):
        return plugins.find(queue, kind)
    return None


def _class_for(
    found: Examined,
    seam: type[C],
    kind: str,
    plugins: Plugins,
    path: Path,
    locate: Locate,
) -> type[C] | None:
    """The class of a kind; that there is none to be used is told."""
    try:
        return plugins.get(seam, kind)
    except PluginError as exc:
        reason = exc
    package = package_of(seam.seam, kind)
    if package and kind not in plugins.unusable(seam):
        text = f"{reason.message}, so its settings cannot be looked at; {package} provides it"
        found.notes.append(f"{locate(path)}: {text}")
        return None
    text = "; ".join(part for part in (reason.message, reason.hint) if part)
    line = f"{locate(path)}: {text}"
    if seam is Runner:
        found.runners[kind] = line
    else:
        found.problems.append(line)
    return None


def _unheeded(cls: type[Component], settings: Json) -> list[str]:
    """The keys that a class takes and does nothing with, if it can tell."""
    try:
        return cls.unheeded(settings)
    except PluginError:
        return []


def _shown(cls: type[Component], settings: Json) -> dict[str, object]:
    """The settings with secrets marked; a class that cannot tell them shows none."""
    try:
        return cls.shown(settings)
    except PluginError:
        return {
            key: Secret(value) if isinstance(value, str) else value
            for key, value in settings.items()
        }


def _cautious(settings: Json) -> dict[str, object]:
    """Settings that no class tells the types of: what sounds like a secret is taken for one."""
    from launchkit.secret_names import is_secret_name

    return {
        key: Secret(value) if isinstance(value, str) and is_secret_name(key) else value
        for key, value in settings.items()
    }


def _examine_destination(found: Examined, plugins: Plugins, locate: Locate) -> None:
    """Let the registry that the destination is in read it."""
    builder = found.data.get("builder")
    if not isinstance(builder, Mapping):
        return
    if builder.get("uri") is not None and builder.get("destination") is not None:
        text = "is another word for destination; give one of them"
        found.problems.append(f"{locate(('builder', 'uri'))}: {text}")
        return
    given = builder.get("destination")
    if not isinstance(given, str) or is_placeholder(given):
        return
    alone = not found.data.get("registry")
    where = locate(("builder", "destination"))
    read = read_destination(given, plugins, where, alone=alone)
    found.problems.extend(read.problems)
    found.notes.extend(read.notes)
    if not read.problems:
        found.data["builder"] = {**builder, "destination": read.repository}


def _examine_runner(found: Examined, kind: str, plugins: Plugins, locate: Locate) -> None:
    runners: Any = found.data["runners"]
    given = runners[kind]
    cls = _class_for(found, Runner, kind, plugins, ("runners", kind), locate)
    if cls is None:
        runners[kind] = _cautious(given) if isinstance(given, Mapping) else given
        return
    names = plugins.kinds(Runner)[cls]
    twice = [name for name in names if name in runners and name != kind]
    if twice:
        text = f"{twice[0]} is another word for it; give one of them"
        found.runners[kind] = f"{locate(('runners', kind))}: {text}"
    if not isinstance(given, Mapping):
        return
    runners[kind] = _shown(cls, given)
    if not twice:
        own = {key: value for key, value in given.items() if value is not None}
        lines = _problems(cls, own, lambda path: locate(("runners", kind, *path)))
        if text := "\n".join(lines):
            found.runners[kind] = text


def _examine_policy(found: Examined, policy: Json, plugins: Plugins, locate: Locate) -> None:
    """Give the keys that are not the core's to the runners that declare them."""
    theirs = {key: value for key, value in policy.items() if key not in CORE_POLICY}
    if not theirs:
        return
    classes = policy_classes(plugins)
    known = {one.name for cls in classes for one in fields(cls)}
    for key in theirs.keys() - known:
        where = locate(("policy", key))
        if package := PACKAGES["policy"].get(key):
            found.notes.append(f"{where}: is for {package}, which is not installed")
        else:
            names = [*CORE_POLICY, *known, *PACKAGES["policy"]]
            _unknown_policy(found, unknown_key(where, key, names), plugins)

    def below_policy(path: Path) -> str:
        return locate(("policy", *path))

    for cls in classes:
        names = [one.name for one in fields(cls)]
        if own := {key: value for key, value in theirs.items() if key in names}:
            found.problems.extend(_lines(cls, own, below_policy))


def _unknown_policy(found: Examined, line: str, plugins: Plugins) -> None:
    """A key that resembles none may be for a plugin that is left out: its runner cannot be used,
    so that there is nothing to forbid.
    """
    left_out = plugins.left_out()
    if left_out and "did you mean" not in line:
        found.notes.append(f"{line}; it may be for what is left out: {', '.join(sorted(left_out))}")
    else:
        found.problems.append(line)


def policy_classes(plugins: Plugins) -> list[Any]:
    """The dataclasses of keys that installed runners have under `policy`."""
    runners = plugins.kinds(Runner)
    return list(dict.fromkeys(cls.policy_class for cls in runners if cls.policy_class))


def _problems(cls: type[Component], settings: Json, locate: Locate) -> Iterator[str]:
    try:
        cls.configured(settings, locate)
    except ConfigError as exc:
        yield from exc.message.splitlines()
    except PluginError as exc:
        yield f"{locate(())}: {exc.message}"


def _lines(of: type[Any], data: Json, locate: Locate) -> Iterator[str]:
    try:
        decode(of, data, locate)
    except ConfigError as exc:
        yield from exc.message.splitlines()
