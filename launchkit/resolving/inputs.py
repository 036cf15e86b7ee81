"""Inputs of a launch: its config against the job's schema, and its paths and texts."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from launchkit.addresses import masked, masked_address, without_digest
from launchkit.codec import below, check_depth, check_numbers, dotted
from launchkit.errors import ConfigError, Rejected
from launchkit.model import GitSource, ImageSource, Json, LaunchSpec, Recipe
from launchkit.model.names import length_problem
from launchkit.plain_text import shortened
from launchkit.resolving.nested import MOST_CHARACTERS, MOST_VALUES, are_too_much, texts

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""Version 00 of https://www.w3.org/TR/trace-context/; ids of zeros only are not valid."""
_PLAIN_PATH = re.compile(r"(?![-/])(?!\w+://)[^\s;|&<>$`]+")
"""A word that may be a path, and neither an option nor a piece of a script."""
LONGEST = 10 * 366 * 86400.0
"""Seconds: no system waits longer, and few can."""
LONGEST_GRACE = 86_400.0
"""Seconds: so long a run may take its time when it is to end, and keeps its place."""
MOST_ERRORS = 100
"""So many are told of a config that does not fit."""
FILE_SUFFIXES = (".json", ".yaml", ".yml")


def check_config(config: Json, schema: Json) -> None:
    """Look whether a run's config fits its job's JSON Schema 2020-12. No reference elsewhere is
    followed.

    :raises Rejected: naming each value that does not fit, or what is wrong with the schema.
    """
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError

    from launchkit.resolving.bounded_schema import bounded_validator
    from launchkit.resolving.schema_parts import Unusable

    document: Any = config
    try:
        validator = bounded_validator(schema)
        Draft202012Validator.check_schema({**schema}, format_checker=FormatChecker(()))
        errors = list(islice(validator.iter_errors(document), MOST_ERRORS))
    except (Unusable, RecursionError) as exc:
        raise Rejected(f"the job's input schema cannot be used: {exc}") from exc
    except SchemaError as exc:
        why = shortened(exc.message)
        raise Rejected(f"the job's input schema is not a JSON Schema: {why}") from exc
    if errors:
        raise Rejected(
            "\n".join(map(_misfit, errors)),
            hint="`launchkit job show` prints the job's input schema",
        )


def _misfit(error: Any) -> str:
    return f"{dotted(('config', *error.absolute_path))}: {shortened(error.message)}"


def check_inputs(spec: LaunchSpec) -> None:
    """Look at the paths that a launch gives, and for texts that no process can be given.

    :raises Rejected: naming each one that cannot be used.
    """
    if problem := _layer_problem(spec):
        raise Rejected(problem)
    _check_source(spec.recipe)
    for where, args in (
        ("resource_args of the job", spec.recipe.resource_args),
        ("resource_args", spec.overrides.resource_args),
    ):
        _check_base_images(where, args)
    problems = [*_path_problems(spec), *_text_problems(spec), *_timeout_problems(spec)]
    problems += [*_trace_problems(spec), *_name_problems(spec)]
    if problems:
        raise Rejected("\n".join(problems))


def _layer_problem(spec: LaunchSpec) -> str | None:
    """Who adds what is nested too deep to be walked through, or cannot be kept as JSON; or that all
    of it is too much.
    """
    launch = spec.overrides
    layers: Mapping[str, object] = {
        **_layers_of(spec.recipe),
        "config": launch.config,
        "resource_args": launch.resource_args,
        "files": launch.files,
        "artifacts": launch.artifacts,
        "words": (launch.env, launch.entry_point, launch.args),
    }
    return _problem_in(layers)


def check_recipe(recipe: Recipe) -> None:
    """:raises Rejected: if a job's recipe cannot be kept as it is."""
    if problem := _problem_in(_layers_of(recipe)) or _program_problem(recipe.entry_point):
        raise Rejected(problem)
    _check_source(recipe)
    _check_base_images("resource_args of the job", recipe.resource_args)


def _check_source(recipe: Recipe) -> None:
    """A login in an address would be kept, and shown, wherever the launch is; a branch may mean
    other code by the time that it runs.
    """
    _check_image("base_image", recipe.base_image or "")
    match recipe.source:
        case GitSource() as source:
            from launchkit.code.remotes import check_pinned, check_remote

            check_remote(source.remote)
            check_pinned(source)
        case ImageSource(image=image):
            _check_image("image", image)


def _check_image(where: str, image: str) -> None:
    name, _ = without_digest(image)
    if "@" not in name:
        return
    shown = shortened(masked_address(image))
    raise Rejected(
        f"{where}: {shown!r} is the name of no image: what stands before an @ looks like a login",
        hint="leave it out; who pulls the image is known where the agent runs, by `docker login` or"
        " its registry's settings",
    )


