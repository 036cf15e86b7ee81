from collections.abc import Callable
from typing import Any

import pytest

from launchkit.errors import Rejected
from launchkit.model import Launch
from launchkit.steps.policy import Policy, check_policy

MakeLaunch = Callable[..., Launch]
SECURE = Policy(secure_mode=True)


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (pod({"hostPID": True}), "resource_args.spec.template.spec.hostPID"),
        (pod({"hostNetwork": True}), "resource_args.spec.template.spec.hostNetwork"),
        (pod({"hostIPC": True}), "resource_args.spec.template.spec.hostIPC"),
        (pod({"initContainers": [{}]}), "resource_args.spec.template.spec.initContainers"),
        (pod({"containers": [{"command": ["x"]}]}), r"containers\[0\].command"),
        ({"spec": {"Worker": pod({"hostPID": True})}}, "resource_args.spec.Worker"),
    ],
)
def test_secure_mode_refuses_what_reaches_out_of_a_container(
    make_launch: MakeLaunch, config: dict[str, Any], place: str
) -> None:
    launch = make_launch(config, resource="kubernetes")
    check_policy(launch, Policy())
    with pytest.raises(Rejected, match=place):
        check_policy(launch, SECURE)


def test_secure_mode_refuses_an_entry_point_of_the_launch(make_launch: MakeLaunch) -> None:
    launch = make_launch(overrides={"entry_point": ("sh",)})
    check_policy(launch, Policy())
    with pytest.raises(Rejected, match="entry_point: a launch cannot choose it"):
        check_policy(launch, SECURE)


def test_secure_mode_lets_ordinary_launches_pass(make_launch: MakeLaunch) -> None:
    config = pod({"hostPID": False, "containers": [{"image": "x"}]})
    check_policy(make_launch({**config, "command": "metadata"}, resource="kubernetes"), SECURE)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"volume": "/:/host"}, "resource_args.volume: this option is not allowed"),
        ({"--Rm": True}, "resource_args.--Rm: this option is not allowed"),
        ({"gpus": True}, "resource_args.gpus: flags are not allowed"),
        ({"cpus": [1, 2]}, "resource_args.cpus: this option may stand once only"),
    ],
)
def test_a_strict_docker_policy_names_what_it_does_not_allow(
    make_launch: MakeLaunch, option: dict[str, Any], problem: str
) -> None:
    launch = make_launch(option, resource="local-container")
    check_policy(launch, Policy())
    with pytest.raises(Rejected, match=problem):
        check_policy(launch, Policy(docker="strict"))


def test_a_strict_docker_policy_lets_the_rest_pass(make_launch: MakeLaunch) -> None:
    args = {"env": ["A=1", "B=2"], "memory_swap": "2g", "-m": "1g", "pids-limit": 100}
    check_policy(make_launch(args, resource="docker"), Policy(docker="strict"))
    check_policy(make_launch({"volume": "x"}, resource="kubernetes"), Policy(docker="strict"))


def test_gpu_slots_are_ids_or_a_number() -> None:
    assert Policy().gpus() is None
    assert Policy(gpu_slots=2).gpus() == ("0", "1")
    assert Policy(gpu_slots=("GPU-a", "3")).gpus() == ("GPU-a", "3")
    assert Policy(gpu_slots="shared").gpus() == "shared"
    with pytest.raises(ValueError, match="from 0 on"):
        Policy(gpu_slots=-1)
