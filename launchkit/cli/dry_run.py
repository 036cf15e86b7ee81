"""`launchkit launch --dry-run`: what a launch would be, without launching it."""

import click

from launchkit.cli.door import put
from launchkit.cli.options import TABLES
from launchkit.cli.output import aligned, as_json, as_yaml
from launchkit.cli.present import Data
from launchkit.resolving.shown import request_rows


def show_request(data: Data, form: str) -> None:
    """Print a request; as a table, each choice with who made it."""
    if form in TABLES:
        for line in aligned([("CHOICE", "VALUE", "DECIDED BY"), *request_rows(data)]):
            put(line)
    elif form == "yaml":
        click.echo(as_yaml(data), nl=False)
    else:
        click.echo(as_json(data))
