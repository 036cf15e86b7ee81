from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from launchkit.abc import Policy
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json, Launch, Secret, Submission
from launchkit.resolving.policy import check_filled, check_policy
from launchkit.testing import FakeRunner, make_submission

MakeLaunch = Callable[..., Launch]
PROGRAMS = (
    *("PATH", "LD_PRELOAD", "PYTHONSTARTUP", "PYTHONPATH", "BASH_ENV", "ENV", "GIT_SSH_COMMAND"),
)
"""Variables with which another program runs."""
SECURE = Policy(secure_mode=True)
EXEC = {"exec": {"command": ["x"]}}


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
        (pod({"ho\u017ftPID": True}), "resource_args.spec.template.spec.ho\u017ftPID"),
        (pod({"hostNetwork": True}), "resource_args.spec.template.spec.hostNetwork"),
        (pod({"hostIPC": True}), "resource_args.spec.template.spec.hostIPC"),
        (pod({"initContainers": [{}]}), "resource_args.spec.template.spec.initContainers"),
        (pod({"containers": [{"command": ["x"]}]}), r"containers\[0\].command"),
        ({"spec": {"Worker": pod({"hostPID": True})}}, "resource_args.spec.Worker"),
        *(
            (pod({kind: [{}, {"securityContext": {"privileged": True}}]}), rf"{kind}\[1\].sec")
            for kind in ("containers", "ephemeralContainers")
        ),
        ({"spec": {"template": {"securityContext": {"privileged": "True,"}}}}, "privileged"),
        (pod({"containers": [{"securityContext": {"privileged": "${x}"}}]}), "privileged"),
        (pod({"securityContext": {"windowsOptions": {"hostProcess": True}}}), "hostProcess"),
        *(
            (pod({"containers": [{"lifecycle": {hook: EXEC}}]}), rf"lifecycle.{hook}.exec.command")
            for hook in ("postStart", "preStop")
        ),
        *(
            (pod({"containers": [{probe: EXEC}]}), rf"containers\[0\].{probe}.exec.command")
            for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        ),
        *(
            ({"spec": {"templates": [{kind: {"lifecycle": {"preStop": EXEC}}}]}}, "exec.command")
            for kind in ("container", "script")
        ),
        ({"spec": {"templates": [{"container": {"livenessProbe": EXEC}}]}}, "exec.command"),
        ({"spec": {"driver": {"lifecycle": {"preStop": EXEC}}}}, "preStop.exec.command"),
        ({"spec": {"autoscalerOptions": {"command": ["x"]}}}, "autoscalerOptions.command"),
        ({"spec": {"trainer": {"command": ["x"]}}}, r"spec.trainer.command"),
        ({"worker_pool_specs": [{"container_spec": {"command": ["x"]}}]}, "container_spec.command"),
        ({"spec": {"templates": [{"container": {"command": ["x"]}}]}}, "container.command"),
        ({"spec": {"templates": [{"script": {"source": "x"}}]}}, "script.source"),
        ({"spec": {"templates": [{"sidecars": [{"command": ["x"]}]}]}}, r"sidecars\[0\].command"),
        ({"spec": {"taskSpec": {"steps": [{"script": "x"}]}}}, r"steps\[0\].script"),
        ({"spec": {"podSpecPatch": "hostPID: true"}}, "spec.podSpecPatch"),
        ({"spec": {"templates": [{"resource": {"manifest": "x"}}]}}, "resource.manifest"),
        ({"spec": {"conf": {"spark.kubernetes.driver.podTemplateFile": "x"}}}, "podTemplateFile"),
        ({"spec": {"driver": {"host_network": True}}}, "driver.host_network"),
        ({"spec": {"driver": {"HostPID": True}}}, "driver.HostPID"),
        ({"spec": {"pod": {"pod_security_context": {"privileged": True}}}}, "privileged"),
        ({"spec": {"init_containers": [{}]}}, "spec.init_containers"),
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


@pytest.mark.parametrize(
    ("chosen", "place"),
    [
        *(({"env": {name: "x"}}, f"env.{name}") for name in PROGRAMS),
        ({"resource_args": {"setup": "sh"}}, "resource_args.setup"),
        ({"resource_args": {"a": {"b": [1]}}}, r"resource_args.a.b\[0\]"),
        ({"files": {"a.json": {"b": 1}}}, "files"),
        ({"working_dir": "x"}, "working_dir"),
        ({"dockerfile": "x"}, "dockerfile"),
    ],
)
def test_secure_mode_lets_a_launch_choose_what_the_policy_names_alone(
    make_launch: MakeLaunch, chosen: dict[str, Any], place: str
) -> None:
    launch = make_launch(overrides=chosen)
    check_policy(launch, Policy(), FakeRunner)
    with pytest.raises(Rejected, match=f"\n{place}: a launch cannot choose it"):
        check_policy(launch, SECURE, FakeRunner)
    options = ("resource_args.setup", "resource_args.a.b")
    allowed = (*SECURE.launch_may_set, "env.*", *options, "files", "working_dir")
    policy = Policy(secure_mode=True, launch_may_set=(*allowed, "dockerfile"))
    check_policy(launch, policy, FakeRunner)


