"""Values and places that tests need, with a default for everything."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import anyio

from launchkit.abc import Component, Site
from launchkit.model import (
    AgentCapacity,
    AgentStatus,
    GitSource,
    Image,
    ImageSource,
    Launch,
    LaunchSpec,
    Limits,
    Recipe,
    Submission,
)

C = TypeVar("C", bound=Component)


def make_launch(**fields: Any) -> Launch:
    """A launch; *fields* are those of `Launch` that matter to the test."""
    made = Launch(
        item_id=uuid4().hex[:12],
        run_id=uuid4().hex[:8],
        attempt=1,
        entity="test",
        project="default",
        name="run",
        author=None,
        queue="q",
        resource="local-process",
        source=GitSource(remote="https://example.com/code"),
        job=None,
        entry_point=(),
        args=(),
        env={},
        config={},
        files={},
        artifacts={},
        resource_args={},
        builder_args={},
        limits=Limits(start=0, run=0, stop_grace=5),
    )
    return replace(made, **fields)


def make_submission(
    *command: str,
    launch: Launch | None = None,
    image: str | None = None,
    code: Path | None = None,
    **fields: Any,
) -> Submission:
    """A submission of its own name; *fields* are others of `Submission`."""
    launch = launch or make_launch(entry_point=command)
    made = Submission(
        name=launch.which.name,
        launch=launch,
        command=command,
        env={},
        resource_args=launch.resource_args,
        image=Image(ref=image) if image else None,
        code=code,
    )
    return replace(made, **fields)


def make_spec(name: str = "run", **fields: Any) -> LaunchSpec:
    """What a user asks for: the image `img`; *fields* are others of `LaunchSpec`."""
    recipe = Recipe(source=ImageSource(image="img"))
    return replace(LaunchSpec(recipe=recipe, name=name), **fields)


def make_capacity(
    agent: str = "a", site: str = "here", resource: str = "local-process"
) -> AgentCapacity:
    """Room for runs of one resource kind."""
    return AgentCapacity(agent=agent, site=site, resources=frozenset({resource}))


def make_status(agent: str = "a", *, entity: str = "test", queue: str = "q") -> AgentStatus:
    """What an agent says about itself."""
    return AgentStatus(
        name=agent,
        host="host",
        pid=1,
        version="0",
        entity=entity,
        queues=(queue,),
        max_jobs=1,
        started_at=0.0,
    )


@asynccontextmanager
async def site_at(path: Path, agent: str = "test", **components: Any) -> AsyncIterator[Site]:
    """A place for components, with its directories under *path*; its tasks end with it."""
    async with anyio.create_task_group() as tasks:
        yield Site(
            agent=agent,
            name="here",
            state_dir=path / "state",
            cache_dir=path / "cache",
            tasks=tasks,
            **components,
        )
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def started(component: C, site: Site) -> AsyncIterator[C]:
    """The component, started; what it holds is released afterwards."""
    async with AsyncExitStack() as stack:
        await component.start(stack, site)
        yield component
