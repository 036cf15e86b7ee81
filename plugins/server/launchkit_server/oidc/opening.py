"""The provider that the settings name, if they name one."""

from typing import TYPE_CHECKING

from launchkit.errors import ConfigError
from launchkit_server.config import ServerConfig
from launchkit_server.oidc.settings import oidc_of

if TYPE_CHECKING:
    from launchkit_server.oidc.provider import Provider


def provider_of(config: ServerConfig) -> "Provider | None":
    """Whom people sign in by; None is nobody. Reads files, which takes long.

    :raises ConfigError: if the settings do not fit, or what looks at signatures is not installed.
    """
    settings = oidc_of(config)
    if settings is None:
        return None
    try:
        from launchkit_server.oidc.provider import Provider
    except ImportError as exc:
        raise ConfigError(
            "oidc-issuer: signing in by a provider needs joserfc",
            hint="pip install 'launchkit-server[oidc]'",
        ) from exc
    return Provider(settings)
