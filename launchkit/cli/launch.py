"""`launchkit launch`. What only some launches need is imported where it is used."""

from dataclasses import replace
from typing import Any

import click

from launchkit.cli.launch_command import LaunchCommand
from launchkit.cli.launch_file import LaunchFile, spec_of, with_flags
from launchkit.cli.launches import LAYOUT
from launchkit.cli.names import job_names, queue_names
from launchkit.cli.options import TABLES, common_options, duration, output_option, say, say_next
from launchkit.cli.output import show_one
from launchkit.cli.present import Data, item_data
from launchkit.cli.session import connected, pydantic_alone, run
from launchkit.client import Client, LaunchHandle
from launchkit.client.inputs import read_priority
from launchkit.document import Document, require_mapping
from launchkit.errors import ConfigError, NotFound
from launchkit.model import LaunchSpec, QueueItem, QueueSpec
from launchkit.plain_text import shortened
from launchkit.resolving.variables import parse_set_vars
from launchkit.shell_words import shell_argument, shell_command, shell_word, split_line

DEFAULT_QUEUE = "default"


def words(text: str) -> list[str]:
    """The words of a command, as a shell splits it."""
    try:
        return split_line(text)
    except ValueError as exc:
        raise click.BadParameter(f"{shortened(repr(text), 200)}: {exc}") from exc


