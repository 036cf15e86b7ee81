"""The site: its pages as an application, and which requests are for it."""

from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from launchkit_server.routes import is_page
from launchkit_server.service import Service
from launchkit_server.web import assets
from launchkit_server.web.faults import tell_faults
from launchkit_server.web.guards import Guarded
from launchkit_server.web.pages import (
    agents,
    events,
    home,
    identity,
    jobs,
    launches,
    launching,
    logs,
    overview,
    queue,
    queue_form,
    queues,
    run,
    settings,
    signing,
    stream,
    webhooks,
)

PAGES = (
    home,
    signing,
    identity,
    overview,
    launching,
    jobs,
    agents,
    events,
    queue_form,
    queues,
    queue,
    launches,
    run,
    logs,
    stream,
    settings,
    webhooks,
)


def make_site(service: Service, prefix: str = "") -> ASGIApp:
    """The pages as an ASGI application; they stand under a path *prefix* as a browser sees them."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, routes=[*_routes()])
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.prefix = prefix
    tell_faults(app)
    assets.assets()  # now, and not when the first one asks for it
    return Guarded(app)


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of all sites, built once."""
    router = APIRouter()
    router.include_router(assets.router)
    for noun in PAGES:
        router.include_router(noun.router)
    return router.routes


class Shared:
    """Gives each request to the API or to the site."""

    def __init__(self, app: ASGIApp, site: ASGIApp) -> None:
        self._api = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        of_site = scope["type"] == "http" and is_page(scope["path"])
        await (self._site if of_site else self._api)(scope, receive, send)
