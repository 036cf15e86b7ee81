"""`launchkit config`: look at the settings."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from launchkit.abc import QueueBackend
from launchkit.addresses import masked_url
from launchkit.cli.door import put_text
from launchkit.cli.options import chosen, common_options, output_option, say
from launchkit.cli.output import Column, Layout, as_json, as_yaml, get, show_all
from launchkit.cli.present import Data
from launchkit.cli.session import loaded_settings, with_maker
from launchkit.client import Client
from launchkit.codec import dotted
from launchkit.errors import ConfigError
from launchkit.plugins import Plugins
from launchkit.settings import Loaded
from launchkit.settings.hidden import shown
from launchkit.settings.json_schema import settings_schema
from launchkit.settings.sources import find_file

KEY, VALUE = Column("KEY", get("key")), Column("VALUE", get("value"))
LAYOUT = Layout((KEY, VALUE), name="key")
ORIGINS = Layout((KEY, VALUE, Column("ORIGIN", get("origin"))), name="key")


@click.group()
def config() -> None:
    """Look at launch-config.yaml and other settings."""


@config.command()
@click.option("--origin", is_flag=True, help="Tell where each value is from.")
@output_option
@common_options
def show(origin: bool, form: str) -> None:
    """Show the settings that hold: defaults < file < environment variables < flags."""
    loaded = loaded_settings(Plugins())
    data = settings_data(loaded)
    if form in {"json", "yaml"} and not origin:
        put_text(as_json(data) if form == "json" else as_yaml(data))
        return
    rows = [
        {"key": key, "value": value, "origin": loaded.origins.get(key, "default")}
        for key, value in flattened(data)
    ]
    if not origin:
        rows = [{"key": row["key"], "value": row["value"]} for row in rows]
    show_all(rows, form, ORIGINS if origin else LAYOUT)


@config.command()
@common_options
def check() -> None:
    """Load the settings, show each block to its plugin, and open the queue.

    What is not installed here is told and accepted: its settings cannot be looked at.
    """
    plugins = Plugins()
    loaded = loaded_settings(plugins)
    for warning in (*plugins.problems(), *loaded.warnings):
        say(f"warning: {warning}")
    if loaded.runner_problems:
        raise ConfigError("\n".join(loaded.runner_problems.values()))
    plugins.get(QueueBackend, loaded.settings.queue().kind)

    @with_maker
    async def queues(client: Client) -> int:
        return len(await client.queues())

    place = loaded.path or "no file; defaults, environment variables and flags"
    say(f"settings: {place}")
    backend = masked_url(loaded.settings.backend_url())
    say(f"backend: {backend}, {queues()} queues of {loaded.settings.entity}")
    say("ok")


@config.command()
def schema() -> None:
    """Print the JSON Schema of launch-config.yaml, with the kinds that are installed."""
    put_text(as_json(settings_schema(Plugins())))


def settings_data(loaded: Loaded) -> Data:
    """The settings as plain data, as a file would have them, without secrets."""
    data = loaded.settings.model_dump(mode="json", by_alias=True)
    backend = data["backend"] or loaded.settings.backend_url()
    return shown({**data, "backend": backend})


def flattened(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each value with its dotted key; a list is one value."""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, (*path, key))
        else:
            yield dotted((*path, key)), value


def settings_file() -> Path | None:
    """The file that the user chose, or the one that is found. :raises ConfigError: if there is none
    of the name that is chosen.
    """
    return find_file(chosen("config"), os.environ)
