"""Values that the tests of resolving start from."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from launchkit.abc import Runner
from launchkit.model import (
    Claim,
    ImageSource,
    ItemState,
    Json,
    Launch,
    LaunchSpec,
    Limits,
    Overrides,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    Timeouts,
)
from launchkit.resolving.resolve import resolve
from launchkit.resolving.variables import parse_variables

COMMAND = ("python", "train.py")
LIMITS = Limits(start=1800, run=0, stop_grace=60)


@pytest.fixture
def make_claim() -> Callable[..., Claim]:
    def make(
        config: Json | None = None,
        *,
        resource: str = "local-process",
        variables: Json | None = None,
        recipe: dict[str, Any] | None = None,
        **spec: Any,
    ) -> Claim:
        """A claim on a launch of a job; *recipe*, overrides and so on are fields."""
        spec = {"job": "train:v1", **spec}
        overrides = Overrides(**spec.pop("overrides", {}))
        timeouts = Timeouts(**spec.pop("timeouts", {}))
        fields: dict[str, Any] = {"source": ImageSource(image="img:1"), "entry_point": COMMAND}
        fields.update(recipe or {})
        launch = LaunchSpec(
            recipe=Recipe(**fields),
            overrides=overrides,
            timeouts=timeouts,
            **spec,
        )
        queue = QueueSpec(
            name="gpu",
            resource=resource,
            config=config or {},
            variables=parse_variables(variables or {}),
        )
        item = QueueItem(
            id="item1",
            run_id="abcd1234",
            entity="ent",
            queue="gpu",
            priority=Priority.MEDIUM,
            spec=launch,
            state=ItemState.CLAIMED,
            attempt=1,
            created_at=0,
            updated_at=0,
            author="bob",
        )
        held = Queue(id=1, entity="ent", spec=queue, version=1, created_at=0, updated_at=0)
        return Claim(item=item, queue=held, token=1, lease=30)

    return make


@pytest.fixture
def make_launch(make_claim: Callable[..., Claim]) -> Callable[..., Launch]:
    def make(
        config: Json | None = None,
        *,
        attempt: int = 1,
        runner: type[Runner] | None = None,
        **rest: Any,
    ) -> Launch:
        claim = make_claim(config, **rest)
        return resolve(replace(claim, item=replace(claim.item, attempt=attempt)), LIMITS, runner)

    return make
