"""Which images a Dockerfile takes anything from."""

import re
from collections.abc import Iterator, Mapping

from launchkit.errors import Rejected

MOST_CHARACTERS = 300_000
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(.+)$", re.IGNORECASE)
_COPY = re.compile(r"(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=(\S+)", re.IGNORECASE)
_MOUNT = re.compile(r"--mount=\S*\bfrom=([^,\s]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


def base_images(dockerfile: str, build_args: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The images of `FROM` lines, `COPY --from` and mounts, each once, in order.

    Variables that `ARG` lines before the first `FROM` declare have their values in *build_args*,
    else their defaults. A name that still has a variable in it is left out, as are stages and
    `scratch`.

    :raises Rejected: if it is longer than any Dockerfile has reason to be.
    """
    if len(dockerfile) > MOST_CHARACTERS:
        raise Rejected(f"the Dockerfile has more than {MOST_CHARACTERS} characters")
    given = build_args or {}
    stages = {"scratch"}
    args: dict[str, str] = {}
    found: dict[str, None] = {}
    started = False
    for line in _instructions(dockerfile):
        if origin := _FROM.match(line):
            started = True
            found |= dict.fromkeys(_images([origin[1]], args, stages))
            stages |= {(origin[2] or "scratch").lower()}
        elif started:
            found |= dict.fromkeys(_images(_taken_from(line), {}, stages))
        elif default := _ARG.match(line):
            args |= _declared(default[1], args, given)
    return tuple(found)


def _instructions(text: str) -> Iterator[str]:
    """Each instruction in one line, without comments."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    kept = (line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(kept))
    return (line.strip() for line in joined.split("\n") if line.strip())


def _taken_from(line: str) -> list[str]:
    copied = _COPY.match(line)
    mounted = _MOUNT.findall(line) if line[:4].upper() == "RUN " else []
    return [*([copied[1]] if copied else []), *mounted]


def _images(names: list[str], args: Mapping[str, str], stages: set[str]) -> Iterator[str]:
    for name in names:
        image = _filled(name, args)
        if "$" not in image and image.lower() not in stages and not image.isdigit():
            yield image


def _declared(text: str, args: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split())
    defaults = {
        name: _filled(value.strip("\"'"), args) if has else "" for name, has, value in pairs
    }
    values = {name: given.get(name, default) for name, default in defaults.items()}
    return {name: value for name, value in values.items() if value}


def _filled(text: str, args: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return args.get(found[1] or found[3]) or found[2] or found[0]

    return _VARIABLE.sub(value, text)
