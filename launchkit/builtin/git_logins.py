"""The files in which git, curl and ssh keep logins and keys."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shlex import shlex
from string import Template
from subprocess import DEVNULL, SubprocessError, run

from launchkit.builtin.git_command import NOWHERE, REPOSITORY_VARIABLES, git_words
from launchkit.home import expanded
from launchkit.private_files import is_there
from launchkit.resolving.secret_texts import parts_of

GIT_SECONDS = 10.0
MOST_BYTES = 1024**2
MOST_FILES = 10_000
MOST_SETTINGS = 100
"""Files of git's settings that are read one by one."""
SYSTEM = "GIT_CONFIG_SYSTEM"
INCLUDE = "include.path"
LOGINS = "logins to git servers"
KEY = b"PRIVATE KEY-----"
SECRET_ENDS = ("pass", "passwd", "password", "secret", "token", "extraheader")
"""Of the names of git's settings, which it tells in small letters: `sendemail.smtppass`."""
NO_SECRETS = frozenset({"", "true", "false", "yes", "no", "on", "off", "0", "1"})


def login_files(environ: Mapping[str, str]) -> Mapping[Path, str]:
    """Files with logins to git servers, and keys to them, each with what it holds. Has git read its
    settings, as it would for this user, and looks which of the files in ~/.ssh are keys.
    """
    home = Path.home()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    found = [home / ".git-credentials", config / "credentials", home / ".netrc"]
    named = environ.get("GIT_CONFIG_GLOBAL")
    own = [Path(named)] if named else [home / ".gitconfig", config / "config"]
    settings, unread = _read(environ, [Path(environ.get(SYSTEM) or "/etc/gitconfig"), *own])
    found += [*unread, *(one.file for one in settings if one.file and one.holds_login)]
    found += [file for one in settings for file in one.stores(environ)]
    keys = dict.fromkeys(_keys(home / ".ssh"), "a key to git servers")
    return {**dict.fromkeys(found, LOGINS), **keys}


@dataclass(frozen=True)
class _Setting:
    file: Path | None
    """None where it is from a variable: `GIT_CONFIG_COUNT` and those that go with it."""
    name: str
    value: str

    @property
    def holds_login(self) -> bool:
        """Whether it is a header, a password or an address with a login."""
        is_named = self.name.endswith(SECRET_ENDS) and self.value.lower() not in NO_SECRETS
        return is_named or bool([*parts_of(self.name), *parts_of(self.value)])

    def stores(self, environ: Mapping[str, str]) -> Iterator[Path]:
        """The file of `helper = store --file=...`, which git has a shell read. What the shell makes
        up itself, but for the values of variables, is no name of a file.
        """
        if not (self.name.startswith("credential.") and self.name.endswith(".helper")):
            return
        values = defaultdict(str, {**os.environ, **environ})
        with suppress(ValueError):  # quotes that do not end
            words = _words(self.value)
            if not any(word.endswith("store") for word in words):
                return
            for word, after in zip(words, [*words[1:], ""], strict=True):
                option, equals, value = word.partition("=")
                is_file = len(option) > 2 and "--file".startswith(option)
                name = Template((value if equals else after) if is_file else "")
                is_plain = name.is_valid() and "`" not in name.template
                if file := name.substitute(values) if is_plain else "":
                    yield expanded(file)

    def included(self) -> Iterator[Path]:
        """The file that it has git read, too; one that a variable names is no relative path."""
        if self.name == INCLUDE:
            path = expanded(self.value)
            if self.file or path.is_absolute():
                yield self.file.parent / path if self.file else path


def _words(line: str) -> list[str]:
    """The words of a line for a shell, without the signs between commands."""
    lexer = shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return [*lexer]


def _read(environ: Mapping[str, str], files: Sequence[Path]) -> tuple[list[_Setting], list[Path]]:
    """The settings that hold for each repository, of variables and all files that git reads for
    this user, also by `include`, and the files that it cannot read, which may hold anything. git
    reads none if one is wrong: then it is given *files* and what they include one by one.
    """
    together = _listed(environ, "--includes")
    if together is not None:
        return together, []
    alone = {**environ, SYSTEM: os.devnull, "GIT_CONFIG_GLOBAL": os.devnull}
    settings, unread = _listed(alone, "--no-includes") or [], list[Path]()
    waiting = [*files, *(path for one in settings for path in one.included())]
    seen = set[Path]()
    while waiting and len(seen) < MOST_SETTINGS:
        file = waiting.pop()
        if file in seen or not is_there(file):
            continue
        seen.add(file)
        told = _listed(alone, "--no-includes", "--file", str(file))
        if told is None:
            unread.append(file)
            continue
        own = [one for one in told if one.file]
        settings += own
        waiting += [path for one in own for path in one.included()]
    return settings, unread


def _listed(environ: Mapping[str, str], *options: str) -> list[_Setting] | None:
    own = {**os.environ, **environ}
    for name in REPOSITORY_VARIABLES:
        own.pop(name, None)
    try:
        done = run(
            git_words("config", "--list", "--show-origin", "-z", *options),
            cwd=NOWHERE,
            env=own,
            stdin=DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, SubprocessError):
        return None
    told = os.fsdecode(done.stdout).split("\0")
    return [*_settings(told)]


def _settings(told: list[str]) -> Iterator[_Setting]:
    for origin, entry in zip(told[::2], told[1::2], strict=False):
        kind, _, file = origin.partition(":")
        if kind in {"file", "command line"}:
            name, _, value = entry.partition("\n")
            yield _Setting(NOWHERE / file if kind == "file" else None, name, value)


def _keys(folder: Path) -> list[Path]:
    files = islice(_Folders().files(folder), MOST_FILES)
    return sorted(file for file in files if KEY in _start(file))


@dataclass(frozen=True)
class _Folders:
    seen: set[Path] = field(default_factory=set)

    def files(self, folder: Path) -> Iterator[Path]:
        """Those of a directory and of all below it, links followed, each directory once."""
        waiting = [folder]
        while waiting:
            folder = waiting.pop()
            with suppress(
                OSError, RuntimeError
            ):  # not there, not to be entered, or links in a circle
                real = folder.resolve()
                if real in self.seen or len(self.seen) > MOST_FILES:
                    continue
                self.seen.add(real)
                for one in sorted(folder.iterdir()):
                    if _is_folder(one):
                        waiting.append(one)
                    else:
                        yield one


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        return path.is_dir()
    return False


def _start(file: Path) -> bytes:
    """The beginning of a file; nothing of what is none, or cannot be read."""
    with suppress(OSError):
        if file.is_file():
            with file.open("rb") as opened:
                return opened.read(MOST_BYTES)
    return b""
