"""Templates: everything that is put into them is text, unless a macro of ours made it."""

from functools import cache
from typing import Any
from uuid import uuid4

from jinja2 import Environment, PackageLoader, StrictUndefined

from launchkit_server.web import filters
from launchkit_server.web.assets import asset_query


@cache
def environment() -> Environment:
    """The environment of all pages; what holds for one request is given to `render`."""
    made = Environment(
        loader=PackageLoader("launchkit_server.web"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=200,
    )
    made.filters.update(filters.FILTERS)
    made.globals["asset_query"] = asset_query
    made.globals["new_key"] = new_key
    return made


def new_key() -> str:
    """An idempotency key for one sight of a page: what is pressed twice there is done once, and
    nobody else's page has it.
    """
    return uuid4().hex


def render(template: str, **values: Any) -> str:
    """A page, or a piece of one."""
    return environment().get_template(template).render(**values)
