"""Files with variables, as Docker's `--env-file` reads them: a line ends at a line feed only, a
byte order mark is none of the first name, and nothing is trimmed off a value.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from launchkit.errors import SubmitError
from launchkit_docker.options.parsing import option_name

MOST_BYTES = 1 << 20
"""Of all files together, each as often as it is named; no program can be given more than twice of
it.
"""


def given_away(
    environ: Mapping[str, str], origins: Mapping[str, str], allowed: Collection[str]
) -> dict[str, str]:
    """The agent's variables, *environ*, that files may name: where the queue itself names the
    files, all; else those *allowed* by the agent's owner.
    """
    chosen = {who for place, who in origins.items() if _is_env_file(place)}
    names = environ.keys() if chosen <= {"queue"} else environ.keys() & {*allowed}
    return {name: environ[name] for name in names}


def _is_env_file(place: str) -> bool:
    key = place.removeprefix("resource_args.").partition("[")[0]
    return key != place and option_name(key) == "env-file"


def read_files(paths: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables in files on the agent's machine, later ones winning; a name without a value
    takes that of *environ*.

    :raises SubmitError: if a file cannot be read, or a line has no name.
    """
    found: dict[str, str] = {}
    left = MOST_BYTES
    for path in paths:
        try:
            data = _read(Path(path), left)
            text = _text_of(data)
        except (OSError, ValueError) as exc:
            raise SubmitError(
                f"{path} cannot be read: {exc}",
                hint="it must be a file on the agent's machine that the agent may read",
            ) from exc
        left -= len(data)
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


def _read(path: Path, most: int) -> bytes:
    if not path.is_file():
        raise ValueError("it is no file" if path.exists() else "there is no such file")
    data = bytearray()
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while more := os.read(file, most + 1 - len(data)):
            data += more
    finally:
        os.close(file)
    if len(data) > most:
        raise ValueError(f"with it there are more than {MOST_BYTES} bytes")
    return bytes(data)


def _text_of(data: bytes) -> str:
    text = data.decode("utf-8-sig")
    if "\0" in text:
        raise ValueError("it holds NUL characters")
    return text
