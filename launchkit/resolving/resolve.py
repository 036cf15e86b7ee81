"""Resolve: every choice of a launch made, and who made it.

Queue config < job < launch: mappings merge, lists and scalars replace. A queue with template
variables is closed: its launches set these variables, and no other resource argument.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from launchkit import model
from launchkit.abc import Runner
from launchkit.codec import Path, dotted
from launchkit.errors import LaunchkitError, Rejected, hiding
from launchkit.model import Env, Json, LaunchSpec, Overrides, QueueSpec, Recipe, Scalar
from launchkit.resolving.chosen import chosen
from launchkit.resolving.inputs import check_config, check_inputs
from launchkit.resolving.macro_bounds import check_macro_values
from launchkit.resolving.merge import deep_merge
from launchkit.resolving.nested import leaves
from launchkit.resolving.templates import expands, fill_template, has_field

if TYPE_CHECKING:
    from launchkit.model import Claim, Launch, Limits
    from launchkit.resolving.masking import Mask

ROOT = "resource_args"
Origins = dict[str, str]
Layers = Mapping[str, Json]
"""Who says something, the weakest first, and what."""
OF_JOBS = ("entry_point", "args", "dockerfile", "base_image", "build_context", "runtime")
OF_LAUNCHES = ("files", "artifacts", "working_dir")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a queue and a launch decide together."""

    resource_args: dict[str, object]
    builder_args: dict[str, object]
    entry_point: tuple[str, ...]
    args: tuple[str, ...]
    env: Env
    config: dict[str, object]
    origins: Origins
    chosen: Mapping[Path, str]


def resolve(claim: "Claim", defaults: "Limits", runner: type[Runner] | None = None) -> "Launch":
    """Make every choice of a claimed launch; *defaults* hold where the launch sets no limit.
    *runner* is the class of the queue's resource, where it is installed.

    :raises Rejected: if the launch does not fit its queue as it was when it was claimed.
    """
    item, spec, queue = claim.item, claim.item.spec, claim.queue.spec
    choices = _choose(queue, spec, runner)
    limits, limit_origins = limits_of(spec, defaults)
    recipe, overrides = spec.recipe, spec.overrides
    return model.Launch(
        item_id=item.id,
        run_id=item.run_id,
        attempt=item.attempt,
        entity=item.entity,
        project=spec.project,
        name=item.name,
        author=item.author or spec.author,
        queue=queue.name,
        resource=queue.resource,
        source=recipe.source,
        job=spec.job,
        entry_point=choices.entry_point,
        args=choices.args,
        env=choices.env,
        config=choices.config,
        files=overrides.files,
        artifacts=overrides.artifacts,
        resource_args=choices.resource_args,
        builder_args=choices.builder_args,
        limits=limits,
        working_dir=overrides.working_dir,
        base_image=recipe.base_image,
        build_context=recipe.build_context,
        dockerfile=overrides.dockerfile or recipe.dockerfile,
        runtime=recipe.runtime,
        traceparent=spec.traceparent,
        origins={**choices.origins, **limit_origins},
        queue_args=queue_template(queue, runner),
        chosen={**choices.chosen, **_chosen_limits(limit_origins)},
    )


def validate_launch(
    queue: QueueSpec,
    spec: LaunchSpec,
    runner: type[Runner] | None = None,
    *,
    mask: Callable[[], "Mask"] | None = None,
) -> Choices:
    """Choose as `resolve` will, before the launch is put into its queue.

    :raises Rejected: if it does not fit the queue; it tells none of the queue's secrets.
    """
    names = {"project_name": spec.project.lower()}
    names |= {"run_name": spec.name} if spec.name else {}
    with telling_no_secrets_of(queue, mask):
        choices = _choose(queue, spec, runner)
        check_macro_values(choices.resource_args, choices.origins, names)
    return choices


