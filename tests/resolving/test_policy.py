from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from launchkit.abc import Policy
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json, Launch
from launchkit.resolving.policy import check_policy
from launchkit.testing import FakeRunner

MakeLaunch = Callable[..., Launch]
SECURE = Policy(secure_mode=True)


@dataclass(frozen=True, kw_only=True)
class ChoosyPolicy:
    open_hosts: tuple[str, ...] | None = None


@dataclass(kw_only=True)
class ChoosyRunner(FakeRunner):
    kind = "choosy"
    policy_class = ChoosyPolicy

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        hosts = policy.part(ChoosyPolicy).open_hosts
        if hosts is not None and args["host"] not in hosts:
            yield f"resource_args.host: {args['host']} is closed"


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
    check_policy(launch, Policy(), FakeRunner)
    with pytest.raises(Rejected, match=place):
        check_policy(launch, SECURE, FakeRunner)


def test_secure_mode_refuses_an_entry_point_of_the_launch(make_launch: MakeLaunch) -> None:
    launch = make_launch(overrides={"entry_point": ("sh",)})
    check_policy(launch, Policy(), FakeRunner)
    with pytest.raises(Rejected, match="entry_point: a launch cannot choose it"):
        check_policy(launch, SECURE, FakeRunner)


def test_secure_mode_lets_ordinary_launches_pass(make_launch: MakeLaunch) -> None:
    config = pod({"hostPID": False, "containers": [{"image": "x"}]})
    check_policy(
        make_launch({**config, "command": "metadata"}, resource="kubernetes"), SECURE, FakeRunner
    )


def test_a_runner_may_object_by_a_key_of_its_own(make_launch: MakeLaunch) -> None:
    launch = make_launch({"host": "gpu-1"}, resource="choosy")
    check_policy(launch, Policy(), ChoosyRunner)
    policy = Policy(of_runners={"open_hosts": ["cpu-1"], "of_another": 5})
    with pytest.raises(Rejected, match=r"policy forbids:\nresource_args.host: gpu-1 is closed"):
        check_policy(launch, policy, ChoosyRunner)
    check_policy(launch, Policy(of_runners={"open_hosts": ["gpu-1"]}), ChoosyRunner)


def test_a_key_of_a_runner_is_read_as_its_dataclass_says() -> None:
    with pytest.raises(ConfigError, match=r"policy.open_hosts: Input should be a valid tuple"):
        Policy(of_runners={"open_hosts": 5}).part(ChoosyPolicy)
