"""The files in which AWS's libraries and its command line keep keys and tokens."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1024**2
KEYS = (b"aws_secret_access_key", b"aws_session_token")


def credential_files(environ: Mapping[str, str]) -> Mapping[Path, str]:
    """Each that there may be, with what it holds; of the settings, if a key is in them. Reads
    these.
    """
    home = Path.home() / ".aws"
    named = {
        "AWS_SHARED_CREDENTIALS_FILE": home / "credentials",
        "AWS_WEB_IDENTITY_TOKEN_FILE": None,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": None,
    }
    places = [environ.get(name) or usual for name, usual in named.items()]
    found = [_expanded(one) for one in places if one]
    settings = _expanded(environ.get("AWS_CONFIG_FILE") or home / "config")
    if _holds_key(settings):
        found.append(settings)
    for folder in ("sso/cache", "cli/cache", "login/cache"):
        found += _files_of(home / folder)
    return dict.fromkeys(found, "credentials of AWS")


def _expanded(path: str | Path) -> Path:
    """As AWS's libraries read it: a home that nobody has stays as it is written."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for it


def _holds_key(settings: Path) -> bool:
    with suppress(OSError):
        if settings.is_file():
            with settings.open("rb") as opened:
                text = opened.read(MOST_BYTES).lower()
            return any(key in text for key in KEYS)
    return False


def _files_of(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(folder.glob("*.json"))