@contextmanager
def telling_no_secrets_of(
    queue: QueueSpec, mask: Callable[[], "Mask"] | None = None
) -> Iterator[None]:
    """Let an error out with `…` for each secret of a queue, whoever asks: who launches reads it,
    and may seldom read the queue's config. The *mask* that hides them is asked for once there is an
    error: without one, the queue is looked through then, which may take seconds.
    """

    @cache
    def found() -> "Mask":
        from launchkit.resolving.known_secrets import queue_mask

        return mask() if mask else queue_mask(queue)

    def hide(text: str) -> str:
        return found()(text)

    with hiding(hide):
        try:
            yield
        except LaunchkitError as exc:
            from launchkit.resolving.known_secrets import without_queue_values

            exc.message = without_queue_values(exc.message, found())
            exc.args = (exc.message,)
            exc.hint = without_queue_values(exc.hint, found()) if exc.hint else exc.hint
            raise


def queue_args(
    queue: QueueSpec, runner: type[Runner] | None = None, values: Mapping[str, Scalar] | None = None
) -> Json:
    """The resource arguments that a queue gives for *values* of its variables and defaults.

    :raises Rejected: if a variable has neither.
    """
    filled = fill_template(queue.config, queue.variables, values or {})
    return queue_template(replace(queue, config=filled), runner)


def queue_template(queue: QueueSpec, runner: type[Runner] | None = None) -> Json:
    """The resource arguments that a queue gives, with the fields that are in them."""
    args = _unwrapped(queue.config, _names(queue, runner))
    return {key: value for key, value in args.items() if key != "builder"}


def builder_part(queue: QueueSpec, runner: type[Runner] | None = None) -> object:
    """What a queue's config says to the builder, with the fields that are in it; None: nothing."""
    return _unwrapped(queue.config, _names(queue, runner)).get("builder")


def limits_of(spec: LaunchSpec, defaults: "Limits") -> "tuple[Limits, Origins]":
    """The limits that a launch sets, else *defaults*; and who decided each."""
    wanted = spec.timeouts
    origins: Origins = {}
    values: dict[str, float] = {}
    for name in ("place", "start", "run", "stop_grace"):
        value: float | None = getattr(wanted, name)
        origins[f"limits.{name}"] = "agent" if value is None else "launch"
        values[name] = getattr(defaults, name) if value is None else value
    return model.Limits(**values), origins


def _choose(queue: QueueSpec, spec: LaunchSpec, runner: type[Runner] | None) -> Choices:
    check_inputs(spec)
    _check_closed(queue, spec)
    recipe, overrides = spec.recipe, spec.overrides
    layers, origins = _layers(queue, spec, runner)
    resource_args = _merged(layers)
    builder_args = resource_args.pop("builder", None) or {}
    if not isinstance(builder_args, Mapping):
        raise Rejected(f"resource_args.builder: must be a mapping, not {builder_args!r}")
    config = deep_merge(recipe.config, overrides.config)
    of_env = {"job": recipe.env, "launch": overrides.env}
    of_config: Layers = {"job": recipe.config, "launch": overrides.config}
    fields = _field_origins(recipe, overrides)
    if recipe.input_schema is not None:
        check_config(config, recipe.input_schema)
    origins |= _layer_origins("env", of_env) | _layer_origins("config", of_config) | fields
    decided: dict[Path, str] = {(name,): who for name, who in fields.items()}
    for name, layered in ((ROOT, layers), ("env", of_env), ("config", of_config)):
        decided |= _chosen_by(name, layered)
    if spec.job is None:
        origins = {place: "launch" if who == "job" else who for place, who in origins.items()}
        decided = dict.fromkeys(decided, "launch")
    return Choices(
        resource_args=resource_args,
        builder_args=dict(builder_args),
        entry_point=_either(overrides.entry_point, recipe.entry_point),
        args=_either(overrides.args, recipe.args),
        env={**recipe.env, **overrides.env},
        config=config,
        origins=origins,
        chosen=decided,
    )


