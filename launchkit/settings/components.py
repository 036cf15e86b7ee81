"""Settings shown to the components that they are for: kinds, keys and values of plugins."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from launchkit.abc import Builder, Component, Environment, Registry, Runner
from launchkit.catalogue import PACKAGES, package_of
from launchkit.codec import Locate, Path, decode, unknown_key
from launchkit.errors import ConfigError
from launchkit.model import Json, Secret
from launchkit.plugins import Plugins
from launchkit.settings.placeholders import is_placeholder, value_at
from launchkit.settings.schema import CORE_POLICY, AgentSettings, BuilderBlock

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
}
"""What the core reads of a block itself; all other keys are the plugin's."""

SECRET_SOUND = re.compile(r"password|passwd|secret|token|credential", re.IGNORECASE)


@dataclass(frozen=True)
class Examined:
    """What the installed plugins say of a configuration."""

    data: dict[str, object]
    """The configuration, with secrets marked and the destination as its registry writes it."""
    problems: list[str] = field(default_factory=list)
    runners: dict[str, str] = field(default_factory=dict)
    """What is wrong with the settings of a runner, by its key: no reason for others to stop."""
    notes: list[str] = field(default_factory=list)


def examine(data: Json, plugins: Plugins, locate: Locate) -> Examined:
    """Show each block to the class of its kind; what is not installed can only be noted."""
    found = Examined(dict(data))
    for name, seam in SEAMS.items():
        block = data.get(name)
        if isinstance(block, Mapping) and isinstance(block.get("type"), str):
            _examine_block(found, name, seam, plugins, locate)
    _examine_destination(found, plugins, locate)
    runners = data.get("runners")
    if isinstance(runners, Mapping):
        found.data["runners"] = dict(runners)
        for kind in runners:
            _examine_runner(found, str(kind), plugins, locate)
    policy = data.get("policy")
    if isinstance(policy, Mapping):
        _examine_policy(found, policy, plugins, locate)
    return found


def runner_settings(settings: AgentSettings, runner: type[Runner]) -> Mapping[str, object]:
    """The settings of a runner, whichever of its names they stand under.

    :raises ConfigError: if they stand under two.
    """
    given = [name for name in runner.names() if name in settings.runners]
    if len(given) > 1:
        raise ConfigError(f"runners.{given[1]}: {given[0]} is another word for it; give one")
    if not given:
        return {}
    return {key: value for key, value in settings.runners[given[0]].items() if value is not None}


def registry_for(repository: str, plugins: Plugins) -> type[Registry] | None:
    """The class of the registry that a repository is in, as its host tells, if it is installed."""
    classes = plugins.classes(Registry).values()
    return next((cls for cls in classes if cls.answers_for(repository)), None)


def _examine_block(
    found: Examined, name: str, seam: type[Component], plugins: Plugins, locate: Locate
) -> None:
    block: Any = found.data[name]
    kind = block["type"]
    if is_placeholder(kind):
        return
    cls = plugins.find(seam, kind)
    if cls is None:
        _not_installed(found, seam, kind, plugins, (name, "type"), locate)
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
    found.data[name] = {**block, **cls.shown(own)}


def _not_installed(
    found: Examined,
    seam: type[Component],
    kind: str,
    plugins: Plugins,
    path: Path,
    locate: Locate,
) -> None:
    missing = plugins.missing(seam, kind)
    if package := package_of(seam.seam, kind):
        text = f"{missing.message}, so its settings cannot be looked at; {package} provides it"
        found.notes.append(f"{locate(path)}: {text}")
        return
    text = "; ".join(part for part in (missing.message, missing.hint) if part)
    line = f"{locate(path)}: {text}"
    if seam is Runner:
        found.runners[kind] = line
    else:
        found.problems.append(line)


def _cautious(settings: Json) -> dict[str, object]:
    """Settings that no class tells the types of: what sounds like a secret is taken for one."""
    return {
        key: Secret(value) if isinstance(value, str) and SECRET_SOUND.search(key) else value
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
    where = locate(("builder", "destination"))
    plain = given.removeprefix("https://").rstrip("/")
    cls = registry_for(plain, plugins)
    if cls is None:
        return
    try:
        read = cls.repository(plain)
    except ValueError as exc:
        found.problems.append(f"{where}: {exc}, not {given!r}")
        return
    if read != plain:
        found.notes.append(f"{where}: read as {read}")
    found.data["builder"] = {**builder, "destination": read}


def _examine_runner(found: Examined, kind: str, plugins: Plugins, locate: Locate) -> None:
    runners: Any = found.data["runners"]
    cls, given = plugins.find(Runner, kind), runners[kind]
    if cls is None:
        _not_installed(found, Runner, kind, plugins, ("runners", kind), locate)
        runners[kind] = _cautious(given) if isinstance(given, Mapping) else given
        return
    twice = [name for name in cls.names() if name in runners and name != kind]
    if twice:
        text = f"{twice[0]} is another word for it; give one of them"
        found.runners[kind] = f"{locate(('runners', kind))}: {text}"
    elif isinstance(given, Mapping):
        own = {key: value for key, value in given.items() if value is not None}
        lines = _problems(cls, own, lambda path: locate(("runners", kind, *path)))
        if text := "\n".join(lines):
            found.runners[kind] = text
        runners[kind] = cls.shown(given)


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
            found.problems.append(unknown_key(where, key, names))

    def below_policy(path: Path) -> str:
        return locate(("policy", *path))

    for cls in classes:
        names = [one.name for one in fields(cls)]
        own = {key: value for key, value in theirs.items() if key in names}
        found.problems.extend(_lines(cls, own, below_policy))


def policy_classes(plugins: Plugins) -> list[Any]:
    """The dataclasses of keys that installed runners have under `policy`."""
    runners = plugins.classes(Runner).values()
    return list(dict.fromkeys(cls.policy_class for cls in runners if cls.policy_class))


def _problems(cls: type[Component], settings: Json, locate: Locate) -> Iterator[str]:
    try:
        cls.configured(settings, locate)
    except ConfigError as exc:
        yield from exc.message.splitlines()


def _lines(of: type[Any], data: Json, locate: Locate) -> Iterator[str]:
    try:
        decode(of, data, locate)
    except ConfigError as exc:
        yield from exc.message.splitlines()
