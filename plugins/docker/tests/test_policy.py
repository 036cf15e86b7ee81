"""What an agent's owner may forbid in the config of a Docker queue."""

from typing import Any

import pytest
from launchkit_docker.options.policy import DockerPolicy
from launchkit_docker.runner import ContainerRunner

from launchkit.abc import Policy
from launchkit.errors import ConfigError

STRICT = Policy(of_runners={"docker": "strict"})


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"volume": "/:/host"}, "resource_args.volume: this option is not allowed"),
        ({"--Rm": True}, "resource_args.--Rm: this option is not allowed"),
        ({"gpus": True}, "resource_args.gpus: flags are not allowed"),
        ({"cpus": [1, 2]}, "resource_args.cpus: this option may stand once only"),
    ],
)
def test_a_strict_policy_names_what_it_does_not_allow(option: dict[str, Any], problem: str) -> None:
    assert [*ContainerRunner.objections(option, Policy())] == []
    told, allowed = ContainerRunner.objections(option, STRICT)
    assert told == problem
    assert allowed.startswith("policy.docker: strict allows only command, cpu, ")


def test_a_strict_policy_lets_the_rest_pass() -> None:
    args = {"env": ["A=1", "B=2"], "memory_swap": "2g", "-m": "1g", "pids-limit": 100}
    assert [*ContainerRunner.objections(args, STRICT)] == []


def test_gpu_slots_are_ids_or_a_number() -> None:
    def slots(value: object) -> object:
        return Policy(of_runners={"gpu_slots": value}).part(DockerPolicy).gpus()

    assert Policy().part(DockerPolicy).gpus() is None
    assert slots(2) == ("0", "1")
    assert slots(["GPU-a", "3"]) == ("GPU-a", "3")
    assert slots("shared") == "shared"
    with pytest.raises(ConfigError, match=r"policy.gpu_slots"):
        slots(-1)
