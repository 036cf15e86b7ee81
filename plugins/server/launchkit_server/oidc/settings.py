"""Which provider, and what is taken from it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from launchkit.addresses import masked_address
from launchkit.errors import ConfigError
from launchkit.home import expanded
from launchkit.model import Secret
from launchkit.resolving.queue_checks import check_length
from launchkit_server.config import ServerConfig

MAX_SECRET = 4096
HINT = "the log of the queue service has more; a token signs you in meanwhile"
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """A provider, and how it knows this service."""

    issuer: str
    client_id: str
    client_secret: Secret | None = field(default=None, repr=False)
    """None is a public client, which PKCE alone protects."""
    scopes: str = "openid profile email"
    claim: str = "email"
    """What is said of a person that names the account."""
    adds_people: bool = False
    """Whether one who comes for the first time gets an account, without any role."""
    believes_addresses: bool = False
    """Whether an address counts of which the provider does not say whether it is verified."""

    @property
    def host(self) -> str:
        """The name of the provider, for people."""
        return urlsplit(self.issuer).netloc


def oidc_of(config: ServerConfig) -> OidcSettings | None:
    """The provider that the settings name, if they name one. Reads a file.

    :raises ConfigError: if they do not fit.
    """
    if config.oidc_issuer is None:
        if config.oidc_client_id or config.oidc_client_secret_file:
            raise ConfigError(
                "oidc-issuer: is missing, and other settings of OpenID Connect are set"
            )
        return None
    if not config.oidc_client_id:
        raise ConfigError("oidc-client-id: is missing: how the provider knows this service")
    _check_issuer(config.oidc_issuer)
    return OidcSettings(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=_secret_in(config.oidc_client_secret_file),
        scopes=config.oidc_scopes,
        claim=config.oidc_claim,
        adds_people=config.oidc_adds_people,
        believes_addresses=config.oidc_believes_addresses,
    )


def _check_issuer(issuer: str) -> None:
    check_length("oidc-issuer", issuer)
    parts = parts_of(issuer)
    if "@" in parts.netloc:
        raise ConfigError(
            f"oidc-issuer: {masked_address(issuer)[:200]!r} has a login, and no provider's has one",
            hint="the provider knows this service by oidc-client-id and oidc-client-secret-file",
        )
    if parts.scheme == "http" and parts.hostname in THIS_MACHINE:
        return
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            f"oidc-issuer: {masked_address(issuer)[:200]!r} is no https:// URL of a provider",
            hint="it is what the provider's .well-known/openid-configuration says as `issuer`",
        )


def parts_of(url: str) -> SplitResult:
    """The parts of an address; none of what is no address."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError if there is no such
    except ValueError:
        return urlsplit("")
    return parts if parts.hostname else urlsplit("")


def _secret_in(file: Path | None) -> Secret | None:
    if file is None:
        return None
    try:
        with expanded(file).open(encoding="utf-8") as opened:
            text = opened.read(MAX_SECRET).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"oidc-client-secret-file: {file}: {exc}") from exc
    if not text:
        raise ConfigError(f"oidc-client-secret-file: {file}: is empty")
    return Secret(text)
