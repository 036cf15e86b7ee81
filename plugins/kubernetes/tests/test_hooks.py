"""What the kubelet puts into commands of hooks and probes, on a real cluster."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from secure_fields import launched

from launchkit.abc import Policy, Site
from launchkit.model import RunState
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import end_of, started

from .workloads import Jobs, begun


@pytest.fixture
async def runner(site: Site, kubeconfig: Path) -> AsyncIterator[KubernetesRunner]:
    async with started(KubernetesRunner(config_file=str(kubeconfig)), site) as runner:
        yield runner


def told(place: str) -> dict[str, Any]:
    """A hook or probe that writes into a file what it is given."""
    line = f'echo "$(echo given) $1" > {place}.new && mv {place}.new {place}'
    return {"exec": {"command": ["/bin/sh", "-c", line, "x", "$(TOKEN)"]}}


async def test_hooks_and_probes_of_a_launch_are_run_as_they_are_written(
    runner: KubernetesRunner, jobs: Jobs
) -> None:
    base = jobs.waits()
    hook, probe = f"/place/{base.name}-hook", f"/place/{base.name}-probe"
    (container,) = base.resource_args["spec"]["template"]["spec"]["containers"]
    container = {**container, "env": [{"name": "TOKEN", "value": "s3cr3t"}]}
    container |= {"startupProbe": told(probe), "lifecycle": {"postStart": told(hook)}}
    brought = {"spec": {"template": {"spec": {"containers": [container]}}}}
    waits = f"until test -e {hook} && test -e {probe}; do sleep 0.1; done; cat {hook} {probe}"
    launch = replace(
        launched(base.resource_args, brought, KubernetesRunner),
        run_id=base.launch.run_id,
        item_id=base.launch.item_id,
        entry_point=("/bin/sh", "-c", waits),
    )
    agent = AgentSide(policy=Policy(), environ={}, extra_env={})
    bound = bind(launch, image=base.image, code=None, runner=KubernetesRunner, agent=agent)
    run = await begun(runner, bound.submission)
    assert (await end_of(run)).state is RunState.FINISHED
    printed = b"".join([chunk.data async for chunk in run.logs(0)])
    assert printed == b"given $(TOKEN)\n" * 2
