"""The keys that a provider shows, as far as tokens are proved with them. Who shows them is not
trusted with the time that it takes to read them.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

MOST_KEYS = 100
MOST_DIGITS = 1024
"""Characters of a number of a key: joserfc looks at no signature with more."""
NUMBERS = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}
"""The public numbers of each kind of key that an algorithm is for."""
ABOUT = ("kty", "crv", "kid", "use", "key_ops", "alg")
NOT_UNDERSTOOD = (JoseError, LookupError, TypeError, ValueError, UnsupportedAlgorithm)


def keys_in(shown: Mapping[str, Any]) -> KeySet:
    """The public keys in a key set; one that is not understood, or whose numbers are too long, is
    passed over (RFC 7517, section 5).

    :raises ValueError: if there are too many, or none of use.
    """
    found = shown.get("keys")
    if not isinstance(found, list):
        raise ValueError("without keys")  # noqa: TRY004 - it is foreign text
    if len(found) > MOST_KEYS:
        raise ValueError(f"with {len(found)} keys: there may be {MOST_KEYS}")
    keys = [key for one in found if (key := _key_in(one)) is not None]
    if not keys:
        raise ValueError("without keys that prove a token")
    return KeySet(keys)


def _key_in(shown: object) -> Key | None:
    """What is private in it is not looked at: to check that may take any time."""
    if not isinstance(shown, dict):
        return None
    numbers = NUMBERS.get(str(shown.get("kty")), ())
    if not numbers or not all(_is_short(shown.get(name)) for name in numbers):
        return None
    public = {name: shown[name] for name in (*ABOUT, *numbers) if name in shown}
    try:
        return JWKRegistry.import_key(public)
    except NOT_UNDERSTOOD:
        return None


def _is_short(number: object) -> bool:
    return isinstance(number, str) and len(number) <= MOST_DIGITS
