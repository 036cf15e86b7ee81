"""Which images a Dockerfile takes anything from."""

import re
from collections.abc import Iterator, Mapping

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(.+)$", re.IGNORECASE)
_COPY = re.compile(r"(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=(\S+)", re.IGNORECASE)
_MOUNT = re.compile(r"--mount=\S*\bfrom=([^,\s]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


def base_images(dockerfile: str, build_args: Mapping[str, str] = {}) -> tuple[str, ...]:
    """The images of `FROM` lines, `COPY --from` and mounts, each once, in order.

    Variables that an `ARG` before the first `FROM` declares have the values of *build_args*, else
    the defaults that stand there. A name that still has a variable in it is left out, as are stages
    and `scratch`.
    """
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
            args |= _declared(default[1], args, build_args)
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


def _declared(text: str, args: Mapping[str, str], build_args: Mapping[str, str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in text.split()]
    defaults = {name: _filled(value.strip("\"'"), args) for name, equals, value in pairs if equals}
    return defaults | {name: build_args[name] for name, _, _ in pairs if name in build_args}


def _filled(text: str, args: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return args.get(found[1] or found[3]) or found[2] or found[0]

    return _VARIABLE.sub(value, text)
