"""A queue service with people in it, and how they sign in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page
from waiting import PATIENCE

from launchkit.wire.protocol import API

from ..places import NO_TLS, Place

ENTITY = "lab"
PEOPLE: Mapping[str, str] = {"ana": "admin", "vic": "viewer", "sue": "submitter", "oli": "operator"}


class Lab(Place):
    """A service in a folder, with an entity, and what tests prepare in it over HTTP."""

    def __init__(self, folder: Path, **env: str) -> None:
        own = {
            f"XDG_{name}_HOME": str(folder / name.lower())
            for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        super().__init__(folder, HOME=str(folder), LAUNCHKIT_ENTITY=ENTITY, **own, **env)
        self._tokens: dict[str, str] = {}

    def at(self, path: str = "") -> str:
        """The address of a page of the entity."""
        return f"{self.url}/e/{ENTITY}{path}"

    def client(self) -> httpx.Client:
        """An administrator's, for the API of the entity."""
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        url = f"{self.url}{API}/entities/{ENTITY}"
        return httpx.Client(base_url=url, headers=headers, timeout=PATIENCE, verify=NO_TLS)

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Ask the service as an administrator, or with *token*; *path* begins below the API."""
        token = token or self.token_file.read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}{API}{path}"
        answer = httpx.request(
            method, url, json=body, headers=headers, timeout=PATIENCE, verify=NO_TLS
        )
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def of_entity(self, method: str, path: str, body: Any = None) -> Any:
        """The same below the entity."""
        return self.call(method, f"/entities/{ENTITY}{path}", body)

    def token_of(self, role: str) -> str:
        """A token of a person who has that role in the entity; `admin` is one of all entities."""
        if role not in self._tokens:
            name = next(who for who, what in PEOPLE.items() if what == role)
            entity = "*" if role == "admin" else ENTITY
            self.call("POST", "/users", {"name": name, "kind": "user"})
            self.call("PUT", f"/entities/{entity}/roles/{name}", {"role": role})
            self._tokens[role] = self.call("POST", "/tokens", {"owner": name})["secret"]
        return self._tokens[role]

    async def sign_in(self, page: Page, role: str) -> None:
        """Sign in by the form, as a person who has that role."""
        await page.goto(f"{self.url}/sign-in?next=/e/{ENTITY}/queues")
        await page.get_by_label("Token").fill(self.token_of(role))
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.wait_for_url(self.at("/queues"))
