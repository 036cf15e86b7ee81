"""What a provider's token says of a person, once it is proved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from launchkit.errors import Unauthenticated
from launchkit.plain_text import visible_line
from launchkit_server.oidc.settings import OidcSettings

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Those with a public key: what proves a token cannot make one."""
LEEWAY_SECONDS = 60
MAX_TOKEN = 2**16
MAX_SUBJECT = 255
"""Characters, as OpenID Connect Core 1.0 has it (section 2)."""
VERIFIED = (True, "true")
"""What providers say of an address that is somebody's."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom the provider knows, and how."""

    issuer: str
    subject: str
    """Stays the same when a person gets another name."""
    name: str
    """The name of the account that is meant."""
    vouched: bool = True
    """Whether the provider says that the name is theirs; else it finds no account."""


def person_of(token: str, keys: KeySet, settings: OidcSettings, nonce: str) -> Person:
    """Whom an ID token names.

    :raises Unauthenticated: if it was not made by the provider, for this service, for this attempt
        and now, or does not say what names the account.
    :raises InvalidKeyIdError: if it is signed with a key that is not among *keys*.
    """
    claims = _proved(token, keys, settings, nonce)
    name, subject = claims.get(settings.claim), claims["sub"]
    if not isinstance(subject, str) or not subject.isprintable():
        raise Unauthenticated(f"{settings.host} names you by no text")
    if len(subject) > MAX_SUBJECT:
        raise Unauthenticated(
            f"{settings.host} names you by {len(subject)} characters (sub): there may be"
            f" {MAX_SUBJECT}"
        )
    if not isinstance(name, str) or not name or not name.isprintable():
        raise Unauthenticated(
            f"{settings.host} does not tell your {settings.claim}",
            hint="whoever runs this service: see oidc-claim and oidc-scopes",
        )
    return Person(
        issuer=settings.issuer,
        subject=subject,
        name=name,
        vouched=_vouched(claims, name, settings),
    )


def _vouched(claims: Mapping[str, Any], name: str, settings: OidcSettings) -> bool:
    """Whether a name is the person's. An address is one in whichever claim it stands, but for the
    provider's own name of the person; what is said of `email` is said of that address alone.
    """
    email = claims.get("email")
    if settings.claim == "sub" or (settings.claim != "email" and "@" not in name):
        return True
    is_email = isinstance(email, str) and _folded(email) == _folded(name)
    if not is_email or "email_verified" not in claims:
        return settings.believes_addresses
    if claims["email_verified"] not in VERIFIED:
        raise Unauthenticated(f"{settings.host} has not verified the address {name[:200]}")
    return True


def _folded(address: str) -> bytes:
    """An address without regard to the case of A to Z alone: what Unicode folds beyond that, such
    as the long s to s, may be an address of somebody else (RFC 5321, section 2.4).
    """
    return address.encode("utf-8", "surrogatepass").lower()


def _proved(token: str, keys: KeySet, settings: OidcSettings, nonce: str) -> Mapping[str, Any]:
    own = settings.client_id
    rules = JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": own},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
        azp={"value": own},
    )
    try:
        claims = jwt.decode(token[:MAX_TOKEN], keys, algorithms=ALGORITHMS).claims
        rules.validate(claims)
    except InvalidKeyIdError:
        raise
    except Exception as exc:  # its library raises all kinds of them over odd tokens
        text = str(exc) if isinstance(exc, JoseError | ValueError) else type(exc).__name__
        why = visible_line(text)
        raise Unauthenticated(f"what {settings.host} says of you does not hold: {why}") from exc
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != own:
        raise Unauthenticated(f"what {settings.host} says of you is meant for others, too")
    return claims
