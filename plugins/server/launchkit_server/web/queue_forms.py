"""The form of a queue: what was written in it, the queue that it means, and what is wrong where."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from launchkit.codec import plain
from launchkit.document import Document, parse_mapping
from launchkit.errors import ConfigError, LaunchkitError, Rejected
from launchkit.line_changes import line_changes
from launchkit.model import Json, Queue, QueueSpec, Scalar, Variable
from launchkit.resolving.config_places import ConfigPlaces
from launchkit.resolving.queue_checks import check_name, check_queue, check_secrets
from launchkit.resolving.templates import find_variables
from launchkit.resolving.variables import cast, parse_variables
from launchkit_server.kinds import runner_of, shown_to_runner
from launchkit_server.web.filters import as_json, as_yaml
from launchkit_server.web.forms import Form

SOURCE = "config"
"""How messages call the text of the config."""
_PLACED = re.compile(rf"{SOURCE}:(\d+): ")
TYPES = {"string": "String", "integer": "Integer", "number": "Float"}
TEXTS = ("default", "minimum", "maximum", "enum", "pattern", "max_length", "description")
NUMBERS_ONLY = frozenset({"minimum", "maximum"})
TEXTS_ONLY = frozenset({"pattern", "max_length"})
Syntax = Literal["yaml", "json"]
Variables = Mapping[str, Variable]
NONE: Variables = {}
UNNAMED = "unnamed"
"""What a queue is called that has no name yet."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong: at a line of the config, at a part of the form, or somewhere."""

    message: str
    line: int | None = None
    at: str | None = None
    """The name of a field of the form, such as `name` or `var.cpus.minimum`."""

    @property
    def place(self) -> str | None:
        """The id of what it stands at in the form."""
        return "config-faults" if self.line is not None else self.at

    @property
    def where(self) -> str:
        """The words for its place."""
        return (
            f"line {self.line}" if self.line is not None else (self.at or "").removeprefix("var.")
        )


@dataclass(frozen=True, kw_only=True)
class Tile:
    """What was written of one template variable."""

    name: str
    type: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def meant(self) -> dict[str, object]:
        """The definition, as `parse_variables` reads it; what is empty is not said."""
        found: dict[str, object] = {"type": self.type}
        unfit = NUMBERS_ONLY if self.type == "string" else TEXTS_ONLY
        for key, text in self.texts.items():
            if text and key not in unfit:
                found[key] = self._value(key, text)
        return found

    def _value(self, key: str, text: str) -> object:
        if key == "enum":
            return [_typed(one.strip(), self.type) for one in text.split("\n") if one.strip()]
        if key == "default" or key in NUMBERS_ONLY:
            return _typed(text, self.type)
        return _typed(text, "integer") if key == "max_length" else text


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What was written in the form."""

    name: str = ""
    resource: str = "local-process"
    prioritization: bool = False
    limit: str = ""
    config: str = ""
    syntax: Syntax = "yaml"
    tiles: Mapping[str, Tile] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a draft means: a queue, if all is well, and else what is wrong; the tiles are those of
    the fields in the config as it is written now.
    """

    draft: Draft
    spec: QueueSpec | None = None
    faults: Sequence[Fault] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """Those whose definitions hold."""
    loses_comments: bool = False
    """It was to become JSON, which would drop the comments in its config."""

    def of(self, at: str) -> str | None:
        """What is wrong with one field of the form."""
        lines = [one.message for one in self.faults if one.at == at]
        return "\n".join(lines) or None


def drafted(form: Form) -> Draft:
    """What a browser sent."""
    tiles = {}
    for key in form.fields:
        if found := re.fullmatch(r"var\.(.{1,200})\.type", key):
            name = found[1]
            texts = {one: form.raw(f"var.{name}.{one}").strip() for one in TEXTS}
            tiles[name] = Tile(name=name, type=form.text(key), texts=texts)
    return Draft(
        name=form.text("name"),
        resource=form.text("resource"),
        prioritization=form.checked("prioritization"),
        limit=form.text("max_concurrent"),
        config=form.raw("config"),
        syntax="json" if form.text("syntax") == "json" else "yaml",
        tiles=tiles,
        version=form.text("version"),
    )


def draft_of(queue: Queue) -> Draft:
    """A queue as the form shows it before anything is changed."""
    spec = queue.spec
    return Draft(
        name=spec.name,
        resource=spec.resource,
        prioritization=spec.prioritization,
        limit="" if spec.max_concurrent is None else str(spec.max_concurrent),
        config=as_yaml(dict(spec.config)) if spec.config else "",
        tiles={name: tile_of(name, variable) for name, variable in spec.variables.items()},
        version=str(queue.version),
    )


def tile_of(name: str, variable: Variable) -> Tile:
    """A template variable as its tile shows it."""
    said = {key: value for key, value in plain(variable).items() if value is not None}
    texts = {key: _text(said[key]) for key in TEXTS if key in said}
    return Tile(name=name, type=variable.type, texts=texts)


def in_syntax(draft: Draft, wanted: Syntax) -> Draft:
    """A draft with its config in another syntax; one that cannot be read, or has it already, stays
    as it is, with its comments.
    """
    if draft.syntax == wanted:
        return draft
    try:
        data = parse_mapping(draft.config, SOURCE).data
    except ConfigError:
        return draft
    config = as_json(data) if wanted == "json" else as_yaml(data)
    return replace(draft, config=config, syntax=wanted)