def test_secure_mode_leaves_resource_arguments_to_the_queue(make_launch: MakeLaunch) -> None:
    for kind in ("recipe", "overrides"):
        launch = make_launch({"a": 1}, **{kind: {"resource_args": {"a": 2}}})
        with pytest.raises(Rejected, match=r"resource_args.a: a (job|launch) cannot choose it"):
            check_policy(launch, SECURE, FakeRunner)
    check_policy(make_launch({"a": 1, "setup": "make"}), SECURE, FakeRunner)


@pytest.mark.parametrize("job", [None, "train:v1"])
def test_secure_mode_leaves_variables_to_the_queue_whatever_job_a_launch_names(
    make_launch: MakeLaunch, job: str | None
) -> None:
    recipe = {"env": {"PATH": "/x"}} if job else {"env": {"PATH": "/x"}, "entry_point": ()}
    who = "job" if job else "launch"
    with pytest.raises(Rejected, match=f"env.PATH: a {who} cannot choose it"):
        check_policy(make_launch(recipe=recipe, job=job), SECURE, FakeRunner)
    named = Policy(secure_mode=True, launch_may_set=("env.PATH",))
    check_policy(make_launch(recipe=recipe, job=job), policy_with(named), FakeRunner)


@pytest.mark.parametrize(
    ("place", "chosen"),
    [
        ("entry_point", ("sh",)),
        ("dockerfile", "x"),
        ("base_image", "x"),
        ("build_context", "x"),
        ("runtime", "3.9"),
    ],
)
def test_in_secure_mode_a_launch_without_a_job_has_no_say_of_a_job(
    make_launch: MakeLaunch, place: str, chosen: object
) -> None:
    recipe = {"entry_point": (), place: chosen}
    with pytest.raises(Rejected, match=f"\n{place}: a launch cannot choose it"):
        check_policy(make_launch(recipe=recipe, job=None), SECURE, FakeRunner)
    check_policy(make_launch(recipe=recipe), SECURE, FakeRunner)
    check_policy(make_launch(recipe={"entry_point": ()}, job=None), SECURE, FakeRunner)


def test_in_secure_mode_arguments_need_an_entry_point_that_they_go_to(
    make_launch: MakeLaunch,
) -> None:
    overrides = {"args": ("sh", "-c", "x")}
    check_policy(make_launch(overrides=overrides), SECURE, FakeRunner)
    alone = make_launch(recipe={"entry_point": ()}, overrides=overrides)
    with pytest.raises(Rejected, match="\nargs: without an entry point of the job"):
        check_policy(alone, SECURE, FakeRunner)
    check_policy(alone, Policy(), FakeRunner)
    taken_away = make_launch(
        recipe={"entry_point": (), "args": ("python", "a.py")}, overrides={"args": ()}
    )
    with pytest.raises(Rejected, match="\nargs: without an entry point of the job"):
        check_policy(taken_away, SECURE, FakeRunner)
    named = Policy(secure_mode=True, launch_may_set=("args", "entry_point"))
    check_policy(alone, policy_with(named), FakeRunner)


def test_in_secure_mode_a_name_covers_what_is_below_it_and_nothing_that_begins_like_it(
    make_launch: MakeLaunch,
) -> None:
    policy = Policy(secure_mode=True, launch_may_set=("env.A", "env.APP_*"))
    for name in ("A", "APP_", "APP_X"):
        check_policy(make_launch(overrides={"env": {name: "x"}}), policy_with(policy), FakeRunner)
    for name in ("AB", "APPX"):
        launch = make_launch(overrides={"env": {name: "x"}})
        with pytest.raises(Rejected, match="cannot choose it"):
            check_policy(launch, policy_with(policy), FakeRunner)


def policy_with(policy: Policy) -> Policy:
    """It, with what each launch has."""
    return replace(policy, launch_may_set=(*policy.launch_may_set, "limits"))


