"""In secure mode no field of a runner's config is a launch's to choose, at any depth."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from launchkit.abc import Policy, Runner
from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.model import (
    Claim,
    ItemState,
    Json,
    Launch,
    Limits,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Variable,
)
from launchkit.resolving.policy import check_policy
from launchkit.resolving.resolve import resolve
from launchkit.testing.makers import make_launch, make_spec

SECURE = Policy(secure_mode=True)
PROGRAM = re.compile(
    r"^(command|args|script|source)(\[0\])?$|entry_?point|argument|program|evaluator"
    r"|remotedebug$|web_?access|dashboard_?access|package_?spec|^env|volume(?!sizein)|mount"
    r"|service_?account|role|security|network|image|device(?!_spec)|runtime(?!in)|hostname|alias"
    r"|^annotations$|^labels$",
    re.IGNORECASE,
)
"""Names of fields that say what runs and what it reaches, as the tables of clouds and clusters
have them."""
DEPTH = 9
"""So deep fields are looked at; what is below is told by the same rule."""


def check_all_are_closed(runner: type[Runner]) -> int:
    """Look at each field that the runner's schema knows; gives how many there are."""
    schema = runner.args_schema()
    places = {*_places(schema, schema, ("resource_args",), DEPTH)}
    for place in places:
        for who in ("job", "launch"):
            with pytest.raises(Rejected) as refused:
                check_policy(replace(make_launch(), chosen={place: who}), SECURE, runner)
            assert f"{dotted(place)}: a {who} cannot choose it" in refused.value.message
    return len(places)


def check_programs_are_closed(runner: type[Runner]) -> int:
    """Look at each field whose name speaks of what runs: a policy that opens all resource arguments
    does not open it to launches; gives how many there are.
    """
    wide = replace(SECURE, launch_may_set=("resource_args",))
    schema = runner.args_schema()
    places = {*_places(schema, schema, ("resource_args",), DEPTH)}
    speaking = {place for place in places if PROGRAM.search(str(place[-1]))}
    for place in speaking:
        with pytest.raises(Rejected) as refused:
            check_policy(replace(make_launch(), chosen={place: "launch"}), wide, runner)
        assert f"{dotted(place)}: a launch cannot choose it" in refused.value.message
    return len(speaking)


def is_chosen(runner: type[Runner], word: str, place: str, args: Json | None = None) -> bool:
    """Whether the word of a policy opens a place, written as people do, to a launch."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", place)
    path = (*(int(one[1:-1]) if one.startswith("[") else one for one in parts),)
    launch = replace(make_launch(resource_args=args or {}), chosen={path: "launch"})
    try:
        check_policy(launch, replace(SECURE, launch_may_set=(word,)), runner)
    except Rejected as exc:
        if f"{place}: a launch cannot choose it" in exc.message:
            return False
        raise
    return True


def launched(
    config: Json, resource_args: Json, runner: type[Runner], **variables: Variable
) -> Launch:
    """A launch with resource arguments of its own, of a queue with *config*."""
    base = make_spec()
    spec = replace(base, overrides=replace(base.overrides, resource_args=resource_args))
    item = QueueItem(
        id="item1",
        run_id="abcd1234",
        entity="test",
        queue="q",
        priority=Priority.MEDIUM,
        spec=spec,
        state=ItemState.CLAIMED,
        attempt=1,
        created_at=0,
        updated_at=0,
    )
    queue = QueueSpec(name="q", resource=runner.kind, config=config, variables=variables)
    held = Queue(id=1, entity="test", spec=queue, version=1, created_at=0, updated_at=0)
    claim = Claim(item=item, queue=held, token=1, lease=30)
    return resolve(claim, Limits(start=0, run=0, stop_grace=5), runner)


def _places(schema: Any, root: Mapping[str, Any], place: Path, depth: int) -> Iterator[Path]:
    """The path of each field."""
    if not isinstance(schema, Mapping) or not depth:
        return
    if isinstance(ref := schema.get("$ref"), str):
        found: Any = root
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        yield from _places(found, root, place, depth)
    for name, inner in schema.get("properties", {}).items():
        yield (*place, name)
        yield from _places(inner, root, (*place, name), depth - 1)
    yield from _places(schema.get("items"), root, (*place, 0), depth - 1)
    ways = [inner for word in ("anyOf", "oneOf", "allOf") for inner in schema.get(word, ())]
    for inner in (*ways, schema.get("then"), schema.get("else")):
        yield from _places(inner, root, place, depth)