def _check_base_images(where: str, resource_args: Json) -> None:
    """Those that a builder is given, wherever it looks for one."""
    for path, text in texts(resource_args.get("builder") or {}):
        if path[-1:] == ("base_image",):
            _check_image(dotted((where, "builder", *path)), text)


def _layers_of(recipe: Recipe) -> Mapping[str, object]:
    return {
        "config of the job": recipe.config,
        "resource_args of the job": recipe.resource_args,
        "input schema of the job": recipe.input_schema,
        "words of the job": (recipe.env, recipe.entry_point, recipe.args),
    }


def _problem_in(layers: Mapping[str, object]) -> str | None:
    for name, layer in layers.items():
        try:
            check_depth(layer, below(name))
            check_numbers(layer, below(name))
        except ConfigError as exc:
            return exc.message
    if are_too_much(layers, MOST_CHARACTERS):
        return (
            f"a launch and its job have more than {MOST_VALUES} values, or {MOST_CHARACTERS}"
            " characters in them or in the paths to them; keep large things in files of the code"
        )
    return None


def _trace_problems(spec: LaunchSpec) -> Iterator[str]:
    if spec.traceparent is not None and not TRACEPARENT.fullmatch(spec.traceparent):
        yield f"traceparent: {spec.traceparent!r} is not one of W3C Trace Context"


def _name_problems(spec: LaunchSpec) -> Iterator[str]:
    for what in ("job", "project", "name", "author"):
        name = getattr(spec, what)
        if problem := length_problem(what, name):
            yield problem
        elif name and (shown := masked(name)) != name:
            yield f"{what}: {shown}: a name is shown to all, and has no password in an address"


def _path_problems(spec: LaunchSpec) -> Iterator[str]:
    for name in spec.overrides.files:
        path = PurePosixPath(name)
        if _escapes(path):
            yield f"files: {name}: must be a path inside the code, without `..`"
        elif path.suffix not in FILE_SUFFIXES:
            yield f"files: {name}: must be a {', '.join(FILE_SUFFIXES)} file"
    yield from _climbing_words(spec)
    working_dir = spec.overrides.working_dir
    in_image = isinstance(spec.recipe.source, ImageSource)
    if working_dir and not in_image and _escapes(PurePosixPath(working_dir)):
        yield f"working_dir: {working_dir}: must be a path inside the code, without `..`"


def _climbing_words(spec: LaunchSpec) -> Iterator[str]:
    """The words of an entry point that name a file above the code."""
    if isinstance(spec.recipe.source, ImageSource):
        return
    start = spec.overrides.working_dir or ""
    for word in spec.overrides.entry_point or spec.recipe.entry_point:
        path = posixpath.normpath(posixpath.join(start, word))
        if _PLAIN_PATH.fullmatch(word) and path.split("/")[0] == "..":
            yield f"entry_point: {word}: leads out of the code; name a file in it, without `..`"


def _text_problems(spec: LaunchSpec) -> Iterator[str]:
    for owner in (spec.recipe, spec.overrides):
        if problem := _program_problem(owner.entry_point or ()):
            yield problem
        for word in (*(owner.entry_point or ()), *(owner.args or ())):
            if "\0" in word:
                yield f"{word!r}: an argument cannot hold a NUL character"
        yield from _env_problems(owner.env)


def _program_problem(entry_point: Sequence[str]) -> str | None:
    """An Engine takes an empty one for none, and what stands behind it for what is to run."""
    if entry_point and not entry_point[0]:
        return "entry_point: its first word, which names the program, is empty"
    return None


def _env_problems(env: Mapping[str, str | None]) -> Iterator[str]:
    if not env:
        return
    from launchkit.resolving.env_list import is_variable_name

    for name, value in env.items():
        if not is_variable_name(name):
            yield f"env: {name!r} cannot be the name of an environment variable"
        elif value is not None and "\0" in value:
            yield f"env.{name}: a value cannot hold a NUL character"


def _timeout_problems(spec: LaunchSpec) -> Iterator[str]:
    for name, value in asdict(spec.timeouts).items():
        most = LONGEST_GRACE if name == "stop_grace" else LONGEST
        if value is not None and not 0 <= value <= most:
            yield (
                f"timeouts.{name}: must be seconds, at most {most:.0f}, or 0 for no limit,"
                f" not {value!r}"
            )


def _escapes(path: PurePosixPath) -> bool:
    return path.is_absolute() or ".." in path.parts
