"""The fields of the form for a launch: texts as they are written, and the request they make."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from launchkit.code.remotes import is_commit
from launchkit.codec import decode, encode_json, plain
from launchkit.document import parse_document, require_mapping
from launchkit.errors import ConfigError, LaunchkitError
from launchkit.model import (
    Env,
    GitSource,
    ImageSource,
    LaunchSpec,
    Priority,
    Recipe,
    Timeouts,
    Variable,
)
from launchkit.resolving.variables import parse_set_vars
from launchkit.shell_words import shell_join
from launchkit_server.web.forms import Form
from launchkit_server.web.one_line import carried, meant

VARIABLE = "var:"
"""What the name of a template variable's field begins with."""
OPTIONS_OF_TIMES = {
    "place": "--place-timeout",
    "start": "--start-timeout",
    "run": "--run-timeout",
    "stop_grace": "--stop-grace",
}
TIMEOUTS = (*OPTIONS_OF_TIMES,)
TEXTS = (
    *("queue", "kind", "job", "image", "uri", "ref", "name", "project", "priority"),
    *("entry_point", "args", "env", "config", "resource_args"),
    *(f"timeout_{name}" for name in TIMEOUTS),
)
KINDS = ("job", "image", "git")
NO_COMMIT = "name the full id of a commit: what a branch or tag is now, the command line asks"
LONGEST = 100_000
"""Characters of JSON that are filled into the form: to write more as YAML takes long. Words and a
command have as many, for no system takes a longer word, and to read one takes quadratic time.
"""
LONGEST_SENT = 1_000_000
"""Characters that come back, all fields together; as many as a file of YAML may have."""
SAME = "same"
"""The source of the launch that is launched again."""


@dataclass(frozen=True, kw_only=True)
class LaunchFields:
    """What stands in the form."""

    texts: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")

    @classmethod
    def sent(cls, form: Form) -> "LaunchFields":
        """As a person has filled it in.

        :raises ConfigError: if it is longer than is looked at.
        """
        if (
            size := sum(len(one) for texts in form.fields.values() for one in texts)
        ) > LONGEST_SENT:
            raise ConfigError(
                f"the form has {size} characters, and a form for a launch {LONGEST_SENT} at most",
                hint="launch it on the command line: launchkit launch --help",
            )
        variables = {
            name.removeprefix(VARIABLE): form.text(name)
            for name in form.fields
            if name.startswith(VARIABLE)
        }
        return cls(texts={name: form.raw(name).strip() for name in TEXTS}, variables=variables)

    @classmethod
    def of(cls, queue: str, spec: LaunchSpec, priority: Priority | None = None) -> "LaunchFields":
        """As a request has them.

        :raises ConfigError: if it is longer than anybody would change in a form.
        """
        wanted = spec.overrides
        if (size := len(encode_json(wanted))) > LONGEST:
            raise ConfigError(
                f"what the launch asks for has {size} characters, and a form {LONGEST} at most",
                hint="launchkit requeue puts it back into its queue as it is",
            )
        texts = {
            "queue": queue,
            "kind": SAME,
            "name": spec.name or "",
            "project": spec.project,
            "priority": priority.name.lower() if priority is not None else "",
            "entry_point": shlex.join(wanted.entry_point or ()),
            "args": shlex.join(wanted.args or ()),
            "env": "\n".join(_env_lines(wanted.env)),
            "config": _yaml(wanted.config),
            "resource_args": _yaml(wanted.resource_args),
            **{f"timeout_{name}": _number(getattr(spec.timeouts, name)) for name in TIMEOUTS},
        }
        variables = {name: carried(value) for name, value in spec.template_variables.items()}
        return cls(texts=texts, variables=variables)


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a request begins with: a recipe, or a launch that is launched again."""

    spec: LaunchSpec
    shown: LaunchFields
    """Its fields as the form showed them: one that is still so is kept as it was."""


class Faults(Exception):
    """What is wrong with the fields, by their names; an empty name is the whole."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(faults.values()))
        self.faults = faults


def spec_of(fields: LaunchFields, base: Base, variables: Mapping[str, Variable]) -> LaunchSpec:
    """The request that the fields make of *base*; what the form does not know stays as it is.

    :raises Faults: if some of them cannot be read.
    """
    faults: dict[str, str] = {}
    changed = {name for name in TEXTS if fields[name] != _sent(base.shown[name])}

    def read(name: str, reader: Any, kept: Any) -> Any:
        if name not in changed:
            return kept
        try:
            return reader(fields[name])
        except (LaunchkitError, ValueError) as exc:
            faults[name] = exc.message if isinstance(exc, LaunchkitError) else str(exc)
            return kept

    spec, was = base.spec, base.spec.overrides
    overrides = replace(
        was,
        entry_point=read("entry_point", _words, was.entry_point),
        args=read("args", _words, was.args),
        env=read("env", env_of, was.env),
        config=read("config", _mapping("config"), was.config),
        resource_args=read("resource_args", _mapping("resource_args"), was.resource_args),
    )
    limits = {
        name: read(f"timeout_{name}", _seconds, getattr(spec.timeouts, name)) for name in TIMEOUTS
    }
    values = _values(fields, base, variables, faults)
    if faults:
        raise Faults(faults)
    return replace(
        spec,
        name=read("name", lambda text: text or None, spec.name),
        project=read("project", lambda text: text or "default", spec.project),
        author=None,
        overrides=overrides,
        timeouts=decode(Timeouts, limits),
        template_variables=values,
    )


