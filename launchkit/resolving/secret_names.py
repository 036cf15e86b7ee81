"""Which names tell of a secret: those of keys, variables, options and template variables."""

import re
from itertools import pairwise

_SOUND = re.compile(
    r"(?=[abcdekpst])"  # all begin so: most letters are looked at once
    r"(?:passw(?:or)?[dt]|kennwort|passphrase|passcode|secret|credential|authorization|bearer"
    r"|extraheader|dockerconfigjson|sharedaccess|amz[-_]signature"
    r"|token(?!i[sz](?:e|ing|ation))|(?:api|access|account|private|signing|storage)[_-]?key)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRETS = frozenset({"auth", "cookie", "creds", "jwt", "otp", "pat", "pw", "pwd", "sas", "sig"})
"""What is a secret as the last word of a name."""
_OTHER_PASSES = frozenset({"bypass", "compass", "overpass", "surpass", "trespass", "underpass"})
_KEYS = frozenset(
    {"aes", "anthropic", "aws", "azure", "client", "comet", "crypt", "decryption", "deploy"}
    | {"encryption", "fernet", "gcp", "github", "gitlab", "google", "gpg", "hf", "hmac", "minio"}
    | {"openai", "s3", "slack", "stripe"}
    | {"host", "licence", "license", "master", "pgp", "rsa", "service", "session", "shared"}
    | {"ssh", "ssl", "subscription", "tls", "unseal", "vault", "wandb", "webhook"}
)
"""Of what a key is a secret; other keys are those of mappings and columns."""
_PLACES = frozenset(
    {"dir", "directory", "env", "file", "folder", "id", "name", "path", "stdin", "uri", "url"}
)
_AMOUNTS = frozenset({"budget", "count", "limit", "max", "maximum", "min", "minimum"}) | {
    *("num", "number", "size", "total")
}
_MEASURES = frozenset({"age", "count", "days", "hours", "len", "length", "limit", "minutes"}) | {
    *("second", "seconds", "size", "timeout", "ttl", "version")
}
_SMALL = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,4})?")


def sounds(name: str) -> bool:
    """Whether a name has to do with a secret at all."""
    if name == "PWD":  # where a shell is
        return False
    return bool(_SOUND.search(name)) or _has_secret_word(words_of(name))


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret, and not where one is, as a file."""
    return sounds(name) and not says_elsewhere(name)


def says_elsewhere(name: str) -> bool:
    """Whether it is the name of what says where something is, such as a file."""
    words = words_of(name)
    if not words or words[-1].removesuffix("s") not in _PLACES:
        return False
    return not (words[-1] == "id" and words[-2:-1] == ["secret"])  # a secret_id is a password


def is_secret(name: str, value: str) -> bool:
    """Whether a value of that name is a secret: a small number is none where the name says that it
    is a measure, such as `max_tokens`.
    """
    return bool(value) and is_secret_name(name) and not (_SMALL.fullmatch(value) and measures(name))


def measures(name: str) -> bool:
    """Whether a name tells how much there is, or how long it counts, in whole words."""
    words = words_of(name)
    if not words:
        return False
    if words[-1] in _MEASURES:
        return True
    others = [word for word in words if word != "tokens"]
    return (
        len(others) < len(words) and not _AMOUNTS.isdisjoint(words) and not sounds("_".join(others))
    )


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters: `maxTokens` and `MAX_TOKENS` have the same two."""
    return [word.lower() for word in _WORD.findall(name)]


def _has_secret_word(words: list[str]) -> bool:
    named = [word for word in words if not word.isdigit()]
    last = named[-1] if named else ""
    if last in _SECRETS or (last.endswith("pass") and last not in _OTHER_PASSES):
        return True
    return any(word in {"key", "keys"} and before in _KEYS for before, word in pairwise(words))
