"""A browser without a window, for tests of pages: it keeps cookies, and asks for pages."""

import re
from typing import Any, Self

import httpx
from waiting import PATIENCE

from .conftest import Served
from .places import NO_TLS

PAGE = {"accept": "text/html"}


class Browser:
    """Somebody in front of the web app of a service, under a path prefix if there is one."""

    def __init__(self, served: Served, prefix: str = "") -> None:
        self.prefix = prefix
        self.client = httpx.Client(
            base_url=served.url + prefix, headers=PAGE, timeout=PATIENCE, verify=NO_TLS
        )
        self._tokens = served.tokens

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def sign_in(self, who: str = "ann", **fields: str) -> httpx.Response:
        """Send the form for signing in with somebody's token."""
        token = str.__str__(self._tokens[who])
        return self.client.post("/sign-in", data={"token": token, **fields})

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Look at a page."""
        return self.client.get(path, **options)

    def post(self, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form, as a page of this session does."""
        return self.client.post(path, data={"csrf": self.csrf(), **(data or {})})

    def csrf(self, entity: str = "e") -> str:
        """What the forms of this session carry, where the one who has signed in may read."""
        found = re.search(r'name="csrf" value="(\w+)"', self.get(f"/e/{entity}/queues").text)
        assert found is not None, "the page has no form"
        return found[1]
