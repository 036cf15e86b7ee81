"""How an image comes about: which Dockerfile, from which files, on which base image."""

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from launchkit.code.containment import has_directory, has_file, is_inside
from launchkit.code.survey import Entry
from launchkit.errors import Rejected
from launchkit.images.base_images import base_images
from launchkit.images.context import BuildPlan, list_context
from launchkit.images.dockerfile import Design, mount_cache, write_dockerfile
from launchkit.images.frontends import check_frontends
from launchkit.images.name import check_image_name
from launchkit.images.requirements import Dependencies, find_dependencies, not_installed
from launchkit.model import Json, Launch
from launchkit.plain_text import storable, visible_line
from launchkit.resolving.job_names import entry_file

__all__ = ["BuildPlan", "Reading", "plan_build", "with_cache_mounts"]

BESIDE = ("Dockerfile.launchkit", "Dockerfile.wandb")
"""Dockerfiles that stand beside an entry file; the first one there is taken."""
OPTIONS = "resource_args.builder"
MOST_BYTES = 1 << 20
"""Of a Dockerfile."""

_RUNTIME = re.compile(r"(?:python)?(3\.[0-9]+)(?:\.[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a builder reads a Dockerfile."""

    build_args: Mapping[str, str] = field(default_factory=dict)
    """They may name the images that it stands on."""
    heredocs: bool = True
    """Whether the lines of a heredoc are a text, and no instructions."""
    frontends: Collection[str] | None = None
    """The repositories of those that it may name, beside Docker's own; None: a line that names one
    is a comment."""


def plan_build(launch: Launch, code: Path, reading: Reading | None = None) -> BuildPlan:
    """Choose and read all that goes into the image of *launch*; its code lies in *code*.

    The Dockerfile is that of the launch, else of the job, else one beside the entry file, whose
    directory becomes the context, else one that `write_dockerfile` makes. One's own is looked at
    in the builder's *reading*.

    :raises Rejected: if something that was asked for is not there, malformed or not allowed.
    """
    context = _context(launch, code)
    reading = reading or Reading()
    if launch.dockerfile:
        return _own_plan(launch, context, launch.dockerfile, reading)
    folder = _entry_directory(launch, context)
    for name in BESIDE:
        if has_file(folder, name):
            return _own_plan(launch, folder, name, reading)
    return _generated_plan(launch, context)


def with_cache_mounts(plan: BuildPlan) -> BuildPlan:
    """The plan for a builder that knows cache mounts: of an equal image, so not for its tag."""
    return replace(plan, dockerfile=mount_cache(plan.dockerfile)) if plan.generated else plan


def _context(launch: Launch, code: Path) -> Path:
    below = launch.build_context
    if not below:
        return code
    return _require_inside(code, below, "build_context", "directory")


def _require_inside(root: Path, path: str, key: str, what: str) -> Path:
    wanted = PurePosixPath(path)
    if wanted.is_absolute() or ".." in wanted.parts or not is_inside(root, path):
        raise Rejected(
            f"{key}: {path}: leads out of the code",
            hint=f"name a {what} inside the code, without `..`",
        )
    if not (has_directory if what == "directory" else has_file)(root, path):
        raise Rejected(f"{key}: {path}: there is no such {what} in the {_where(key)}")
    return root / wanted


def _where(key: str) -> str:
    return "code" if key == "build_context" else "build context"


def _entry_directory(launch: Launch, context: Path) -> Path:
    folder = PurePosixPath(entry_file(launch.entry_point) or "").parent
    return context / folder if is_inside(context, str(folder)) else context


def _own_plan(launch: Launch, context: Path, dockerfile: str, reading: Reading) -> BuildPlan:
    # links may lead a builder, which has the context alone, to another file than they do here
    file = _require_inside(context, dockerfile, "dockerfile", "file").resolve()
    name = file.relative_to(context.resolve()).as_posix()
    if storable(name) != name:  # a builder that is told of it by HTTP might look for another file
        raise Rejected(f"dockerfile: {visible_line(name)}: the name of a Dockerfile must be UTF-8")
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as exc:
        raise Rejected(f"dockerfile: {dockerfile}: cannot be read: {exc}") from exc
    if len(data) > MOST_BYTES:
        raise Rejected(f"dockerfile: {dockerfile}: has more than {MOST_BYTES} bytes")
    text = data.decode("utf-8", "surrogateescape")
    if reading.frontends is not None:
        check_frontends(text, name, reading.frontends)
    base = _base(launch)
    warning = f"{name} is used, so {base.path} is not"
    return BuildPlan(
        context=context,
        entries=list_context(context, name),
        dockerfile=text,
        dockerfile_name=name,
        base_images=base_images(text, reading.build_args, name, with_heredocs=reading.heredocs),
        generated=False,
        warnings=(warning,) if base.image else (),
    )


def _generated_plan(launch: Launch, context: Path) -> BuildPlan:
    if not launch.entry_point:
        raise Rejected(
            "entry_point: an image cannot be made of code without knowing how it is started",
            hint="give the launch or its job an entry point, such as python main.py",
        )
    base = _base(launch)
    dependencies = find_dependencies(context, _extras(launch.builder_args))
    entries = list_context(context, None)
    warning = None if dependencies else not_installed(context)
    if dependencies:
        _require_sent(dependencies, entries)
    text = write_dockerfile(
        Design(
            entry_point=launch.entry_point,
            python=_python(launch.runtime, base),
            base_image=base.image,
            accelerator=base.accelerator,
            dependencies=dependencies,
        )
    )
    return BuildPlan(
        context=context,
        entries=entries,
        dockerfile=text,
        dockerfile_name="Dockerfile",
        base_images=base_images(text),
        generated=True,
        warnings=(*base.warnings, *([warning] if warning else [])),
    )


def _require_sent(dependencies: Dependencies, entries: tuple[Entry, ...]) -> None:
    sent = {".", *(entry.path for entry in entries)}
    for file in dependencies.files:
        if file not in sent:
            raise Rejected(
                f".dockerignore leaves out {file}, which says what to install",
                hint=f"add the line !{file} to .dockerignore",
            )


@dataclass(frozen=True, kw_only=True)
class _Base:
    """A base image that somebody has chosen, and where."""

    image: str | None = None
    path: str = ""
    accelerator: bool = False
    warnings: tuple[str, ...] = ()


def _base(launch: Launch) -> _Base:
    """The job's base image, else the queue's: for accelerators, else for all."""
    options = launch.builder_args
    found = [_Base(image=launch.base_image, path="base_image")]
    for name in ("accelerator", "cuda"):
        image = _mapping(options, name).get("base_image")
        path = f"{OPTIONS}.{name}.base_image"
        found.append(_Base(image=_text(image, path), path=path, accelerator=True))
    path = f"{OPTIONS}.base_image"
    found.append(_Base(image=_text(options.get("base_image"), path), path=path))
    chosen = [base for base in found if base.image]
    for base in chosen:
        check_image_name(base.image or "", base.path)
    if not chosen:
        return _Base()
    first, *others = chosen
    unused = [f"{first.path} is used, so {other.path} is not" for other in others]
    return _Base(
        image=first.image,
        path=first.path,
        accelerator=first.accelerator,
        warnings=tuple(unused),
    )


def _mapping(options: Json, name: str) -> Json:
    value = options.get(name) or {}
    if not isinstance(value, Mapping):
        raise Rejected(f"{OPTIONS}.{name}: must be a mapping, not {value!r}")
    return value


def _text(value: object, path: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise Rejected(f"{path}: must be the name of an image, not {value!r}")


def _extras(options: Json) -> tuple[str, ...]:
    value = options.get("extras") or []
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise Rejected(f"{OPTIONS}.extras: must be a list of names, not {value!r}")
    return tuple(value)


def _python(runtime: str | None, base: _Base) -> str | None:
    """The version to have: the job's, else the base image's own, else the agent's."""
    if not runtime:
        return None if base.image else f"3.{sys.version_info.minor}"
    found = _RUNTIME.fullmatch(runtime)
    if not found:
        raise Rejected(
            f"runtime: {runtime!r} is not a version of Python", hint="write it as 3.11 or 3.11.4"
        )
    return found[1]