def priority(text: str) -> object:
    """A priority of its word or number."""
    try:
        return read_priority(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


def env_pair(text: str) -> tuple[str, str | None]:
    """Name and value of a variable; the value is None where only a name stands."""
    name, equals, value = text.partition("=")
    if not name:
        raise click.BadParameter(f"{text!r} must be NAME=VALUE, or NAME for the agent's value")
    if name.split() != [name]:
        raise click.BadParameter(f"{text!r}: a name has no spaces; write NAME=VALUE")
    return name, value if equals else None


@click.command(cls=LaunchCommand)
@click.option(
    "-q",
    "--queue",
    is_flag=False,
    flag_value=DEFAULT_QUEUE,
    metavar="NAME",
    shell_complete=queue_names,
    help="The queue.  [default: default]",
)
@click.option(
    "-j",
    "--job",
    metavar="NAME[:ALIAS]",
    shell_complete=job_names,
    help="A job that was made with `job create`.",
)
@click.option("-d", "--docker-image", metavar="IMAGE", help="A container image.")
@click.option("-u", "--uri", metavar="URI", help="A git repository's address, or a directory.")
@click.option("--ref", "-g", "--git-version", metavar="REF", help="Its branch, tag or commit.")
@click.option(
    "-E", "--entry-point", type=words, metavar="COMMAND", help="What to run: 'python train.py'."
)
@click.option("-a", "--arg", "args", multiple=True, metavar="ARG", help="One argument; repeat it.")
@click.option("--env", multiple=True, type=env_pair, metavar="NAME[=VALUE]", help="A variable.")
@click.option(
    "-c", "--config", metavar="FILE|JSON", help="A launch spec, which the other options change."
)
@click.option("-R", "--resource-args", metavar="FILE|JSON", help="Laid over the queue's config.")
@click.option("-v", "--set-var", multiple=True, metavar="NAME=VALUE", help="A template variable.")
@click.option(
    "-P", "--priority", type=priority, metavar="LEVEL", help="critical, high, medium or low."
)
@click.option(
    "--name", envvar="WANDB_NAME", metavar="NAME", help="The run's name. Or set WANDB_NAME."
)
@click.option("-p", "--project", metavar="NAME", help="The run's project.")
@click.option("-r", "--resource", metavar="KIND", help="Refuse a queue of another kind.")
@click.option("-B", "--base-image", metavar="IMAGE", help="The image that code is put on.")
@click.option("--build-context", metavar="PATH", help="The part of the code to build from.")
@click.option("-D", "--dockerfile", metavar="PATH", help="The Dockerfile, from the context.")
@click.option("--idempotency-key", metavar="KEY", help="Launch only once under this key.")
@click.option("--place-timeout", type=duration, metavar="TIME", help="Until it has a place.")
@click.option("--start-timeout", type=duration, metavar="TIME", help="Until it runs: 90, 15m, 2h.")
@click.option("--run-timeout", type=duration, metavar="TIME", help="Until it has ended.")
@click.option("--stop-grace", type=duration, metavar="TIME", help="From SIGTERM to SIGKILL.")
@click.option("--wait", is_flag=True, help="Wait until it has ended; exit with 1 if it failed.")
@click.option("--logs", is_flag=True, help="Wait, and print what it prints.")
@click.option(
    "--exit-code",
    "whose_code",
    type=click.Choice(["launchkit", "job"]),
    default="launchkit",
    show_default=True,
    help="With --wait or --logs: 1 for a failure, or what the job itself ended with.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be launched.")
@click.option("--async", "detached", is_flag=True, hidden=True)
@output_option
@common_options
def launch(**given: Any) -> None:
    """Put a launch into a queue.

    Name one of a job (-j), an image (-d), and a git repository or directory (-u), here or in the
    launch spec.
    """
    waits = given["wait"] or given["logs"]
    if given["detached"] and waits:
        raise click.UsageError("--async and --wait exclude each other")
    if given["logs"] and given["form"] not in TABLES:
        raise click.UsageError("--logs and --output would both write to stdout; use --wait")
    with pydantic_alone():
        file = read_launch(given)
    if given["dry_run"]:
        from launchkit.cli.dry_run import show_request

        show_request(run(lambda: _resolved(file, given["set_var"])), given["form"])
        return
    handles: list[LaunchHandle] = []
    try:
        ended = run(lambda: _launched(file, given, handles))
    except KeyboardInterrupt:
        for handle in handles:
            say(f"the launch goes on; to end it: launchkit stop {shell_argument(handle.id)}")
        raise
    if waits:
        from launchkit.cli.outcome import exit_code_of, tell_end

        tell_end(ended)
        raise click.exceptions.Exit(exit_code_of(ended, given["whose_code"]))


def read_launch(given: Data) -> LaunchFile:
    """The launch that the options ask for.

    :raises ConfigError: if the launch spec is wrong.
    :raises UsageError: if it does not name one source, or not what to run.
    """
    if sum(given[key] is not None for key in ("job", "docker_image", "uri")) > 1:
        raise click.UsageError("-j, -d and -u exclude each other")
    document = Document({}, "--config", {})
    if given["config"] is not None:
        document = _mapping(given["config"], "--config")
    file, warnings = with_flags(document, flags_of(given))
    for warning in warnings:
        say(warning)
    sources = [name for name, value in file.source.items() if value is not None]
    if len(sources) != 1:
        named = " and ".join(sources) or "none"
        raise click.UsageError(
            f"name one source to launch (-j JOB, -d IMAGE or -u URI), not {named}."
        )
    if "uri" not in sources and file.git_ref:
        raise click.UsageError("--ref is for git repositories (-u).")
    if "uri" in sources and not (file.overrides.entry_point or file.overrides.dockerfile):
        raise click.UsageError("say what to run with -E 'COMMAND'; code alone has no entry point.")
    return file


def flags_of(given: Data) -> Data:
    """The options in the shape of a launch spec, without those that were not given."""
    overrides = {
        "entry_point": given["entry_point"],
        "args": list(given["args"]) or None,
        "env": dict(given["env"]) or None,
        "dockerfile": given["dockerfile"],
    }
    timeouts = {
        "place": given["place_timeout"],
        "start": given["start_timeout"],
        "run": given["run_timeout"],
        "stop_grace": given["stop_grace"],
    }
    image, args = given["docker_image"], given["resource_args"]
    same = ("queue", "job", "uri", "ref", "priority", "name", "project", "resource", "base_image")
    flags = {
        **{key: given[key] for key in (*same, "build_context")},
        "docker": None if image is None else {"docker_image": image},
        "overrides": _given(overrides) or None,
        "timeouts": _given(timeouts) or None,
        "resource_args": (
            None if args is None else require_mapping(_mapping(args, "--resource-args"))
        ),
    }
    return _given(flags)


def _mapping(text: str, option: str) -> Document:
    from launchkit.cli.sources import mapping_from

    return mapping_from(text, option)


async def _resolved(file: LaunchFile, pairs: tuple[str, ...]) -> Data:
    from launchkit.resolving.shown import request_data

    async with connected(file.entity) as client:
        spec, queue = await _request(client, file, pairs, store=False)
        return request_data(queue, spec, await client.check_launch(queue, spec))


async def _launched(file: LaunchFile, given: Data, handles: list[LaunchHandle]) -> QueueItem:
    async with connected(file.entity) as client:
        spec, queue = await _request(client, file, given["set_var"], store=True)
        handle = await client.submit(
            queue, spec, priority=file.priority, idempotency_key=given["idempotency_key"]
        )
        handles.append(handle)
        if given["wait"] or given["logs"]:
            from launchkit.cli.progress import watch

            say(f"launched {handle.id}")
            await watch(handle, logs=given["logs"])
        if not given["logs"]:
            show_one(item_data(await handle.view()), given["form"], LAYOUT)
        if not (given["wait"] or given["logs"]):
            say_next(
                *(f"{word} {shell_argument(handle.id)}" for word in ("logs -f", "show", "stop"))
            )
            if given["form"] not in TABLES:  # which tell it themselves
                await _warn_of_no_agent(client, queue)
        return handle.item


async def _warn_of_no_agent(client: Client, queue: str) -> None:
    agents = await client.agents()
    if not any(agent.online and queue in agent.status.queues for agent in agents):
        start = shell_command("launchkit", "agent", "-q", queue)
        say(f"warning: no agent serves queue {queue} now; start one: {start}")


async def _request(
    client: Client, file: LaunchFile, pairs: tuple[str, ...], *, store: bool
) -> tuple[LaunchSpec, str]:
    name = file.queue or DEFAULT_QUEUE
    try:
        queue = (await client.hub.queues().find(name)).spec
    except NotFound as exc:
        raise NotFound(exc.message, hint=exc.hint if file.queue else "name one: -q NAME") from exc
    if file.resource:
        _check_kind(file.resource, queue)
    job = own_job(file.job, client.entity) if file.job else None
    source = {**file.source, "job": job}
    recipe, reference = await client.recipe(**source, ref=file.git_ref, store=store)
    changed = replace(
        recipe,
        base_image=file.base_image or recipe.base_image,
        build_context=file.build_context or recipe.build_context,
        runtime=file.python_version or recipe.runtime,
    )
    if reference and changed != recipe:
        say(
            f"warning: built in another way, this is not job {reference} and does not bear its name"
        )
        reference = None
    variables = {**file.template_variables, **parse_set_vars(pairs, queue.variables)}
    return spec_of(file, changed, reference, variables), name


def _check_kind(wanted: str, queue: QueueSpec) -> None:
    from launchkit.cli.queue_config import same_kind

    if not same_kind(wanted, queue.resource):
        raise ConfigError(f"resource: queue {queue.name} is of kind {queue.resource}, not {wanted}")


def own_job(reference: str, entity: str) -> str:
    """A job's reference without the entity and project that W&B writes before it.

    :raises ConfigError: if the entity is another one.
    """
    *before, name = reference.split("/")
    if len(before) == 2 and before[0] != entity:
        raise ConfigError(
            f"job {reference}: belongs to {before[0]}; this is {entity}",
            hint=f"choose the entity with --entity {shell_word(before[0])}",
        )
    return name


def _given(values: Data) -> Data:
    return {key: value for key, value in values.items() if value is not None}