def test_secure_mode_lets_ordinary_launches_pass(make_launch: MakeLaunch) -> None:
    security = {"privileged": False, "runAsNonRoot": True}
    probe = {"httpGet": {"port": 80}}
    container = {"image": "x", "securityContext": security, "livenessProbe": probe}
    config = pod({"hostPID": False, "containers": [container], "nodeSelector": {"command": "a"}})
    check_policy(
        make_launch({**config, "command": "metadata"}, resource="kubernetes"), SECURE, FakeRunner
    )


@pytest.mark.parametrize(
    "args",
    [
        {"metadata": {"labels": {"launchkit/run-id": "x"}}},
        {"spec": {"template": {"metadata": {"annotations": {"launchkit/main": "x"}}}}},
        {"Tags": [{"Key": "launchkit:run-id", "Value": "x"}]},
        {"label": {"launchkit.gpus": "0"}},
        {"spec": {"sparkConf": {"spark.kubernetes.driver.label.launchkit/run-id": "x"}}},
        {"spec": {"sparkConf": {"spark.kubernetes.executor.label.launchkit/name": "x"}}},
        {"spec": {"flinkConfiguration": {"kubernetes.taskmanager.labels": "launchkit/name:x,a:b"}}},
        {"spec": {"templates": [{"resource": {"manifest": "{labels: {launchkit/run-id: x}}"}}]}},
        {"spec": {"values": ['{"labels": {"launch\\u006bit/name": "x"}}']}},
        {"spec": {"values": "labels:\n  ? launchkit/name\n  : x"}},
        {"spec": {"values": "labels: {launchkit/component: server}"}},
        {"patches": [{"op": "add", "path": "/metadata/labels/launchkit~1run-id", "value": "x"}]},
        {"parameters": [{"name": "p", "value": '{"labels": {"launchkit/run-id": "x"}}'}]},
        {"parameters": [{"name": "p", "value": r'{"y": "labels:\n\tlaunchkit/run-id: x"}'}]},
    ],
)
def test_names_of_launchkits_own_cannot_be_given(
    make_launch: MakeLaunch, args: dict[str, Any]
) -> None:
    with pytest.raises(Rejected, match="is a name of launchkit's own"):
        check_policy(make_launch(args), Policy(), FakeRunner)


def test_other_names_and_what_programs_read_may_speak_of_launchkit(
    make_launch: MakeLaunch,
) -> None:
    container: dict[str, Any] = {"image": "launchkit/agent:1", "args": ["-l", "launchkit/run-id=a"]}
    labels = {"my-launchkit/name": "a", "launchkit": "b", "of": "launchkit.example.com"}
    container["env"] = [{"name": "SELECTOR", "value": "launchkit/run-id=a"}]
    args = {**pod({"containers": [container]}), "metadata": {"labels": labels}}
    check_policy(make_launch(args), Policy(), FakeRunner)


@dataclass(kw_only=True)
class StartingRunner(FakeRunner):
    """Its config says what runs, and its own images get nothing but arguments."""

    kind = "starting"
    option_keys = frozenset({"whole"})

    @classmethod
    def harmless_keys(cls, args: Json) -> tuple[str | tuple[str, ...], ...]:
        return (
            "Memory_Size",
            ("a", "count"),
            ("*", "resources", "limits"),
            ("*", "named", "*", ""),
        )

    @classmethod
    def args_start(cls, submission: Submission) -> bool:
        return submission.resource_args.get("image") is not None


