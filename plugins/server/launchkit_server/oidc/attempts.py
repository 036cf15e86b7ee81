"""One attempt to sign in: what the browser keeps while its person is at the provider."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass

from launchkit.model import Secret

MAX_COOKIE = 4000


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The state that must come back, and what only this browser and the provider know."""

    state: str
    nonce: str
    verifier: Secret
    """What PKCE asks for: it shows that who brings the code is who asked for it."""
    to: str
    """Where the person wants to go."""

    @classmethod
    def new(cls, to: str) -> "Attempt":
        """A new one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=Secret(verifier), to=to)

    @property
    def challenge(self) -> str:
        """What is told of the verifier before it is (S256)."""
        digest = hashlib.sha256(str.__str__(self.verifier).encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def cookie(self) -> str:
        """The attempt as a cookie."""
        fields = [self.state, self.nonce, str.__str__(self.verifier), self.to]
        return urlsafe_b64encode(json.dumps(fields).encode()).decode()


def attempt_in(cookie: str) -> Attempt | None:
    """The attempt that a cookie keeps."""
    try:
        fields = json.loads(urlsafe_b64decode(cookie[:MAX_COOKIE]))
    except (NotBase64, ValueError, RecursionError):
        return None
    if not isinstance(fields, list) or len(fields) != 4:
        return None
    if not all(isinstance(one, str) and one for one in fields):
        return None
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:  # half a letter of UTF-16, which JSON can say
        return None
    state, nonce, verifier, to = fields
    return Attempt(state=state, nonce=nonce, verifier=Secret(verifier), to=to)
