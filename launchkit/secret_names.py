"""Which names tell of a secret: those of keys, variables, options and template variables."""

import re
from collections.abc import Iterator
from itertools import pairwise

from launchkit.references import without_references

_HINT = re.compile(
    r"(?=[abcdekjopst])"  # all begin so: most letters are looked at once
    r"(?:auth|bearer|cookie|cred|dockerconfigjson|extraheader|jwt|kennwort|key|otp|pass|pat|pw|sas"
    r"|secret|sharedaccess|sig|token)",
    re.IGNORECASE,
)
"""What is in each name of a secret: most names are looked at no further."""
_SOUND = re.compile(
    r"(?:passw(?:or)?[dt]|kennwort|passphrase|passcode|secret|credential|authorization|bearer"
    r"|extraheader|dockerconfigjson|sharedaccess|token(?!i[sz](?:e|ing|ation))"
    r"|(?:api|access|account|private|shared|signing|storage)[_.-]{0,3}key)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST = frozenset({"auth", "auths", "cookie", "cookies", "pat", "pats", "sas", "sig", "sigs"}) | {
    *("signature", "signatures")
}
"""What is a secret as the last word of a name, or with an index or a field behind it."""
_OF_PARAMETERS = _LAST | {"key", "keys", "pass", "pw"}
"""What is one anywhere in the name of an address's parameter."""
_ANYWHERE = frozenset({"cred", "jwt", "otp", "pwd"})
_ENDS = ("pass", "pw", "pwd")
_WHERE_A_SHELL_IS = frozenset({"OLDPWD", "PWD"})
_ATTACHED = re.compile(r"-[A-Ze](?=[A-Za-z_])")
"""An option whose value begins right behind it, as in `-Dpassword=x`."""
_INDICES = re.compile(r"[\[\]]|%5[BD]", re.IGNORECASE)
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
_MAY_BE_PLACE = re.compile(rf"(?:{'|'.join(sorted(_PLACES))})s?(?![A-Za-z0-9])", re.IGNORECASE)
_AMOUNTS = frozenset({"budget", "count", "limit", "max", "maximum", "min", "minimum"}) | {
    *("num", "number", "size", "total")
}
_MEASURES = frozenset({"age", "count", "days", "hours", "len", "length", "limit", "minutes"}) | {
    *("second", "seconds", "size", "timeout", "ttl", "version")
}
_SMALL = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,4})?")


def may_tell(text: str) -> bool:
    """Whether there may be the name of a secret in a text: in most there is none."""
    return bool(_HINT.search(text))


def sounds(name: str) -> bool:
    """Whether a name has to do with a secret at all."""
    return bool(_telling(name))


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret, and not where one is, as a file."""
    return not all(map(_says_elsewhere, _telling(name)))


def is_secret_parameter(name: str) -> bool:
    """Whether what has this name behind the `?` of an address is a secret: there a key of any kind
    is one, and nothing is said of files.
    """
    if not may_tell(name):
        return False
    return sounds(name.lower()) or sounds(name) or not _OF_PARAMETERS.isdisjoint(words_of(name))


def is_secret(name: str, value: str) -> bool:
    """Whether a value of that name is a secret: a small number is none where the name says that it
    is a measure, such as `max_tokens`.
    """
    return bool(value) and is_secret_name(name) and not (_SMALL.fullmatch(value) and measures(name))


def measures(name: str) -> bool:
    """Whether a name tells how much there is, or how long it counts, in whole words."""
    return all(map(_is_measure, _telling(name) or [name]))


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters: `maxTokens` and `MAX_TOKENS` have the same two."""
    return [word.lower() for word in _WORD.findall(name)]


def _telling(name: str) -> list[str]:
    """The readings of a name that have to do with a secret."""
    if not may_tell(name) or name in _WHERE_A_SHELL_IS:
        return []
    return [one for one in _readings(name) if _tells(one)]


def _readings(name: str) -> Iterator[str]:
    """A name as it is, and what of it is surely its own: what a macro, a field, an index or an
    option adds to the name of a secret may look like another name, as in `PASSWORD_${run_id}`.
    """
    own = ".".join(without_references(name))
    for one in dict.fromkeys((name, *_INDICES.split(own))):
        yield one
        if attached := _ATTACHED.match(one):
            yield one[attached.end() :]


def _says_elsewhere(name: str) -> bool:
    """Whether it is the name of what says where something is, such as a file."""
    words = words_of(name) if _MAY_BE_PLACE.search(name) else []
    if not words or words[-1].removesuffix("s") not in _PLACES:
        return False
    return not (words[-1] == "id" and words[-2:-1] == ["secret"])  # a secret_id is a password


def _is_measure(name: str) -> bool:
    words = words_of(name)
    if not words:
        return False
    if words[-1] in _MEASURES:
        return True
    others = [word for word in words if word != "tokens"]
    return (
        len(others) < len(words) and not _AMOUNTS.isdisjoint(words) and not sounds("_".join(others))
    )


def _tells(name: str) -> bool:
    if _SOUND.search(name):
        return True
    own = name.rpartition("/")[2]
    return any(_has_secret_word(words_of(part)) for part in {own, *own.split(".")})


def _has_secret_word(words: list[str]) -> bool:
    named = [word for word in words if not word.isdigit()]
    last = named[-1] if named else ""
    if last in _LAST or (last.endswith(_ENDS) and last not in _OTHER_PASSES):
        return True
    if any(word.removesuffix("s") in _ANYWHERE for word in words):
        return True
    return any(word in {"key", "keys"} and before in _KEYS for before, word in pairwise(words))
