"""What an agent's owner may forbid in the config of a Docker queue."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from launchkit_docker.containers.request import RunContext, request_of
from launchkit_docker.options.parsing import parse_options
from launchkit_docker.options.policy import HARMLESS, DockerPolicy
from launchkit_docker.options.table import TABLE
from launchkit_docker.runner import ContainerRunner
from secure_fields import is_chosen, launched

from launchkit.abc import Policy
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json
from launchkit.resolving.policy import check_policy
from launchkit.testing import make_launch, make_submission

SECURE = Policy(secure_mode=True)
STRICT = Policy(of_runners={"docker": "strict"})


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"volume": "/:/host"}, "resource_args.volume: this option is not allowed"),
        ({"--Rm": True}, "resource_args.--Rm: this option is not allowed"),
        ({"gpus": True}, "resource_args.gpus: flags are not allowed"),
        ({"cpus": [1, 2]}, "resource_args.cpus: this option may stand once only"),
        ({"env": []}, "resource_args.env: this option needs a value"),
        ({"gpus": "driver=cdi,device=a.com/b=c"}, "resource_args.gpus: devices of CDI may be any"),
        ({"--gpus": "driver=${run_name}"}, "resource_args.--gpus: devices of CDI may be any"),
        ({"gpus": "${run_name}"}, "resource_args.gpus: devices of CDI may be any"),
        ({"gpus": "device=a.com/b=c"}, "resource_args.gpus: devices of CDI may be any"),
        ({"--ulimit": []}, "resource_args.--ulimit: this option needs a value"),
    ],
)
def test_a_strict_policy_names_what_it_does_not_allow(option: dict[str, Any], problem: str) -> None:
    assert [*ContainerRunner.objections(option, Policy())] == []
    told, allowed = ContainerRunner.objections(option, STRICT)
    assert told.startswith(problem)
    assert allowed.startswith("policy.docker: strict allows only command, cpu, ")


def test_a_strict_policy_lets_the_rest_pass() -> None:
    args = {"env": ["A=1", "B=2"], "memory_swap": "2g", "-m": "1g", "pids-limit": 100}
    assert [*ContainerRunner.objections({"gpus": "device=0,1"}, STRICT)] == []
    assert [*ContainerRunner.objections(args, STRICT)] == []


class _Unasked(ContainerRunner):
    """What a value is does not matter."""

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        return ()


@pytest.mark.parametrize("option", [option.name for option in TABLE])
def test_in_secure_mode_no_option_is_a_launchs_to_choose(option: str) -> None:
    for who in ("job", "launch"):
        chosen = {("resource_args", option): who}
        launch = replace(make_launch(), resource_args={option: "x"}, chosen=chosen)
        with pytest.raises(Rejected, match=f"resource_args.{option}: a {who} cannot choose it"):
            check_policy(launch, SECURE, _Unasked)


def test_in_secure_mode_a_word_for_all_opens_amounts_and_gpus_alone() -> None:
    opened = {
        option.name
        for option in TABLE
        if is_chosen(_Unasked, "resource_args", f"resource_args.{option.name}")
    }
    assert opened == {*HARMLESS, "gpus"} - {"m", "c", "cpu"} | opened & {"m", "c", "cpu"}
    assert opened.isdisjoint({"env", "volume", "device", "runtime", "cap-add", "network", "user"})


@pytest.mark.parametrize("word", ["resource_args", "resource_args.*", "*"])
@pytest.mark.parametrize(
    "args",
    [
        {"env": {"PATH": "/tmp/evil:/bin", "memory": "x"}},
        {"env": ["LD_PRELOAD=/tmp/evil.so"]},
        {"e": {"memory": "x"}},
        *({key: "x"} for key in ("volume", "v", "mount", "env-file", "tmpfs", "volumes_from")),
        *({key: "x"} for key in ("--workdir", "w", "runtime", "cap-add", "device", "Security_Opt")),
        {"gpus": "driver=cdi,device=evil.com/disk=all"},
        {"gpus": "device=evil.com/disk=all"},
        {"gpus": "device=${run_name}"},
        {"builder": {"base_image": "evil"}},
    ],
)
def test_in_secure_mode_a_word_for_all_lets_no_launch_say_what_runs(
    word: str, args: dict[str, Any]
) -> None:
    policy = replace(SECURE, launch_may_set=(word, "limits"))
    launch = launched({"memory": "1g"}, {**args, "memory": "2g"}, ContainerRunner)
    with pytest.raises(Rejected, match="a launch cannot choose it") as refused:
        check_policy(launch, policy, _Unasked)
    assert "resource_args.memory" not in refused.value.message
    named = (f"resource_args.{next(iter(args))}", "resource_args.memory", "limits")
    check_policy(launch, replace(SECURE, launch_may_set=named), _Unasked)


@pytest.mark.parametrize(
    "args",
    [
        *({"gpus": gpus} for gpus in ("all", 2, "device=0,1")),
        {"--memory": "1g", "Memory_Swap": "2g", "m": "1g", "ulimit": ["nofile=9"], "cpus": 2},
    ],
)
def test_in_secure_mode_a_word_for_all_opens_amounts(args: dict[str, Any]) -> None:
    policy = replace(SECURE, launch_may_set=("resource_args", "limits"))
    check_policy(launched({}, args, ContainerRunner), policy, ContainerRunner)


@pytest.mark.parametrize(
    "args",
    [
        *({key: "host"} for key in ("pid", "ipc", "network", "--net", "uts", "userns", "cgroupns")),
        *({key: "container:other"} for key in ("pid", "ipc", "network")),
        {"network": ["bridge", "host"]},
        {"network": "name=host"},
        {"--net": '"name=host",alias=a'},
        {"Network": "alias=bridge,name=container:other"},
        {"network": ["bridge", "name=container:other"]},
        {"network": " name=host"},
        {"pid": ["host"]},
        *({key: " HOST "} for key in ("pid", "ipc", "uts", "userns")),
        *({key: "${run_name}"} for key in ("pid", "ipc", "network", "uts", "userns")),
        {"network": "alias=${run_name},name=bridge"},
        {"privileged": True},
        {"entrypoint": "sh"},
        {"command": ["sh"]},
        {"health_cmd": "sh"},
    ],
)
def test_in_secure_mode_a_container_is_closed_to_the_host_and_runs_its_job(
    args: dict[str, Any],
) -> None:
    assert [*ContainerRunner.objections(args, Policy())] == []
    (told,) = ContainerRunner.objections(args, SECURE)
    assert told.startswith(f"resource_args.{next(iter(args))}: ")


def test_secure_mode_lets_other_options_of_a_queue_pass() -> None:
    args = {"pid": "private", "network": "bridge", "gpus": "all", "privileged": False}
    assert [*ContainerRunner.objections(args, SECURE)] == []
    for network in ("name=own,alias=host", "hosts", ["bridge", "name=own,ip=10.0.0.2"]):
        assert [*ContainerRunner.objections({"network": network}, SECURE)] == []


@pytest.mark.parametrize(
    "option",
    [
        {"cap-add": "ALL"},
        {"cap-add": ["SYS_ADMIN"]},
        {"device": "/dev/sda"},
        {"device-cgroup-rule": "b 8:* rwm"},
        {"security-opt": ["apparmor=unconfined", "seccomp=unconfined"]},
        {"volume": "/:/host"},
        {"mount": "type=bind,source=/var/run/docker.sock,target=/s"},
    ],
)
def test_what_is_as_good_as_privileged_is_a_queues_to_open_and_refused_by_a_strict_policy(
    option: dict[str, Any],
) -> None:
    assert [*ContainerRunner.objections(option, SECURE)] == []
    both = replace(STRICT, secure_mode=True)
    assert "this option is not allowed" in next(iter(ContainerRunner.objections(option, both)))


@pytest.mark.parametrize("name", ["launchkit.gpus", "launchkit.run-id", "launchkit.new"])
def test_labels_of_launchkits_own_cannot_be_given(name: str) -> None:
    for given in (f"{name}=0", [f"{name}=0"]):
        with pytest.raises(Rejected, match="are launchkit's own"):
            parse_options({"label": given})


@pytest.mark.parametrize(
    ("options", "is_closed", "mode"),
    [
        ({}, True, "private"),
        ({"cgroupns": "host"}, True, "host"),  # which a policy that closes it has refused
        ({"cgroupns": "private"}, False, "private"),
        ({}, False, None),
    ],
)
def test_a_closed_policy_gives_a_cgroup_namespace_where_no_option_does(
    options: dict[str, Any], is_closed: bool, mode: str | None
) -> None:
    context = RunContext(env={}, closed_cgroups=is_closed)
    body = request_of(parse_options(options), make_submission(image="i"), context)
    assert body["HostConfig"].get("CgroupnsMode") == mode


def test_a_label_of_the_image_takes_no_gpu() -> None:
    body = request_of(parse_options({}), make_submission(image="i"), RunContext(env={}))
    assert body["Labels"]["launchkit.gpus"] == ""


def test_gpu_slots_are_ids_or_a_number() -> None:
    def slots(value: object) -> object:
        return Policy(of_runners={"gpu_slots": value}).part(DockerPolicy).gpus()

    assert Policy().part(DockerPolicy).gpus() is None
    assert slots(2) == ("0", "1")
    assert slots(["GPU-a", "3"]) == ("GPU-a", "3")
    assert slots("shared") == "shared"
    with pytest.raises(ConfigError, match=r"policy.gpu_slots"):
        slots(-1)
