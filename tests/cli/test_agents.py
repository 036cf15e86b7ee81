"""Agents that are listed, paused, resumed, and told to end."""

import subprocess
from typing import Any

from cli.conftest import Program
from waiting import PATIENCE


def online(program: Program, agent: "subprocess.Popen[str]") -> Any:
    """What is listed as soon as an agent is."""
    while not (found := program.data("agents")):
        assert agent.poll() is None, agent.communicate()
    return found


def test_an_agent_is_paused_resumed_and_told_to_end(queue: Program) -> None:
    with queue.start("agent", "-q", "q") as agent:
        try:
            [there] = online(queue, agent)
            name = there["name"]
            [paused] = queue.data("agents", "pause", name, "--reason", "new driver")
            assert (there["paused"], paused["paused"]["reason"]) == (None, "new driver")
            assert "paused" in queue.out("agents")
            run = queue.launch("print(1)")
            why = queue.data("show", run)["reason"]
            assert why.startswith(f"agent {name} is paused: new driver (by")
            assert queue.data("agents", "resume", name)[0]["paused"] is None
            queue("wait", run)
            queue("agent", "drain", name)
            assert agent.wait(PATIENCE) == 0
        finally:
            agent.kill()


def test_a_paused_agent_that_drains_or_is_gone_is_told_as_both(queue: Program) -> None:
    with queue.start("agent", "-q", "q") as agent:
        try:
            [there] = online(queue, agent)
            run = queue.launch("import time; time.sleep(1000)")
            while queue.data("show", run)["state"] != "running":
                assert agent.poll() is None, agent.communicate()
            queue("agent", "pause", there["name"], "--reason", "new driver")
            queue("agent", "drain", there["name"])
            assert "draining, paused" in queue.out("agents")
            queue("stop", run)
            assert agent.wait(PATIENCE) == 0
            assert "no, paused" in queue.out("agents")
        finally:
            agent.kill()


def test_a_name_that_no_agent_has_is_told(queue: Program) -> None:
    assert "there is no agent 'box'" in queue("agents", "drain", "box", code=5).stderr
