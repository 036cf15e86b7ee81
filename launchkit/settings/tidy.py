"""Old words and empty keys of a configuration file, replaced before it is checked."""

from collections.abc import Iterator

from launchkit.codec import Path
from launchkit.document import Document, require_mapping
from launchkit.settings.placeholders import BLOCKS

WORDS: dict[Path, Path] = {
    ("builder", "destination"): ("builder", "uri"),
    ("policy", "secure_mode"): ("secure_mode",),
    ("queues",): ("queue",),
}
"""Keys that another key may stand for."""


def tidied(document: Document) -> tuple[dict[str, object], list[str]]:
    """What the file says, without keys that say nothing and with old words replaced; also gives
    warnings.

    :raises ConfigError: if it is no mapping.
    """
    data = {key: value for key, value in require_mapping(document).items() if value is not None}
    for name in BLOCKS:
        if data.get(name) == {}:
            del data[name]
    return data, [*_top_words(data, document), *_builder_words(data, document)]


def _top_words(data: dict[str, object], document: Document) -> Iterator[str]:
    if "project" in data:
        del data["project"]
        yield f"{document.locate(('project',))}: ignored; a launch names its project"
    queues = data.get("queues", [])
    if isinstance(data.get("queue"), str) and isinstance(queues, list):
        data["queues"] = [*queues, data.pop("queue")]
        yield f"{document.locate(('queue',))}: read as one more of `queues`; move it there"


def _builder_words(data: dict[str, object], document: Document) -> Iterator[str]:
    builder = data.get("builder")
    if isinstance(builder, dict) and "uri" in builder and "destination" not in builder:
        data["builder"] = {**builder, "destination": builder["uri"], "uri": None}
        yield f"{document.locate(('builder', 'uri'))}: read as `destination`; rename it"
