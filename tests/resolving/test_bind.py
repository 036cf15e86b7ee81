import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from wandb_cases import cases

from launchkit.abc import Policy
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import Rejected
from launchkit.model import Claim, Image, Json, Launch, Secret
from launchkit.model.launch import OWN_ENV
from launchkit.resolving.bind import AgentSide, Bound, bind
from launchkit.resolving.env_list import without_credentials
from launchkit.resolving.environment import workload_env
from launchkit.resolving.nested import texts
from launchkit.resolving.resolve import validate_launch

MakeClaim = Callable[..., Claim]
MakeLaunch = Callable[..., Launch]


def bound(
    launch: Launch,
    *,
    image: Image | None = None,
    policy: Policy | None = None,
    environ: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> Bound:
    agent = AgentSide(policy=policy or Policy(), environ=environ or {}, extra_env=extra or {})
    return bind(launch, image=image, code=None, runner=LocalProcessRunner, agent=agent)


@pytest.mark.parametrize("case", cases("macro-full-set"))
def test_the_full_set_of_macros_is_filled(make_launch: MakeLaunch, case: dict[str, Any]) -> None:
    given, spec = case["input"], case["input"]["spec"]
    launch = make_launch({"x": given["template"]}, project=spec["project"], name=spec["name"])
    got = bound(
        launch,
        image=Image(ref=given["image"]),
        policy=Policy(macros_from_env=tuple(given["agent_env"])),
        environ=given["agent_env"],
    )
    assert got.submission.resource_args["x"] == case["expected"]
    assert got.warnings == ("resource_args.x[7]: unknown macro ${zzz} is left as it is",)


def test_the_agents_environment_is_no_macro_unless_the_policy_opens_it(
    make_launch: MakeLaunch,
) -> None:
    got = bound(make_launch({"x": "${TOKEN}"}), environ={"TOKEN": "hush"})
    assert got.submission.resource_args == {"x": "${TOKEN}"}
    assert "unknown macro ${TOKEN}" in got.warnings[0]


def test_a_variable_that_the_policy_opens_wins_over_a_macro_of_that_name(
    make_launch: MakeLaunch,
) -> None:
    policy = Policy(macros_from_env=("run_id",))
    got = bound(make_launch({"x": "${run_id}"}), policy=policy, environ={"run_id": "mine"})
    assert got.submission.resource_args == {"x": "mine"}


@pytest.mark.parametrize(
    "spec",
    [
        {"overrides": {"env": {"X": "${TOKEN}"}}},
        {"recipe": {"env": {"X": "${TOKEN}"}}},
        {"overrides": {"resource_args": {"env": {"X": "${TOKEN}"}}}},
        {"recipe": {"resource_args": {"other": "${TOKEN}"}}},
    ],
)
def test_a_variable_that_the_policy_opens_is_for_queues_alone(
    make_launch: MakeLaunch, spec: dict[str, Any]
) -> None:
    launch = make_launch({"env": {"X": "${TOKEN}"}}, **spec)
    got = bound(launch, policy=Policy(macros_from_env=("TOKEN",)), environ={"TOKEN": "hush"})
    told = [*got.submission.env.values(), *texts_in(got.submission.resource_args)]
    assert "${TOKEN}" in told
    assert any("unknown macro ${TOKEN}" in warning for warning in got.warnings)


class TwoWords(LocalProcessRunner):
    """Has two keys for variables, as Docker's runner does."""

    @classmethod
    def args_env(cls) -> tuple[str, ...]:
        return ("e", "env")


def test_a_queue_that_sets_a_variable_opens_no_macro_to_another_value_of_it(
    make_launch: MakeLaunch,
) -> None:
    launch = make_launch(
        {"e": ["X=${TOKEN}"]}, overrides={"resource_args": {"env": ["X=mine ${TOKEN}"]}}
    )
    policy, environ = Policy(macros_from_env=("TOKEN",)), {"TOKEN": "hush"}
    agent = AgentSide(policy=policy, environ=environ, extra_env={})
    got = bind(launch, image=None, code=None, runner=TwoWords, agent=agent)
    assert got.submission.env["X"] == "mine ${TOKEN}"


def texts_in(args: Json) -> list[str]:
    return [text for _, text in texts(args)]


def test_what_a_queue_takes_from_the_agents_environment_is_secret(make_launch: MakeLaunch) -> None:
    launch = make_launch({"env": {"X": "key ${TOKEN}", "Y": "${run_id}"}, "a": ["${TOKEN}!"]})
    got = bound(launch, policy=Policy(macros_from_env=("TOKEN",)), environ={"TOKEN": "hush"})
    env = got.submission.env
    assert isinstance(env["X"], Secret)
    assert env["X"] == "key hush"
    assert not isinstance(env["Y"], Secret)
    assert isinstance(got.submission.resource_args["a"][0], Secret)  # type: ignore[index] # a list


def test_a_template_value_brings_no_macro_with_it(make_claim: MakeClaim) -> None:
    claim = make_claim(
        {"a": "{{x}}"},
        variables={"x": {"type": "string"}},
        template_variables={"x": "${TOKEN}"},
    )
    with pytest.raises(Rejected, match="macros are the queue's"):
        validate_launch(claim.queue.spec, claim.item.spec)


def test_later_sources_of_the_environment_win(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        {"env": {"WANDB_NAME": "queue", "B": "queue", "C": "${run_id}"}},
        recipe={"env": {"B": "job", "D": "${author}"}},
        overrides={"env": {"E": "launch"}},
    )
    extra = {"WANDB_NAME": "plugin", "WANDB_PROJECT": "plugin", "KEY": Secret("s")}
    env = bound(launch, extra=extra).submission.env
    picked = {name: env[name] for name in ("WANDB_NAME", "WANDB_PROJECT", "B", "C", "D", "E")}
    assert picked == {
        "WANDB_NAME": "queue",
        "WANDB_PROJECT": "plugin",
        "B": "job",
        "C": "abcd1234",
        "D": "bob",
        "E": "launch",
    }
    assert isinstance(env["KEY"], Secret)


@pytest.mark.parametrize("env", [["MINE", "X=a=b"], {"MINE": None, "X": "a=b"}])
def test_a_queue_config_may_pass_the_agents_variables_on(
    make_launch: MakeLaunch, env: object
) -> None:
    got = bound(make_launch({"env": env}), environ={"MINE": "1"}).submission
    assert (got.env["MINE"], got.env["X"]) == ("1", "a=b")
    assert got.resource_args == {"env": env}


@pytest.mark.parametrize(
    "spec",
    [
        {"overrides": {"env": {"TOKEN": None}}},
        {"recipe": {"env": {"TOKEN": None}}},
        {"overrides": {"resource_args": {"env": ["TOKEN"]}}},
        {"overrides": {"resource_args": {"env": {"TOKEN": None}}}},
    ],
)
def test_a_launch_gets_only_those_that_the_policy_names(
    make_launch: MakeLaunch, spec: dict[str, Any]
) -> None:
    launch = make_launch(**spec)
    with pytest.raises(Rejected, match="its own value of TOKEN"):
        bound(launch, environ={"TOKEN": "hush"})
    policy = Policy(env_from_agent=("TOKEN",))
    assert bound(launch, policy=policy, environ={"TOKEN": "1"}).submission.env["TOKEN"] == "1"


def test_no_policy_gives_away_what_the_agent_proves_itself_with(make_launch: MakeLaunch) -> None:
    policy = Policy(env_from_agent=("LAUNCHKIT_TOKEN",), macros_from_env=("LAUNCHKIT_TOKEN",))
    environ = {"LAUNCHKIT_TOKEN": "hush"}
    for launch in (
        make_launch({"env": ["LAUNCHKIT_TOKEN"]}),
        make_launch(overrides={"env": {"LAUNCHKIT_TOKEN": None}}),
    ):
        with pytest.raises(Rejected, match="its own value of LAUNCHKIT_TOKEN"):
            bound(launch, policy=policy, environ=environ)
    got = bound(make_launch({"x": "${LAUNCHKIT_TOKEN}"}), policy=policy, environ=environ)
    assert got.submission.resource_args == {"x": "${LAUNCHKIT_TOKEN}"}


def test_what_the_agent_proves_itself_with_is_kept_back_by_name_and_by_value() -> None:
    environ = {"LAUNCHKIT_TOKEN": " lk_0123456789 "}
    found = {
        **environ,
        "LAUNCHKIT_TOKEN_FILE": "/x",
        "A": "1",
        "HEADER": "Bearer lk_0123456789",
        "KEPT": '{"https://x": "lk_kept_token"}',
        "LAUNCHKIT_QUEUE": "q",
    }
    left = without_credentials(found, environ, [Secret("lk_kept_token"), Secret("1")])
    assert left == {"A": "1", "LAUNCHKIT_QUEUE": "q"}
    assert without_credentials({"A": "", "B": "x"}, {}) == {"A": "", "B": "x"}


def test_a_template_cannot_be_used_to_name_the_agents_variables(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        {"env": ["{{name}}"]},
        variables={"name": {"type": "string"}},
        template_variables={"name": "TOKEN"},
    )
    with pytest.raises(Rejected, match="its own value of TOKEN"):
        bound(launch, environ={"TOKEN": "hush"})


def test_a_variable_that_the_agent_lacks_is_left_out_with_a_warning(
    make_launch: MakeLaunch,
) -> None:
    got = bound(make_launch({"env": ["MINE"]}))
    assert "MINE" not in got.submission.env
    assert got.warnings == ("env.MINE: the agent has no such variable; left out",)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ([{"name": "A"}], r"resource_args.env\[0\]: must be NAME=value"),
        ({"A": ["x"]}, "resource_args.env.A: must be NAME=value"),
        (["=x"], r"resource_args.env\[0\]: a variable needs a name"),
        (["PATH\u200b=x"], r"resource_args.env\[0\]: 'PATH\\u200b' cannot be the name"),
        ({"LAUNCHKIT_AUTHOR=eve": "x"}, r"'LAUNCHKIT_AUTHOR=eve' cannot be the name"),
        ({"\u0410": "x"}, r"resource_args.env.\u0410: '\u0410' cannot be the name"),
    ],
)
def test_an_env_of_another_shape_is_refused_with_its_place(
    make_launch: MakeLaunch, env: object, message: str
) -> None:
    with pytest.raises(Rejected, match=message):
        bound(make_launch({"env": env}))