def recipe_of(fields: LaunchFields) -> Recipe:
    """The recipe of an image or of code in a git repository.

    :raises Faults: if it is not named, or may mean other code tomorrow.
    """
    if fields["kind"] == "image":
        if not fields["image"]:
            raise Faults({"image": "name the image"})
        return Recipe(source=ImageSource(image=fields["image"]))
    if not fields["uri"]:
        raise Faults({"uri": "name the repository"})
    if not fields["entry_point"]:
        raise Faults({"entry_point": "say what to run: code alone has no command"})
    if not is_commit(fields["ref"]):
        raise Faults({"ref": NO_COMMIT})
    return Recipe(source=GitSource(remote=fields["uri"], ref=fields["ref"]))


def priority_in(fields: LaunchFields, *, prioritization: bool) -> Priority | None:
    """The priority that was chosen. :raises Faults: if there is none of that name."""
    word = fields["priority"].upper()
    if not word or not prioritization:
        return None
    if word not in Priority.__members__:
        raise Faults({"priority": f"there is no priority {word[:40]!r}"})
    return Priority[word]


def command_of(fields: LaunchFields) -> str | None:
    """What does the same on the command line, with each value in the word of its option, which it
    would be taken for another one without; None if no command is as long, or names the launch
    that is launched again, or if a field cannot be read.
    """
    size = sum(map(len, (*fields.texts.values(), *fields.variables.values())))
    if size > LONGEST or fields["kind"] == SAME:
        return None
    try:
        given = [*_repeated(fields), *_mappings(fields)]
    except (LaunchkitError, ValueError):
        return None
    words = ["launchkit", "launch", f"--queue={fields['queue'] or 'QUEUE'}"]
    source = {"job": "--job", "image": "--docker-image", "git": "--uri"}
    if flag := source.get(fields["kind"]):
        words.append(
            f"{flag}={fields['uri' if fields['kind'] == 'git' else fields['kind']] or '…'}"
        )
    options = {
        name: f"--{name.replace('_', '-')}"
        for name in ("ref", "entry_point", "name", "project", "priority")
    }
    for name, flag in options.items():
        usual = {"project": "default"}.get(name, "")
        if fields[name] not in {"", usual} and (name != "ref" or fields["kind"] == "git"):
            words.append(f"{flag}={fields[name]}")
    for name, value in fields.variables.items():
        words += [f"--set-var={name}={meant(value)}"] if value else []
    return shell_join([*words, *given])


def _repeated(fields: LaunchFields) -> Iterator[str]:
    yield from (f"--arg={one}" for one in shlex.split(fields["args"]))
    for name, value in env_of(fields["env"]).items():
        yield f"--env={name}" if value is None else f"--env={name}={value}"


def _mappings(fields: LaunchFields) -> Iterator[str]:
    """What is written as YAML, and the limits of time."""
    if args := _mapping("resource_args")(fields["resource_args"]):
        yield f"--resource-args={encode_json(args)}"
    if config := _mapping("config")(fields["config"]):
        yield f"--config={encode_json({'overrides': {'run_config': config}})}"
    for name, option in OPTIONS_OF_TIMES.items():
        if text := fields[f"timeout_{name}"]:
            yield f"{option}={f'{float(text):f}'.rstrip('0').removesuffix('.')}"


def env_of(text: str) -> Env:
    """Variables, one a line, their values as `carried` has them.

    :raises ConfigError: naming the line that is none.
    """
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = line.strip().partition("=")
        if not name and not equals:
            continue
        if not name.strip():
            raise ConfigError(f"line {number}: must be NAME=VALUE, or NAME for the agent's value")
        found[name.strip()] = meant(value) if equals else None
    return found


def _values(
    fields: LaunchFields,
    base: Base,
    variables: Mapping[str, Variable],
    faults: dict[str, str],
) -> Mapping[str, Any]:
    """The values of template variables; those that the queue does not know stay, to be told of."""
    values = {
        name: value
        for name, value in base.spec.template_variables.items()
        if name not in fields.variables
    }
    for name, text in fields.variables.items():
        if name not in variables or not text:
            continue
        if text == base.shown.variables.get(name):
            values[name] = base.spec.template_variables[name]
            continue
        try:
            values |= parse_set_vars([f"{name}={meant(text)}"], {name: variables[name]})
        except LaunchkitError as exc:
            faults[VARIABLE + name] = exc.message.removeprefix(f"{name}: ")
    return values


def _words(text: str) -> tuple[str, ...] | None:
    if len(text) > LONGEST:
        raise ConfigError(f"has {len(text)} characters, and words may have {LONGEST} together")
    return tuple(shlex.split(text)) or None


def _mapping(name: str) -> Any:
    return lambda text: require_mapping(parse_document(text, name))


def _seconds(text: str) -> float | None:
    return float(text) if text else None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _env_lines(env: Env) -> Sequence[str]:
    return [
        name if value is None else f"{name}={value and carried(value)}"
        for name, value in env.items()
    ]


def _sent(shown: str) -> str:
    """A text as it comes back from a browser that had it in an area of text."""
    return shown.replace("\r\n", "\n").replace("\r", "\n").strip()


def _yaml(value: Mapping[str, Any]) -> str:
    if not value:
        return ""
    return str(yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True)).strip()
