"""Texts that people write in their editor, which $VISUAL or $EDITOR names."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import TypeVar

import click

from launchkit.cli.door import put_text
from launchkit.cli.failures import describe
from launchkit.document import read_text
from launchkit.errors import ConfigError, Rejected
from launchkit.plain_text import shortened

T = TypeVar("T")
VARIABLES = ("VISUAL", "EDITOR")
HINT = "name an editor in $VISUAL or $EDITOR, such as nano, or `code --wait`"


@dataclass(frozen=True)
class Draft:
    """A text in a file that an editor changes."""

    path: Path
    given: bytes

    @property
    def is_changed(self) -> bool:
        """Whether something else stands there than was given."""
        try:
            return self.path.read_bytes() != self.given
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def edit(self) -> None:
        """Wait until a person has edited it.

        :raises ConfigError: if no editor can be begun, or it fails, or removes the file.
        """
        try:
            click.edit(filename=str(self.path))
        except ValueError as exc:
            raise _failed(f"is no command: {exc}") from exc
        except click.ClickException as exc:
            raise _failed(exc.message) from exc
        if not self.path.is_file():
            raise _failed(f"it has left no file at {self.path}")

    def read(self) -> str:
        """What was written. :raises ConfigError: if it is not UTF-8 text."""
        return read_text(self.path).removeprefix("\ufeff")


@contextmanager
def draft(text: str) -> Iterator[Draft]:
    """A text to be edited. What was written stays in its file, and is told of, if nothing comes of
    it within the context.
    """
    handle, name = mkstemp(prefix="launchkit-", suffix=".yaml")
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
    made = Draft(Path(name), text.encode())
    try:
        yield made
    except BaseException:
        if made.is_changed:
            put_text(f"what you wrote is kept in {made.path}", err=True)
        else:
            made.path.unlink(missing_ok=True)
        raise
    made.path.unlink(missing_ok=True)


def edited(made: Draft, read: Callable[[str], T]) -> T:
    """What *read* makes of a text as a person leaves it in the editor; one that is wrong can be
    corrected.
    """
    while True:
        made.edit()
        try:
            return read(made.read())
        except (ConfigError, Rejected) as exc:
            put_text(describe(exc), err=True)
            click.confirm("Edit it again?", default=True, abort=True, err=True)


def _failed(why: str) -> ConfigError:
    name = next(filter(os.environ.get, VARIABLES), None)
    whose = f"${name}" if name else "the editor"
    return ConfigError(f"{whose}: {shortened(why)}", hint=HINT)