def _check_closed(queue: QueueSpec, spec: LaunchSpec) -> None:
    if not queue.variables:
        return
    for who, args in (
        ("job", spec.recipe.resource_args),
        ("launch", spec.overrides.resource_args),
    ):
        if args:
            raise Rejected(
                f"queue {queue.name} has template variables, so a {who} cannot set resource"
                f" arguments ({', '.join(args)})",
                hint=f"set its variables with --set-var: {', '.join(queue.variables)}",
            )


def _chosen_limits(origins: Origins) -> dict[Path, str]:
    return {tuple(name.split(".")): who for name, who in origins.items() if who == "launch"}


def _names(queue: QueueSpec, runner: type[Runner] | None) -> set[str]:
    """All words for the queue's resource."""
    return {queue.resource, *(runner.names() if runner else ())}


def _layers(
    queue: QueueSpec, spec: LaunchSpec, runner: type[Runner] | None
) -> tuple[Layers, Origins]:
    """The resource arguments of the queue, the job and the launch."""
    names = _names(queue, runner)
    expanded = expands(runner) if runner else None
    filled = fill_template(queue.config, queue.variables, spec.template_variables, expanded)
    layers = {
        "queue": _unwrapped(filled, names),
        "job": _unwrapped(spec.recipe.resource_args, names),
        "launch": _unwrapped(spec.overrides.resource_args, names),
    }
    origins = _layer_origins(ROOT, layers)
    template = _unwrapped(queue.config, names)
    for path, value in leaves(template, (ROOT,)):
        if has_field(value) and origins.get(dotted(path)) == "queue":
            origins[dotted(path)] = "template"
    return layers, origins


def _merged(layers: Layers) -> dict[str, object]:
    merged: dict[str, object] = {}
    for layer in layers.values():
        merged = deep_merge(merged, layer)
    return merged


def _chosen_by(prefix: str, layers: Layers) -> Iterator[tuple[Path, str]]:
    """What the job has chosen, and the launch: each what its layer makes another."""
    below: Json = {}
    for who, layer in layers.items():
        if who != "queue":
            yield from ((place, who) for place in chosen(below, layer, (prefix,)))
        below = deep_merge(below, layer)


def _unwrapped(config: Json, names: set[str]) -> dict[str, object]:
    """Without the levels `resource_args` and one of the resource's *names*, where someone wrote
    them around it all; `builder` may stand beside them.
    """
    for wrappers in ({"resource_args"}, names):
        inner = _only(config, wrappers)
        if inner is not None:
            builder = {key: value for key, value in config.items() if key == "builder"}
            config = deep_merge(builder, inner)
    return dict(config)


def _only(config: Json, wrappers: set[str]) -> Json | None:
    keys = config.keys() - {"builder"}
    inner = config[next(iter(keys))] if len(keys) == 1 and keys <= wrappers else None
    return inner if isinstance(inner, Mapping) else None


def _field_origins(recipe: Recipe, overrides: Overrides) -> Origins:
    """Who decided each of the single fields that somebody decided."""
    owners: Origins = {}
    for name in (*OF_JOBS, *OF_LAUNCHES):
        if getattr(recipe, name, None):
            owners[name] = "job"
        if getattr(overrides, name, None) not in (None, {}, ""):
            owners[name] = "launch"
    return owners


def _layer_origins(prefix: str, layers: Layers) -> Origins:
    """Which layer each leaf of the merged layers comes from: the last one that has it."""
    merged: Json = {}
    owners: Origins = {}
    for who, layer in layers.items():
        merged = deep_merge(merged, layer)
        owners |= {dotted(path): who for path, _ in leaves(layer, (prefix,))}
    names = [dotted(path) for path, _ in leaves(merged, (prefix,)) if len(path) > 1]
    return {name: owners[name] for name in names}


def _either(over: tuple[str, ...] | None, below: tuple[str, ...]) -> tuple[str, ...]:
    return below if over is None else over
