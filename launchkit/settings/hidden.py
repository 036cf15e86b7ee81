"""The secrets of settings, as names tell of them, hidden in what is shown and in objections."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from launchkit.model import Json

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


def mask_of(settings: Mapping[str, Any]) -> "Mask":
    """Puts `…` in place of the secrets of settings."""
    from launchkit.resolving.known_secrets import mask_of_known, written_values
    from launchkit.resolving.secret_places import secrets_in
    from launchkit.resolving.secret_texts import named_parts_of

    found = secrets_in(settings, named_parts_of)
    return mask_of_known([*written_values(found), *_logins(settings)])


def _logins(settings: Mapping[str, Any]) -> Iterator[str]:
    """Those without a scheme, which nothing but a whole value tells."""
    from launchkit.addresses import bare_login
    from launchkit.resolving.nested import leaves

    for path, leaf in leaves(settings):
        for text in (*path, leaf):
            if isinstance(text, str) and (login := bare_login(text)):
                yield from (login, login.partition(":")[2])
