"""What the service is started with: flags > LAUNCHKIT_SERVER_* > a file > what is usual."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from launchkit.codec import decode
from launchkit.document import read_document
from launchkit.errors import ConfigError
from launchkit.home import expanded

PREFIX = "LAUNCHKIT_SERVER_"


def default_data(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the service keeps its data when nothing else is said: among the user's data."""
    given = Path(environ.get("XDG_DATA_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    return (given if given.is_absolute() else home / ".local/share") / "launchkit" / "server"


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """The settings of `launchkit server`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    host: str = "127.0.0.1"
    """The address to listen at."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8700
    """0 takes a free one."""
    data: Path
    """The directory for the database, unless that is elsewhere, and what else is kept."""
    database: str
    """`sqlite:///PATH` or `postgresql://…`."""
    database_direct: str | None = None
    """The same database without the pooler that `database` leads to, for announcements."""
    admin_token_file: Path | None = None
    """Where the first administrator's token is written, instead of being shown."""
    lease: Annotated[float, Field(ge=0.5, le=86_400)] = 60.0
    """Seconds that a claim lives without a sign of life from its agent."""
    tls_cert: Path | None = None
    """A certificate and its chain, PEM; the service then speaks TLS alone."""
    tls_key: Path | None = None
    """The certificate's key, PEM."""
    trusted_proxies: str = ""
    """Addresses and networks whose word on the client's address counts, with commas."""
    root_path: str = ""
    """The path under which a proxy shows the service, such as `/launchkit`; pages lead there."""
    requests_per_second: Annotated[float, Field(ge=1, le=1_000_000)] = 1000.0
    """How often a token, or an address without one, may ask."""
    blobs: str | None = None
    """Where large things are kept: a folder, or a URL that fsspec knows; None is the database."""
    unused_seconds: Annotated[float, Field(ge=3600, le=315_360_000)] = 86400.0
    """How long code is kept that nothing refers to."""
    max_archive: Annotated[int, Field(ge=1, le=2**40)] = 5 * 2**30
    """Bytes of packed code, compressed."""
    webhook_key_file: Path | None = None
    """The key that webhooks are signed with; None is `webhooks.key` in `data`."""
    oidc_issuer: str | None = None
    """The OpenID Connect provider by which people sign in to the web app."""
    oidc_client_id: str | None = None
    """How the provider knows this service."""
    oidc_client_secret_file: Path | None = None
    """The file with the secret that the provider gave to it; None is a public client."""
    oidc_scopes: str = "openid profile email"
    """What the provider is asked to tell of people."""
    oidc_claim: str = "email"
    """What names a person's account here."""
    oidc_adds_people: bool = False
    """Whether one who comes for the first time gets an account, without any role."""
    oidc_believes_addresses: bool = False
    """Whether an address counts of which the provider does not say whether it is verified."""

    @property
    def webhook_key(self) -> Path:
        """Where the key is that webhooks are signed with."""
        return expanded(self.webhook_key_file or self.data / "webhooks.key")

    def secret_files(self) -> Mapping[Path, str]:
        """The files of which every user of the machine should be kept out, and what each holds."""
        named = {
            self.webhook_key: "the key that webhooks are signed with",
            self.oidc_client_secret_file: "the secret that the OpenID Connect provider gave",
            self.tls_key: "the key of the certificate",
            self.admin_token_file: "the first administrator's token",
        }
        return {expanded(path): what for path, what in named.items() if path}


NAMES = tuple(one.name for one in fields(ServerConfig))


def load_config(
    flags: Mapping[str, object], file: Path | None, environ: Mapping[str, str] = os.environ
) -> ServerConfig:
    """The settings; a flag of None is not given.

    :raises ConfigError: naming all that is wrong, each with the place where it stands.
    """
    given: dict[str, object] = {}
    sources: dict[str, str] = {}
    locate = None
    if file is not None:
        if not file.is_file():
            raise ConfigError(f"{file}: there is no such configuration file")
        document = read_document(file)
        filed = decode(dict[str, object], document.data, document.locate)
        given = {key.replace("-", "_"): value for key, value in filed.items()}
        locate = document.locate
    for name in NAMES:
        if text := environ.get(PREFIX + name.upper(), "").strip():
            given[name], sources[name] = text, f"${PREFIX}{name.upper()}"
        if flags.get(name) is not None:
            given[name], sources[name] = flags[name], f"--{name.replace('_', '-')}"

    def where(path: tuple[str | int, ...]) -> str:
        source = sources.get(str(path[0])) if path else None
        spelled = tuple(str(part).replace("_", "-") for part in path)
        return source or (locate(spelled) if locate else ".".join(spelled))

    data = expanded(str(given.get("data") or default_data(environ))).absolute()
    return decode(
        ServerConfig,
        {"database": f"sqlite:///{data / 'launchkit.db'}", **given, "data": data},
        where,
    )
