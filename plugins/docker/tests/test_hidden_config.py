"""What those see of a queue who may not operate it is good to launch into it."""

from collections.abc import Sequence

import pytest

from launchkit.errors import Rejected
from launchkit.images.launch_checks import check_launch
from launchkit.model import AgentView, ImageSource, LaunchSpec, QueueSpec, Recipe
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