def test_the_command_is_the_entry_point_and_then_the_args(make_launch: MakeLaunch) -> None:
    got = bound(make_launch(recipe={"args": ("--lr", "1")}, attempt=3)).submission
    assert got.command == ("python", "train.py", "--lr", "1")
    assert got.name == "launchkit-abcd1234-3"


def test_a_workload_finds_wandbs_variables_and_ours(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        job="train:v1",
        project="p",
        name="nm",
        overrides={"config": {"lr": 1}, "files": {"c.json": {"a": 1}}, "artifacts": {"d": "x:v0"}},
    )
    assert workload_env(launch, None) == {
        "WANDB_PROJECT": "p",
        "WANDB_ENTITY": "ent",
        "WANDB_LAUNCH": "True",
        "WANDB_RUN_ID": "abcd1234",
        "WANDB_DOCKER": "img:1",
        "WANDB_NAME": "nm",
        "WANDB_USERNAME": "bob",
        "WANDB_LAUNCH_QUEUE_NAME": "gpu",
        "WANDB_LAUNCH_QUEUE_ENTITY": "ent",
        "WANDB_LAUNCH_TRACE_ID": "item1",
        "WANDB_CONFIG": '{"lr": 1}',
        "WANDB_LAUNCH_FILE_OVERRIDES": '{"c.json": {"a": 1}}',
        "WANDB_ARTIFACTS": '{"_wandb_job": "train:v1", "d": "x:v0"}',
        "LAUNCHKIT_ITEM_ID": "item1",
        "LAUNCHKIT_RUN_ID": "abcd1234",
        "LAUNCHKIT_RUN_NAME": "nm",
        "LAUNCHKIT_ATTEMPT": "1",
        "LAUNCHKIT_QUEUE": "gpu",
        "LAUNCHKIT_ENTITY": "ent",
        "LAUNCHKIT_PROJECT": "p",
        "LAUNCHKIT_AUTHOR": "bob",
        "LAUNCHKIT_JOB": "train:v1",
        "LAUNCHKIT_RUN_CONFIG": '{"lr": 1}',
    }


