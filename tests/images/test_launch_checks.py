"""What is known to be wrong with a launch before it is put into a queue."""

from collections.abc import Sequence
from dataclasses import replace
from threading import current_thread

import pytest

from launchkit.errors import Rejected
from launchkit.images.launch_checks import check_launch
from launchkit.model import AgentView, Overrides, QueueSpec
from launchkit.plugins import Plugins
from launchkit.resolving import known_secrets
from launchkit.resolving.known_secrets import queue_mask
from launchkit.resolving.masking import Mask
from launchkit.testing import make_spec


async def nobody() -> Sequence[AgentView]:
    return ()


async def test_a_queue_is_looked_through_beside_the_event_loop_for_a_launch_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []

    def look(spec: QueueSpec) -> Mask:
        looked.append(current_thread().name)
        return queue_mask(spec)

    monkeypatch.setattr(known_secrets, "queue_mask", look)
    config = {"env": {"API_TOKEN": "hush-1234"}}
    queue = QueueSpec(name="q", resource="local-process", config=config)
    for args in ({"hush-1234": 1}, {"limits": {"hush-1234": 1}}):
        spec = replace(make_spec(), overrides=Overrides(resource_args=args))
        with pytest.raises(Rejected) as refusal:
            await check_launch(queue, spec, nobody, Plugins())
        assert "hush" not in f"{refusal.value}{refusal.value.hint}"
    assert len(looked) == 2
    assert "MainThread" not in looked
