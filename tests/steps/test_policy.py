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
