"""Real registries, started for the tests: open, with passwords over TLS, and with tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from registry.issuer import Issuer

from launchkit.testing import RegistryServer, registry_server

USER, PASSWORD = "alice", "s3cret"
REPOSITORY = "lk/job"


@dataclass(frozen=True, kw_only=True)
class Served(RegistryServer):
    """A registry with one image."""

    issuer: Issuer | None = None
    htpasswd: Path | None = None
    """The file of its passwords."""
    digests: dict[str, str] = field(default_factory=dict)
    path: str = REPOSITORY

    @property
    def uri(self) -> str:
        return f"{self.host}/{self.path}"


def let_in(issuer: Issuer, repository: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(repository, ['pull', 'push', 'delete'])}"}


def with_an_image(
    server: RegistryServer, issuer: Issuer | None = None, htpasswd: Path | None = None
) -> Served:
    served = Served(
        host=server.host,
        ca=server.ca,
        login=server.login,
        headers=let_in(issuer, REPOSITORY) if issuer else {},
        issuer=issuer,
        htpasswd=htpasswd,
    )
    served.digests["v1"] = served.push(REPOSITORY, "v1")
    return served


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the registries."""
    return tmp_path_factory.mktemp("registries")


@pytest.fixture(scope="session")
def open_registry(place: Path) -> Iterator[Served]:
    """Asks for nothing and has no TLS."""
    with registry_server(place / "open") as server:
        yield with_an_image(server)


@pytest.fixture(scope="session")
def password_registry(place: Path) -> Iterator[Served]:
    """Asks for a password, over TLS."""
    with registry_server(place / "password", login=(USER, PASSWORD), tls=True) as server:
        yield with_an_image(server, htpasswd=place / "password" / "htpasswd")


@pytest.fixture(scope="session")
def token_registry(place: Path) -> Iterator[Served]:
    """Asks for signed tokens, which an issuer gives for a password or an identity token."""
    with Issuer(place, USER, PASSWORD).running() as issuer:
        auth = (
            f'auth: {{token: {{realm: "{issuer.url}", service: lk-registry, issuer: lk-auth,'
            f" rootcertbundle: {place}/issuer.pem}}}}\n"
        )
        with registry_server(place / "token", more=auth) as server:
            yield with_an_image(server, issuer)
