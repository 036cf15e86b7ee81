"""The application: routes over one open database. Nothing in it is global but the routes, which
know no service.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from launchkit.codec import encode_json
from launchkit.wire.protocol import API
from launchkit_server.api import (
    agent_side,
    agents,
    archives,
    changes,
    health,
    history,
    items,
    jobs,
    kinds,
    logs,
    people,
    queues,
    roles,
    runs,
    streams,
    webhooks,
)
from launchkit_server.envelope import Envelope, Limits
from launchkit_server.kept import Kept
from launchkit_server.openapi import Documented, describe
from launchkit_server.problems import tell_problems
from launchkit_server.service import Service
from launchkit_server.web.addresses import Prefixed, clean_prefix
from launchkit_server.web.site import Shared, make_site

ENTITY = f"{API}/entities/{{entity}}"
GZIP_LEVEL = 4
OF_AN_ENTITY = (
    agent_side,  # asked most, and routes are tried in this order
    queues,
    kinds,
    jobs,
    archives,
    items,
    changes,
    streams,
    history,
    logs,
    agents,
    runs,
    roles,
    webhooks,
)


def make_app(service: Service, limits: Limits | None = None, root_path: str = "") -> FastAPI:
    """The queue service as an ASGI application, its API and its pages; *root_path* is the path
    under which a proxy shows it.
    """
    prefix = clean_prefix(root_path)
    app = _routed()
    _kept_document()  # now, and not when the first one asks for it
    app.openapi = _document  # type: ignore[method-assign] # as FastAPI wants it extended
    app.add_route(f"{API}/openapi.json", _show_document, include_in_schema=False)
    app.state.service = service
    app.add_middleware(Shared, site=make_site(service, prefix))
    app.add_middleware(GZipMiddleware, compresslevel=GZIP_LEVEL)
    app.add_middleware(Envelope, limits=limits or Limits())
    if prefix:
        app.add_middleware(Prefixed, prefix=prefix)
    return app


@cache
def _document() -> dict[str, Any]:
    """The API's document, which is the same for all services."""
    app = _routed()
    describe(app, [*documented()])
    return app.openapi()


@cache
def _kept_document() -> Kept:
    return Kept.of(encode_json(_document()).encode())


async def _show_document(request: Request) -> Response:
    return _kept_document().answer(request)


def _routed() -> FastAPI:
    app = FastAPI(
        title="launchkit",
        summary="Queues of machine learning jobs for many machines and people.",
        version=version("launchkit-server"),
        openapi_url=None,  # FastAPI would write it anew for each who asks
        docs_url=None,
        redoc_url=None,
        routes=[*_routes()],
    )
    app.router.redirect_slashes = False
    tell_problems(app)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of all services: to build them takes longer than to serve most requests."""
    router = APIRouter(generate_unique_id_function=_operation)
    router.include_router(health.router)
    for noun in OF_AN_ENTITY:
        router.include_router(noun.router, prefix=ENTITY)
    router.include_router(people.router, prefix=API)
    return router.routes


def documented() -> Iterator[Documented]:
    """All routes, each with its whole path."""
    for prefix, nouns in (("", (health,)), (API, (people,)), (ENTITY, OF_AN_ENTITY)):
        for route in (route for noun in nouns for route in noun.router.routes):
            if isinstance(route, APIRoute):
                yield Documented(prefix + route.path, route)


def _operation(route: APIRoute) -> str:
    """The id of an operation: its noun and verb, such as `queues.create`."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}.{route.endpoint.__name__}"
