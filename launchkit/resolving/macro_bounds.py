"""Whether what a launch brings as a macro's value stays within its place in a queue's config."""

import re
from collections.abc import Iterator, Mapping

from launchkit.codec import dotted
from launchkit.errors import Rejected
from launchkit.model import Json, Variable
from launchkit.resolving.nested import require_room, texts

CHOSEN = ("project_name", "run_name", "author", "entity_name")
"""Macros whose values are what somebody wrote."""
IMAGE = "image_uri"
QUEUES = frozenset({"queue", "template"})
_IMAGE_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][\w.:/@-]*", re.ASCII)
_VARIABLE = Variable(type="string")


def check_macro_values(
    args: Json, origins: Mapping[str, str], values: Mapping[str, str | None]
) -> None:
    """Look whether *values* of macros become no more than one part of the queue's texts around
    them, as those of template variables do not. Who writes a macro into a launch sees to it alone.

    :raises Rejected: naming each that does not.
    """
    problems = [*_problems(args, origins, values)]
    if problems:
        raise Rejected(
            "\n".join(dict.fromkeys(problems)),
            hint="launch it with another project or name; a macro that is all of a value in the"
            " queue's config, or of a variable in its `env`, may become anything",
        )


def _problems(
    args: Json, origins: Mapping[str, str], values: Mapping[str, str | None]
) -> Iterator[str]:
    chosen = {name: values[name] or "" for name in CHOSEN if name in values}
    field = re.compile(rf"\$\{{({'|'.join(chosen) or '(?!)'})\}}")
    variables = dict.fromkeys(chosen, _VARIABLE)
    image = values.get(IMAGE) or ""
    of_queue = [
        (path, text)
        for path, text in texts({"resource_args": args})
        if "${" in text and origins.get(dotted(path)) in QUEUES
    ]
    require_room(of_queue, field, lambda _: lambda found: len(chosen[found[1]]))
    for path, text in of_queue:
        from launchkit.resolving.field_bounds import escapes

        yield from escapes(path, text, field, chosen, variables, are_macros=True)
        if image and f"${{{IMAGE}}}" in text and not _IMAGE_NAME.fullmatch(image):
            yield f"macro {IMAGE} cannot stand in {dotted(path)}: {image!r} is no name of an image"