@pytest.mark.parametrize(
    ("word", "place", "is_open"),
    [
        *(
            (word, place, is_open)
            for word in ("resource_args", "resource_args.*", "*", "resource_args*")
            for place, is_open in (
                (("memory-size",), True),
                (("a", "count", 0), True),
                (("a", "counts"), False),
                (("b", "count"), False),
                (("x", 0, "y", "resources", "limits", "cpu"), True),
                (("x", "resources", "claims"), False),
                (("x", "named", "any"), True),
                (("x", "named"), False),
                (("x", "named", "any", 0), False),
                (("x", "named", "any", "image"), False),
                (("x", "named", "any", "-", "image"), False),
                (("whole", "resources", "limits"), False),
                (("x.resources", "limits"), False),
                (("setup",), False),
                (("builder", "base_image"), False),
            )
        ),
        ("resource_args.setup", ("setup",), True),
        ("resource_args.setup", ("setup", 0), True),
        ("resource_args.setup", ("setup", "command"), False),
        ("resource_args.set", ("setup",), False),
        ("resource_args.set*", ("setup",), False),
        ("resource_args.a", ("a", "b"), False),
        ("resource_args.a", ("a", "count"), True),
        ("resource_args.a", ("a.b",), False),
        ("resource_args.a[0]", ("a", 0), True),
        ("resource_args.a[0]", ("a", 1), False),
        ("resource_args.a.whole", ("a", "whole", "b", 0), True),
        ("resource_args.whole", ("whole", "PATH"), True),
        ("resource_args.whole.APP_*", ("whole", "APP_X"), True),
        ("resource_args.whole.APP_*", ("whole", "PATH"), False),
        ("resource_args.whole.APP_*", ("whole.APP_X",), False),
        ("resource_args.builder", ("builder", "install"), True),
        ("resource_args", ("elsewhere",), False),
    ],
)
@pytest.mark.parametrize("who", ["job", "launch"])
def test_in_secure_mode_a_word_opens_what_it_names_and_a_wide_one_what_is_harmless(
    make_launch: MakeLaunch, word: str, place: tuple[str | int, ...], is_open: bool, who: str
) -> None:
    launch = replace(make_launch(), chosen={("resource_args", *place): who})
    policy = Policy(secure_mode=True, launch_may_set=(word, "entry_point"))
    if is_open:
        check_policy(launch, policy, StartingRunner)
    else:
        with pytest.raises(Rejected, match=f"a {who} cannot choose it"):
            check_policy(launch, policy, StartingRunner)


def test_in_secure_mode_a_word_that_a_runner_knows_nothing_of_opens_what_it_names(
    make_launch: MakeLaunch,
) -> None:
    launch = make_launch(overrides={"resource_args": {"memory": 1}})
    with pytest.raises(Rejected, match=r"resource_args.memory: a launch cannot choose it"):
        check_policy(
            launch, policy_with(Policy(secure_mode=True, launch_may_set=("*",))), FakeRunner
        )
    named = Policy(secure_mode=True, launch_may_set=("resource_args.memory",))
    check_policy(launch, policy_with(named), FakeRunner)


def test_in_secure_mode_arguments_go_to_no_image_that_runs_them(make_launch: MakeLaunch) -> None:
    launch = make_launch({"image": "x"}, overrides={"args": ("sh", "-c", "x")})
    submission = make_submission(launch=launch)
    check_policy(launch, SECURE, StartingRunner)
    with pytest.raises(Rejected, match="\nargs: without an entry point of the job"):
        check_filled(submission, SECURE, StartingRunner)
    check_filled(submission, SECURE, FakeRunner)
    check_filled(submission, Policy(), StartingRunner)
    named = Policy(secure_mode=True, launch_may_set=("args", "entry_point"))
    check_filled(submission, named, StartingRunner)


def test_a_name_of_launchkits_own_is_none_for_a_macro_to_make(make_launch: MakeLaunch) -> None:
    launch = make_launch({"Tags": [{"Key": "${run_name}", "Value": "x"}]})
    check_policy(launch, Policy(), FakeRunner)
    for name in ("launchkit:over", Secret("launchkit:over")):
        filled = {"Tags": [{"Key": name, "Value": "x"}]}
        with pytest.raises(Rejected, match="is a name of launchkit's own") as refused:
            check_filled(make_submission(launch=launch, resource_args=filled), Policy(), FakeRunner)
        assert isinstance(name, Secret) is ("over" not in refused.value.message)


def test_a_runner_objects_to_what_macros_make(make_launch: MakeLaunch) -> None:
    submission = make_submission(launch=make_launch(), resource_args={"host": "gpu-1"})
    policy = Policy(of_runners={"open_hosts": ["cpu-1"]})
    with pytest.raises(Rejected, match=r"resource_args.host: gpu-1 is closed"):
        check_filled(submission, policy, ChoosyRunner)


def test_a_runner_may_object_by_a_key_of_its_own(make_launch: MakeLaunch) -> None:
    launch = make_launch({"host": "gpu-1"}, resource="choosy")
    check_policy(launch, Policy(), ChoosyRunner)
    policy = Policy(of_runners={"open_hosts": ["cpu-1"], "of_another": 5})
    with pytest.raises(Rejected, match=r"policy forbids:\nresource_args.host: gpu-1 is closed"):
        check_policy(launch, policy, ChoosyRunner)
    check_policy(launch, Policy(of_runners={"open_hosts": ["gpu-1"]}), ChoosyRunner)


def test_a_key_of_a_runner_is_read_as_its_dataclass_says() -> None:
    with pytest.raises(ConfigError, match=r"policy.open_hosts: must be a list"):
        Policy(of_runners={"open_hosts": 5}).part(ChoosyPolicy)
