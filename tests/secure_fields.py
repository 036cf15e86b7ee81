"""In secure mode no field of a runner's config is a launch's to choose, at any depth."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from launchkit.abc import Policy, Runner
from launchkit.errors import Rejected
from launchkit.resolving.policy import check_policy
from launchkit.testing.makers import make_launch

SECURE = Policy(secure_mode=True)
PROGRAM = re.compile(
    r"^(command|args|script|source)(\[0\])?$|entry_?point|argument|program|evaluator"
    r"|remotedebug$|web_?access|dashboard_?access|package_?spec",
    re.IGNORECASE,
)
"""Names of fields that say what runs, as the tables of clouds and clusters have them."""
DEPTH = 9
"""So deep fields are looked at; what is below is told by the same rule."""


def check_all_are_closed(runner: type[Runner]) -> int:
    """Look at each field that the runner's schema knows; gives how many there are."""
    schema = runner.args_schema()
    places = {*_places(schema, schema, "resource_args", DEPTH)}
    for place in places:
        for who in ("job", "launch"):
            with pytest.raises(Rejected) as refused:
                check_policy(replace(make_launch(), origins={place: who}), SECURE, runner)
            assert f"{place}: a {who} cannot choose it" in refused.value.message
    return len(places)


def check_programs_are_closed(runner: type[Runner]) -> int:
    """Look at each field whose name speaks of what runs: a policy that opens all resource arguments
    does not open it to launches; gives how many there are.
    """
    wide = replace(SECURE, launch_may_set=("resource_args",))
    schema = runner.args_schema()
    places = {*_places(schema, schema, "resource_args", DEPTH)}
    speaking = {place for place in places if PROGRAM.search(place.rpartition(".")[2])}
    for place in speaking:
        with pytest.raises(Rejected) as refused:
            check_policy(replace(make_launch(), origins={place: "launch"}), wide, runner)
        assert f"{place}: a launch cannot choose it" in refused.value.message
    return len(speaking)


def _places(schema: Any, root: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
    """The path of each field, as the origins of a launch name it."""
    if not isinstance(schema, Mapping) or not depth:
        return
    if isinstance(ref := schema.get("$ref"), str):
        found: Any = root
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        yield from _places(found, root, place, depth)
    for name, inner in schema.get("properties", {}).items():
        yield f"{place}.{name}"
        yield from _places(inner, root, f"{place}.{name}", depth - 1)
    yield from _places(schema.get("items"), root, f"{place}[0]", depth - 1)
    ways = [inner for word in ("anyOf", "oneOf", "allOf") for inner in schema.get(word, ())]
    for inner in (*ways, schema.get("then"), schema.get("else")):
        yield from _places(inner, root, place, depth)
