"""The secrets of settings, as names tell of them, hidden in what is shown and in objections."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from launchkit.errors import ConfigError, hiding
from launchkit.model import Json
from launchkit.resolving.nested import leaves

if TYPE_CHECKING:
    from launchkit.resolving.masking import Mask


def shown(settings: Json) -> dict[str, Any]:
    """Settings as they may be shown: without what a name tells to be a secret, be it a key, an
    option or one in a text, and without the logins in addresses.
    """
    from launchkit.addresses import masked_value
    from launchkit.resolving.secret_places import Walk
    from launchkit.resolving.secret_texts import named_parts_of

    hidden: dict[str, Any] = masked_value(Walk(parts_of=named_parts_of).mapping(settings, "", ()))
    return hidden


class SettingsMask:
    """Puts `…` in place of the secrets of settings. What they are is found out when something is
    told: most commands tell nothing.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    def __call__(self, text: str) -> str:
        """*text* with `…` for each of them."""
        return self._mask(text)

    @cached_property
    def _mask(self) -> "Mask":
        from launchkit.resolving.known_secrets import mask_of_known, written_values
        from launchkit.resolving.secret_places import secrets_in
        from launchkit.resolving.secret_texts import named_parts_of

        found = secrets_in(self._settings, named_parts_of)
        return mask_of_known([*written_values(found), *self._logins()])

    def _logins(self) -> Iterator[str]:
        """Those without a scheme, which nothing but a whole value tells."""
        from launchkit.addresses import bare_login

        for path, leaf in leaves(self._settings):
            for text in (*path, leaf):
                if isinstance(text, str) and (login := bare_login(text)):
                    yield from (login, login.partition(":")[2])

    @contextmanager
    def on_errors(self) -> Iterator[None]:
        """Let what is raised meanwhile have `…` for the secrets, also where it is cut.

        :raises ConfigError: in place of one with a secret in it.
        """
        try:
            with hiding(self):
                yield
        except ConfigError as exc:
            raise ConfigError(self(exc.message), hint=exc.hint and self(exc.hint)) from exc
