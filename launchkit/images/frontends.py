"""Which frontends a Dockerfile may name: programs that read it in BuildKit's place.

One may import a cache that says of any image what steps made it, and BuildKit takes those for steps
of everybody's builds. So only such are let in as are known to do nothing of the kind.
"""

import re
from collections.abc import Collection, Iterator
from io import StringIO

from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef
from launchkit.plain_text import shortened

DOCKERS_OWN = "docker/dockerfile", "docker/dockerfile-upstream"
LONGEST_SHOWN = 120
_BYTE_ORDER_MARK = "\ufeff"
_DIRECTIVE = re.compile(r"(?:#|//)\s*+([a-zA-Z][a-zA-Z0-9]*+)\s*+=\s*+(.*+)")


def check_frontends(dockerfile: str, place: str, more: Collection[str]) -> None:
    """Refuse a Dockerfile that has BuildKit run another frontend than Docker's own or one of
    *more*, which are repositories.

    What counts is what any version of BuildKit takes for a directive, and a little more.

    :raises Rejected: names *place*, the line and what it names.
    """
    known = {_repository(name) for name in (*DOCKERS_OWN, *more)}
    for number, named in _frontends(dockerfile):
        if why := _fault(named, known):
            raise Rejected(
                f"{place}:{number}: {why}; a frontend may put layers into the images of others",
                hint=f"take that line out, or write # syntax={DOCKERS_OWN[0]}:1; other images are"
                " named by the agent's owner, in `frontends` of its builder",
            )


def _fault(named: str | None, known: Collection[tuple[str, str]]) -> str | None:
    if named is None:
        return "what is written as JSON may name any image as its frontend, by `syntax`"
    if re.search(r"\s", named):
        return "what stands behind the image that `syntax=` names tells that frontend what to do"
    try:
        image = ImageRef.parse(named)
    except Rejected as exc:
        return f"`syntax=`: {exc.message}"
    shown = shortened(image.familiar, LONGEST_SHOWN)
    if (image.registry, image.path) not in known:
        return f"`syntax={shown}` names a frontend that this agent does not know"
    if image.digest:
        # BuildKit takes the content that it has of a digest, whichever repository it came from
        return f"`syntax={shown}` has a digest, which may be that of any image that was pulled"
    return None


def _repository(name: str) -> tuple[str, str]:
    image = ImageRef.parse_repository(name)
    return image.registry, image.path


def _frontends(dockerfile: str) -> Iterator[tuple[int, str | None]]:
    """The line and the image of each directive that names one; None: it may be any."""
    text = dockerfile.removeprefix(_BYTE_ORDER_MARK)
    first = 1
    if text.startswith("#!"):
        _, _, text = text.partition("\n")
        first = 2
    if text.lstrip().startswith("{"):
        yield first, None
    for number, line in enumerate(StringIO(text, newline="\n"), start=first):
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "syntax":
            yield number, directive[2]
