"""What those see of a queue who may not operate it is good to launch into it."""

from collections.abc import Sequence

import pytest

from launchkit.errors import Rejected
from launchkit.images.launch_checks import check_launch
from launchkit.model import (
    AgentStatus,
    AgentView,
    GitSource,
    ImageSource,
    LaunchSpec,
    QueueSpec,
    Recipe,
)
from launchkit.plugins import Plugins
from launchkit.resolving.known_secrets import without_secrets

SPEC = LaunchSpec(recipe=Recipe(source=ImageSource(image="img:1")))


async def nobody() -> Sequence[AgentView]:
    return ()


async def test_a_config_that_is_hidden_in_part_is_the_agents_to_check() -> None:
    mount = "type=volume,volume-opt=o=password=hush,target=/x"
    queue = QueueSpec(name="q", resource="docker", config={"mount": [mount]})
    seen = without_secrets(queue)
    assert seen.config == {"mount": ["type=volume,volume-opt=o=password=…"]}
    await check_launch(queue, SPEC, nobody, Plugins())
    await check_launch(seen, SPEC, nobody, Plugins())
    with pytest.raises(Rejected):
        await check_launch(
            QueueSpec(name="q", resource="docker", config={"mount": ["type=volume"]}),
            SPEC,
            nobody,
            Plugins(),
        )


async def test_what_is_wrong_with_a_base_image_is_told_without_the_secrets_of_the_queue() -> None:
    async def idle() -> Sequence[AgentView]:
        status = AgentStatus(
            name="a", host="h", pid=1, version="1", entity="e", queues=("q",), max_jobs=1,
            started_at=0.0, builds=False,
        )  # fmt: skip
        return [AgentView(status=status, seen_at=0.0, held=0, online=True)]

    config = {"env": {"API_TOKEN": "hush-1234"}, "builder": {"base_image": ["hush-1234"]}}
    queue = QueueSpec(name="q", resource="docker", config=config)
    code = GitSource(remote="https://host.example/code", commit="0" * 40)
    spec = LaunchSpec(recipe=Recipe(source=code, entry_point=("true",)))
    with pytest.raises(Rejected, match=r"base_image: must be the name of an image, not \['…'\]"):
        await check_launch(queue, spec, idle, Plugins())