@pytest.mark.parametrize("author", ["bob", None])
def test_what_launchkit_says_of_a_run_is_no_launchs_to_say(
    make_launch: MakeLaunch, author: str | None
) -> None:
    """Also where it says nothing; W&B's variables are the launch's, as they are there."""
    forged: dict[str, str | None] = dict.fromkeys(OWN_ENV, "forged")
    forged |= {"LAUNCHKIT_BACKEND": "https://evil.example", "LAUNCHKIT_MINE": "kept"}
    queues = {"env": ["LAUNCHKIT_AUTHOR=forged", "LAUNCHKIT_JOB"]}
    launch = replace(
        make_launch(queues, overrides={"env": {**forged, "WANDB_USERNAME": "chosen"}}),
        author=author,
    )
    given = {"LAUNCHKIT_BACKEND": "https://own.example", "OTEL_X": "y"}
    got = bound(launch, extra=given)
    env = got.submission.env
    own = {**workload_env(launch, None), **given}
    assert {name: env.get(name) for name in forged} == {
        **{name: own.get(name) for name in forged},
        "LAUNCHKIT_MINE": "kept",
    }
    assert ("LAUNCHKIT_AUTHOR" in env) is (author is not None)
    assert env["WANDB_USERNAME"] == "chosen"
    told = [one for one in got.warnings if one.startswith("env.LAUNCHKIT_")]
    assert len(told) == len(forged) - 1


