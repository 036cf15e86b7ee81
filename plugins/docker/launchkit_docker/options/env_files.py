"""Files with variables, as Docker's `--env-file` reads them: a line ends at a line feed only, a
byte order mark is none of the first name, and nothing is trimmed off a value.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from launchkit.errors import SubmitError


def read_files(paths: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables in files on the agent's machine, later ones winning; a name without a value
    takes that of *environ*, by default the agent's own.

    :raises SubmitError: if a file cannot be read, or a line has no name.
    """
    found: dict[str, str] = {}
    for path in paths:
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise SubmitError(
                f"{path} cannot be read: {exc}",
                hint="it must be a file on the agent's machine that the agent may read",
            ) from exc
        for number, line in enumerate(text.split("\n"), start=1):
            body = line.removesuffix("\r").lstrip()
            if not body or body.startswith("#"):
                continue
            name, equals, value = body.partition("=")
            if not name or " " in name or "\t" in name:
                raise SubmitError(
                    f"{path}:{number}: a variable's name is missing or has spaces",
                    hint="write NAME=VALUE, without spaces around the name",
                )
            if equals or name in environ:
                found[name] = value if equals else environ[name]
    return found
