"""The plugins that installed distributions name. Each distribution is read by itself: what is wrong
in one, be it anybody's, is in the way of no other.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions
from typing import NamedTuple

from launchkit.errors import contained_call
from launchkit.plain_text import shortened

UNKNOWN = "?"
LONGEST = 200


class Installed(NamedTuple):
    """A plugin that a distribution names, with what is to be imported."""

    name: str
    module: str
    source: str
    """The distribution, by its name; or where it lies, if that cannot be read."""
    version: str = ""
    fault: str | None = None
    """Why the distribution cannot be read."""


def installed_plugins(group: str) -> Iterator[Installed]:
    """All that distributions name in *group* of their entry points, and those that cannot be read;
    of two distributions of one name the first on the path counts.
    """
    seen: set[str] = set()
    for dist in distributions():
        found = _read(dist, group)
        names = {re.sub(r"[-_.]+", "-", one.source).lower() for one in found}
        if not names & seen:
            yield from found
        seen |= names


def _read(dist: Distribution, group: str) -> Sequence[Installed]:
    names = []
    try:
        with contained_call():
            points = dist.entry_points.select(group=group)
            names = [one.name for one in points]
            if not names:
                return ()
            facts = dist.metadata
            source, version = facts["Name"] or UNKNOWN, facts["Version"] or ""
            return [Installed(one.name, one.value, source, version) for one in points]
    except Exception as exc:  # noqa: BLE001 - its files may be anything
        source, fault = _source(dist), shortened(f"its metadata cannot be read: {exc}", LONGEST)
        return [Installed(name, "", source, fault=fault) for name in names or [UNKNOWN]]


def _source(dist: Distribution) -> str:
    try:
        with contained_call():
            return dist.metadata["Name"] or UNKNOWN
    except Exception:  # noqa: BLE001 - its files may be anything
        return f"a distribution in {dist.locate_file('')}"
