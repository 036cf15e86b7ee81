"""Sites that are not the queue service's."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from anyio.from_thread import start_blocking_portal
from launchkit_server.process import listening, url_of
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address at which *app* answers meanwhile."""
    made = listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    with start_blocking_portal() as portal:
        running = portal.start_task_soon(server.serve, [made])
        try:
            yield url_of(made)
        finally:
            server.should_exit = True
            running.result()