def read(draft: Draft, *, strict: bool = True, before: Variables = NONE) -> Reading:
    """What a draft means; one that is not *strict* may lack a name. A tile in which nothing was
    changed means what it meant *before*. Looks up plugins, in files.
    """
    try:
        document = parse_mapping(draft.config, SOURCE)
    except ConfigError as exc:
        told = f"{exc.message}; {exc.hint}" if exc.hint else exc.message
        return Reading(draft=draft, faults=[*_placed(ConfigError(told))])
    assert isinstance(document.data, dict)  # noqa: S101 - parse_mapping says so
    tiles = _tiles(document.data, draft.tiles)
    variables, faults = _variables(tiles.values(), before)
    name = draft.name if strict or draft.name else UNNAMED
    limit = _limit(draft.limit)
    spec = QueueSpec(
        name=name,
        resource=draft.resource,
        config=document.data,
        variables=variables,
        prioritization=draft.prioritization,
        max_concurrent=limit if isinstance(limit, int) else None,
    )
    if not faults:
        faults += _objections(replace(spec, name=UNNAMED), document)
    faults += _name_faults(name)
    if limit == "":
        faults.append(Fault(message="must be a whole number, 0 or more", at="max_concurrent"))
    return Reading(
        draft=_with_tiles(draft, tiles),
        spec=None if faults else spec,
        faults=faults,
        variables=variables,
    )


def changes(before: QueueSpec, after: QueueSpec) -> Sequence[tuple[str, str]]:
    """What is changed about a queue, line by line, each with `+`, `-`, `@` or nothing."""
    old, new = (as_yaml(editable(one)).splitlines() for one in (before, after))
    lines = [*line_changes(old, new)][2:]
    return [("@", "") if line[0] == "@" else (line[0].strip(), line[1:]) for line in lines]


def editable(spec: QueueSpec) -> Json:
    """What may be changed about a queue, as files have it."""
    said = {
        name: {key: value for key, value in plain(one).items() if value is not None}
        for name, one in spec.variables.items()
    }
    return {
        "prioritization": spec.prioritization,
        "max_concurrent": spec.max_concurrent,
        "config": plain(dict(spec.config)),
        "template_variables": said,
    }


def _tiles(config: Json, written: Mapping[str, Tile]) -> Mapping[str, Tile]:
    """A tile for each field in a config: as it was written, or with a guess."""
    guessed = find_variables(config)
    return {name: written.get(name) or tile_of(name, guess) for name, guess in guessed.items()}


def _with_tiles(draft: Draft, tiles: Mapping[str, Tile]) -> Draft:
    return replace(draft, tiles=tiles)


def _variables(tiles: Iterable[Tile], before: Variables) -> tuple[dict[str, Variable], list[Fault]]:
    found: dict[str, Variable] = {}
    faults: list[Fault] = []
    for tile in tiles:
        if tile.name in before and _untouched(tile, before[tile.name]):
            found[tile.name] = before[tile.name]
            continue
        try:
            found.update(parse_variables({tile.name: tile.meant()}))
        except ConfigError as exc:
            for line in exc.message.splitlines():
                place, _, said = line.partition(": ")
                key = place.removeprefix(f"{tile.name}.").partition("[")[0]
                faults.append(Fault(message=said or line, at=f"var.{tile.name}.{key}"))
    return found, faults


def _untouched(tile: Tile, before: Variable) -> bool:
    """Whether a tile came back as it was shown. It may show less than there is: an empty text, or
    one of several lines, which a field of one line joins.
    """
    shown = tile_of(tile.name, before)

    def sent(key: str) -> str:
        text = shown.texts.get(key, "")
        return (text if key == "enum" else text.replace("\r", "").replace("\n", "")).strip()

    texts = {key: sent(key) for key in TEXTS}
    return tile.type == shown.type and texts == {key: tile.texts.get(key, "") for key in TEXTS}


def _name_faults(name: str) -> Iterator[Fault]:
    try:
        check_name("queue", name)
    except ConfigError as exc:
        yield Fault(message=exc.message, at="name")


def _objections(spec: QueueSpec, document: Document) -> Iterator[Fault]:
    """What the rules, and the runner if it is here, say of a queue."""

    def locate(path: tuple[str | int, ...]) -> str:
        return document.locate(path[1:]) if path[:1] == ("config",) else f"@{path[0]}"

    try:
        check_queue(spec, locate)
        check_secrets(spec)
        runner = shown_to_runner(spec)
    except Rejected as exc:
        yield from _placed(_in_lines(exc, spec, document))
    except ConfigError as exc:
        yield from _placed(exc)
    else:
        if runner is None:
            yield Fault(message="no plugin that is installed here runs it", at="resource")


def _in_lines(exc: Rejected, spec: QueueSpec, document: Document) -> LaunchkitError:
    runner = runner_of(spec.resource)
    kinds = (spec.resource, *(runner.names() if runner else ()))
    return Rejected(ConfigPlaces(spec.config, document.locate, kinds).told(exc.message))


def _placed(exc: LaunchkitError) -> Iterator[Fault]:
    for line in exc.message.splitlines():
        if found := _PLACED.match(line):
            yield Fault(message=line[found.end() :], line=int(found[1]))
        elif line.startswith("@"):
            place, _, said = line[1:].partition(": ")
            yield Fault(message=said, at=place)
        else:
            yield Fault(message=line.removeprefix(f"{SOURCE}: "), line=1)


def _limit(text: str) -> int | Literal[""] | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else ""


def _typed(text: str, kind: str) -> Scalar:
    """A text as a value of its type; one that is none stays, so that it is told of."""
    if kind not in TYPES:
        return text
    try:
        return cast(text, Variable(type=kind))  # type: ignore[arg-type] # it is one of them
    except ValueError:
        return text


def _text(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
