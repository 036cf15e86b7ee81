"""The files in which git, curl and ssh keep logins and keys."""

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1024**2
LOGIN = re.compile(
    r"extraheader|https?://[^/@\s\"]{1,1000}@|^[ \t]*password[ \t]*=", re.IGNORECASE | re.MULTILINE
)
"""In git's settings: a header, an address with a login, a password, such as one for mail."""
STORE = re.compile(r"^[ \t]*helper[ \t]*=(.*\bstore\b.*)$", re.IGNORECASE | re.MULTILINE)
KEY = b"PRIVATE KEY-----"


def login_files(environ: Mapping[str, str]) -> Mapping[Path, str]:
    """Files with logins to git servers, and keys to them, each with what it holds. Reads git's
    settings of this user, and which of the files in ~/.ssh are keys.
    """
    home = Path.home()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    found = [home / ".git-credentials", config / "credentials", home / ".netrc"]
    named = environ.get("GIT_CONFIG_GLOBAL")
    for settings in [Path(named)] if named else [home / ".gitconfig", config / "config"]:
        text = _start(settings).decode(errors="replace")
        if LOGIN.search(text):
            found.append(settings)
        found += _stores(text)
    keys = dict.fromkeys(_keys(home / ".ssh"), "a key to git servers")
    return {**dict.fromkeys(found, "logins to git servers"), **keys}


def _stores(settings: str) -> Iterator[Path]:
    """The files of `helper = store --file=...`."""
    for line in STORE.findall(settings):
        with suppress(ValueError):  # quotes that do not end
            words = shlex.split(line.strip().strip('"'))
            for word, after in zip(words, [*words[1:], ""], strict=True):
                option, equals, value = word.partition("=")
                if option == "--file" and (value or after):
                    yield Path(value if equals else after).expanduser()


def _keys(folder: Path) -> list[Path]:
    try:
        return [file for file in sorted(folder.iterdir()) if KEY in _start(file, 100)]
    except OSError:
        return []


def _start(file: Path, most: int = MOST_BYTES) -> bytes:
    """The beginning of a file; nothing of what is none, or cannot be read."""
    with suppress(OSError):
        if file.is_file():
            with file.open("rb") as opened:
                return opened.read(most)
    return b""