def test_all_that_launchkit_says_of_a_run_is_its_own(make_launch: MakeLaunch) -> None:
    launch = make_launch(job="train:v1", name="n", overrides={"config": {"lr": 1}})
    said = {name for name in workload_env(launch, None) if name.startswith("LAUNCHKIT_")}
    others = {"RUN_TOKEN", "SETUP_DIR", "PROCESS_TAG"}
    assert said == OWN_ENV - {f"LAUNCHKIT_{name}" for name in others}, (
        "these are the queue service's to give, and the runner's"
    )


def test_what_is_empty_is_left_out_and_a_later_attempt_resumes(make_launch: MakeLaunch) -> None:
    env = workload_env(replace(make_launch(attempt=2, job=None), author=None), None)
    assert env["WANDB_RESUME"] == "allow"
    assert not {"WANDB_NAME", "WANDB_USERNAME", "WANDB_CONFIG", "WANDB_ARTIFACTS"} & env.keys()


def test_a_long_config_is_cut_into_numbered_variables(make_launch: MakeLaunch) -> None:
    config = {"text": "ü" * 500}
    env = workload_env(make_launch(overrides={"config": config}), None, max_length=1000)
    pieces = [env[f"WANDB_CONFIG_{i}"] for i in range(4)]
    assert json.loads("".join(pieces)) == config
    assert max(map(len, pieces)) == 1000
    assert not {"WANDB_CONFIG", "WANDB_CONFIG_4", "LAUNCHKIT_RUN_CONFIG"} & env.keys()


BETWEEN = {
    "mount": "type=bind,source=/data/${project_name},target=/data",
    "setup": "mkdir -p /srv/x-${run_name}",
    "env": {"OUT": "/srv/${author}/x"},
    "image": "${project_name}/train:1",
    "command": 'echo "${project_name}"',
}


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("mount", {"project": "a,source=/,target=/host"}),
        ("mount", {"project": "../.."}),
        ("mount", {"project": "."}),
        ("mount", {"project": ""}),
        ("setup", {"name": "x; touch /tmp/x"}),
        ("setup", {"name": "$(id)"}),
        ("env", {"author": "../../etc"}),
        ("env", {"author": None}),
        ("image", {"project": "evil.example"}),
        ("command", {"project": "-e"}),
    ],
)
def test_what_a_launch_is_called_stays_within_its_place_in_the_queues_config(
    make_launch: MakeLaunch, place: str, given: dict[str, Any]
) -> None:
    launch = make_launch({place: BETWEEN[place]})
    assert bound(replace(launch, project="vision", name="sun-3", author="ann"))
    with pytest.raises(Rejected, match=rf"^macro \w+.* resource_args\.{place}"):
        bound(replace(launch, **given))


def test_a_macro_that_is_all_of_a_value_may_become_anything(make_launch: MakeLaunch) -> None:
    launch = make_launch({"label": "${run_name}", "env": ["NAME=${run_name}"]}, name="a, b: $c")
    assert bound(launch).submission.resource_args["label"] == "a, b: $c"


def test_a_macro_that_a_launch_writes_is_its_own(make_launch: MakeLaunch) -> None:
    overrides = {"resource_args": {"y": "to ${run_name}"}}
    launch = make_launch({"x": 1}, overrides=overrides, name="a b")
    assert bound(launch).submission.resource_args["y"] == "to a b"


def test_a_name_that_would_break_out_is_refused_before_it_waits(make_claim: MakeClaim) -> None:
    claim = make_claim({"mount": BETWEEN["mount"]}, project="a,source=/")
    with pytest.raises(Rejected, match="macro project_name: 'a,source=/' cannot hold ','"):
        validate_launch(claim.queue.spec, claim.item.spec)


def test_an_image_that_is_none_is_no_value_of_a_macro(make_launch: MakeLaunch) -> None:
    launch = make_launch({"mount": "type=image,source=${image_uri},target=/image"})
    assert bound(launch, image=Image(ref="r.io:5000/a/b@sha256:1"))
    with pytest.raises(Rejected, match="is no name of an image"):
        bound(launch, image=Image(ref="a,source=/"))
