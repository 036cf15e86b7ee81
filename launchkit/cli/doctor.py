"""`launchkit doctor`: whether an agent with these settings could work here."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import click

from launchkit.abc import Finding
from launchkit.addresses import masked
from launchkit.agent.checkup import checkup, failure, files_of_user
from launchkit.cli.absent import absent_file
from launchkit.cli.config import settings_file
from launchkit.cli.door import put, put_text
from launchkit.cli.failures import LAUNCH_FAILED
from launchkit.cli.options import TABLES, common_options, output_option, without_secrets
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data
from launchkit.cli.session import loaded_settings, run
from launchkit.errors import LaunchkitError, hiding
from launchkit.plugins import BLOCK, Plugins
from launchkit.resolving.wide_settings import wide_settings


def _first_line(row: Data) -> str:
    """A hint as far as a table has room for it."""
    first, newline, _ = str(row["hint"] or "").partition("\n")
    return f"{first} see below" if newline else first


LAYOUT = Layout(
    (
        Column("LEVEL", get("level")),
        Column("SUBJECT", get("subject")),
        Column("MESSAGE", get("message")),
        Column("HINT", _first_line, below=True),
    ),
    name="subject",
)


@click.command()
@output_option
@common_options
def doctor(form: str) -> None:
    """Look whether an agent could work here.

    Starts and checks all that an agent with these settings works with, each part on its own. Exits
    with 1 if there is an error among the findings.
    """
    found = list(findings(Plugins()))
    tell(found, form)
    if any(finding.level == "error" for finding in found):
        raise click.exceptions.Exit(LAUNCH_FAILED)


def tell(found: Sequence[Finding], form: str) -> None:
    """Print findings without secrets; below a table, hints of several lines, to be copied as they
    are.
    """
    found = [
        replace(
            one,
            subject=without_secrets(one.subject),
            message=masked(without_secrets(one.message)),
            hint=one.hint and masked(without_secrets(one.hint)),
        )
        for one in found
    ]
    show_all([asdict(finding) for finding in found], form, LAYOUT)
    for finding in found if form in TABLES else ():
        first, _, rest = (finding.hint or "").partition("\n")
        if rest:
            put("")
            put(f"# {finding.subject}: {first}")
            put_text(rest.rstrip())


def findings(plugins: Plugins) -> Iterator[Finding]:
    """What is to be said of the plugins, of the settings, and of each component."""
    for info in plugins.infos():
        if info.error:
            message = f"of {info.source}: {info.error}"
            yield Finding(level="warning", subject=f"plugin {info.name}", message=message)
    for text in plugins.problems():
        yield Finding(level="warning", subject="plugins", message=text, hint=BLOCK)
    yield from files_of_user(plugins)
    try:
        if path := settings_file():
            yield from wide_settings(path)
        loaded = loaded_settings(plugins)
    except LaunchkitError as exc:
        yield failure("settings", exc)
        return
    place = loaded.path or "no file; defaults, environment variables and flags"
    yield Finding(level="ok", subject="settings", message=str(place))
    for text in loaded.warnings:
        yield Finding(level="warning", subject="settings", message=text)
    if loaded.settings.backend and (path := absent_file(loaded.settings)):
        message = f"{path} is not there: it is made, without a queue"
        yield Finding(level="warning", subject="queue backend", message=message)
    problems = loaded.runner_problems
    with hiding(loaded.hide):
        found = run(lambda: checkup(loaded.settings, plugins, runner_problems=problems))
    yield from found
