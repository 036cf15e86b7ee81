"""`launchkit job`: make and look at jobs."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from launchkit.addresses import masked
from launchkit.cli.door import put_text
from launchkit.cli.launch import words
from launchkit.cli.names import job_names
from launchkit.cli.options import TABLES, common_options, output_option, say
from launchkit.cli.output import Column, Layout, as_yaml, get, show_all, show_one
from launchkit.cli.present import Data, job_data
from launchkit.cli.session import with_maker, with_reader
from launchkit.cli.sources import mapping_from
from launchkit.client import Client
from launchkit.code.remotes import looks_like_git
from launchkit.document import require_mapping
from launchkit.images.ref import ImageRef
from launchkit.model import Recipe
from launchkit.resolving.job_names import code_name, entry_file, git_job_name, image_job_name

F = TypeVar("F", bound=Callable[..., Any])


def _source(row: Data) -> object:
    source = row["recipe"]["source"]
    return source.get("image") or masked(source.get("remote") or "") or source.get("name")


LAYOUT = Layout(
    (
        Column("JOB", get("reference")),
        Column("ALIASES", get("aliases")),
        Column("KIND", get("recipe", "source", "kind")),
        Column("SOURCE", _source),
        Column("AUTHOR", get("author")),
        Column("CREATED", get("created_at")),
    ),
    name="reference",
    fill="there are no jobs; make one with: launchkit job create",
)


def python_version(text: str) -> str:
    """A version such as 3.11."""
    if not re.fullmatch(r"3\.\d+", text):
        raise click.BadParameter(f"{text!r} must be a Python version such as 3.11")
    return text


def recipe_options(command: F) -> F:
    """What every kind of job may say."""
    for option in (
        common_options,
        output_option,
        click.option("--schema", metavar="FILE|JSON", help="A JSON Schema of the run's config."),
        click.option("-D", "--dockerfile", metavar="PATH", help="The Dockerfile, in the context."),
        click.option("-b", "--build-context", metavar="PATH", help="The part to build from."),
        click.option("-r", "--runtime", type=python_version, metavar="3.X", help="Python."),
        click.option("-E", "--entry-point", type=words, metavar="COMMAND", help="What to run."),
        click.option("-a", "--alias", "aliases", multiple=True, metavar="NAME", help="Repeat it."),
        click.option("-n", "--name", metavar="NAME", help="The job's name.  [default: made up]"),
        click.option("-p", "--project", hidden=True),
        click.option("-d", "--description", hidden=True),
    ):
        command = option(command)
    return command


base_image_option = click.option(
    "-B", "--base-image", metavar="IMAGE", help="The image that the code is put on."
)


@click.group()
def job() -> None:
    """Make and list jobs: named, versioned recipes."""


@job.group()
def create() -> None:
    """Make a job, or a new version of one."""


@create.command()
@click.argument("uri")
@click.option("-g", "--git-hash", "--ref", "ref", metavar="REF", help="Branch, tag or commit.")
@base_image_option
@recipe_options
def git(uri: str, ref: str | None, **given: Any) -> None:
    """Make a job of a git repository.

    The commit that REF means now (by default that of the repository's HEAD) is what will run.
    """
    if not looks_like_git(uri):
        raise click.UsageError(f"{uri} is not a git address; for a directory: job create code")
    name = given["name"] or git_job_name(uri, entry_file(given["entry_point"] or ()))
    _create(name, {"uri": uri, "ref": ref}, given)


@create.command()
@click.argument("path")
@base_image_option
@recipe_options
def code(path: str, **given: Any) -> None:
    """Make a job of a local directory, which is packed and stored."""
    if looks_like_git(path):
        raise click.UsageError(f"{path} is a git address; for a repository: job create git")
    _create(given["name"] or f"job-{code_name(path, None)}", {"uri": path}, given)


@create.command()
@click.argument("image_ref", metavar="IMAGE")
@recipe_options
def image(image_ref: str, **given: Any) -> None:
    """Make a job of a container image; its tag is an alias of the version."""
    tag = ImageRef.parse(image_ref).tag or ""
    own = [tag] if re.match(r"(?!v\d+$)[A-Za-z0-9]", tag) else []  # v3 would be a version
    aliases = tuple(dict.fromkeys((*given["aliases"], *own)))
    name = given["name"] or image_job_name(image_ref)
    _create(name, {"image": image_ref}, {**given, "aliases": aliases})


@job.command(name="list")
@click.argument("name", required=False, shell_complete=job_names)
@output_option
@common_options
@with_reader
async def list_(client: Client, name: str | None, form: str) -> None:
    """List the latest version of each job, or all versions of one."""
    show_all([job_data(version) for version in await client.jobs(name)], form, LAYOUT)


@job.command()
@click.argument("reference", metavar="NAME[:ALIAS]")
@output_option
@common_options
@with_reader
async def show(client: Client, reference: str, form: str) -> None:
    """Show a job's recipe."""
    data = job_data(await client.job(reference))
    if form in TABLES:
        put_text(as_yaml(data))
    else:
        show_one(data, form, LAYOUT)


def _create(name: str, source: dict[str, str | None], given: Data) -> None:
    for option in ("project", "description"):
        if given[option]:
            say(f"--{option} is ignored: a job belongs to its entity and has no description")
    schema = given["schema"]
    more = {
        "entry_point": tuple(given["entry_point"] or ()),
        "base_image": given.get("base_image"),
        "build_context": given["build_context"],
        "dockerfile": given["dockerfile"],
        "runtime": given["runtime"],
        "input_schema": require_mapping(mapping_from(schema, "--schema")) if schema else None,
    }

    @with_maker
    async def made(client: Client) -> Data:
        recipe, _ = await client.recipe(**source, store=True)
        return await _stored(client, name, replace(recipe, **more), given["aliases"])

    show_one(made(), given["form"], LAYOUT)


async def _stored(client: Client, name: str, recipe: Recipe, aliases: tuple[str, ...]) -> Data:
    version, new = await client.create_job(name, recipe, aliases=aliases)
    say(f"made {version.reference}" if new else f"{version.reference} is the same already")
    return job_data(version)
