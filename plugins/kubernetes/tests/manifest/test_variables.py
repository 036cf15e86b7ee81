"""Variables, and secrets, which stand in no object but a Secret."""

import json
from typing import Any

import pytest
from launchkit_kubernetes.manifest.build import BuildContext, env_secret

from launchkit.errors import Rejected
from launchkit.model import Secret
from launchkit.model.launch import OWN_ENV

from .examples import JOBSET, LEADER, MPI, RAY, SEED_PYTORCH, TRAIN, VOLCANO, example
from .making import body, job, pod, workload

HIDDEN = "hunter2"
ELSEWHERE = {"tool": {"env": [{"name": "A", "value": Secret(HIDDEN)}]}}
COMMA = {
    "spec": {"template": {"securityContext": {"seLinuxOptions": {"user": Secret("hunter2,")}}}}
}
RAY_SECRET = {"entrypoint": Secret(HIDDEN)}
ALL = [JOBSET, LEADER, MPI, RAY, SEED_PYTORCH, TRAIN, VOLCANO, "{}"]


def env(made: Any, index: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod(made)["containers"][index]["env"]
    return found


def test_those_of_the_launch_come_last_in_their_order_and_win() -> None:
    config = job({"env": [{"name": "B", "value": "queue"}, {"name": "A", "value": "$(B)"}]})
    made = body(config, env={"Z": "1", "B": "launch", "C": ""})
    assert env(made) == [
        {"name": "A", "value": "$(B)"},
        {"name": "Z", "value": "1"},
        {"name": "B", "value": "launch"},
        {"name": "C", "value": ""},
    ]


def test_what_launchkit_says_of_a_run_is_no_queues_to_say() -> None:
    """Also where it says nothing."""
    names = ("LAUNCHKIT_ITEM_ID", "LAUNCHKIT_AUTHOR", "LAUNCHKIT_BACKEND", "LAUNCHKIT_MINE")
    config = job({"env": [{"name": name, "value": "queue"} for name in names]})
    own = {"LAUNCHKIT_ITEM_ID": "i", "LAUNCHKIT_BACKEND": "b"}
    assert env(body(config, env=own)) == [
        {"name": "LAUNCHKIT_MINE", "value": "queue"},
        *({"name": name, "value": value} for name, value in own.items()),
    ]


def test_what_launchkit_leaves_out_no_secret_or_config_map_of_the_queue_says() -> None:
    source = {"prefix": "LAUNCHKIT_", "configMapRef": {"name": "forged"}}
    made = body(
        job({"envFrom": [source]}, {"name": "side"}), env={"A": "1", "LAUNCHKIT_ITEM_ID": "i"}
    )
    first = {one["name"]: one["value"] for one in env(made)}
    assert first == {"A": "1", **dict.fromkeys(OWN_ENV, ""), "LAUNCHKIT_ITEM_ID": "i"}
    assert [one["name"] for one in env(made, 1)] == ["A", "LAUNCHKIT_ITEM_ID"]


FORGED = {"name": "LAUNCHKIT_AUTHOR", "value": "boss"}
OWN = {"env": [FORGED, {"name": "A", "value": "LAUNCHKIT_AUTHOR: boss"}]}
KEPT = [{"name": "A", "value": "LAUNCHKIT_AUTHOR: boss"}]
CUSTOM = {"apiVersion": "x.io/v1", "kind": "A"}


@pytest.mark.parametrize(
    "config",
    [
        job({}, initContainers=[OWN]),
        job({}, ephemeralContainers=[OWN]),
        CUSTOM | {"spec": {"script": OWN}},
        CUSTOM | {"spec": {"driver": OWN}},
        CUSTOM | {"spec": {"templates": [{"template": {"spec": {"sidecars": [OWN]}}}]}},
        CUSTOM | {"containerDefaults": OWN},
        example(TRAIN) | {"spec": {"podTemplateOverrides": [{"spec": {"initContainers": [OWN]}}]}},
    ],
    ids=range(7),
)
def test_what_launchkit_says_of_a_run_no_container_of_an_object_is_told_by_the_queue(
    config: dict[str, Any],
) -> None:
    made = json.dumps(body(config))
    assert json.dumps(FORGED) not in made
    assert json.dumps(KEPT) in made


def test_what_launchkit_says_of_a_run_operators_are_not_told_in_words_of_their_own() -> None:
    conf = {"spark.executorEnv.LAUNCHKIT_AUTHOR": "boss", "spark.executorEnv.A": "1"}
    spec = {"sparkConf": conf, "driver": {"envVars": {"LAUNCHKIT_QUEUE": "other", "A": "1"}}}
    made = body(CUSTOM | {"spec": spec})["spec"]
    assert made == {"sparkConf": {"spark.executorEnv.A": "1"}, "driver": {"envVars": {"A": "1"}}}


@pytest.mark.parametrize(
    "text",
    [
        "env_vars: {LAUNCHKIT_AUTHOR: boss}",
        '{"env_vars": {"LAUNCHKIT\\u005fAUTHOR": "boss"}}',
        'env_vars: {"LAUNCH\\x4bIT_AUTHOR": boss}',
        "spec: {containers: [{env: [{name: LAUNCHKIT_AUTHOR, value: boss}]}]}",
        json.dumps([json.dumps({"LAUNCHKIT_AUTHOR": "boss"})]),
        "env:A,secret:a,key:b;env:LAUNCHKIT_AUTHOR,secret:a,key:b",
        "secret:a,key:b,'env' : 'LAUNCHKIT_AUTHOR'",
        'a: &a b\nc: &a d\nenv: [{name: "LAUNCHKIT\\x5fAUTHOR", value: boss}]',
        'env:\n\t"LAUNCHKIT\\x5fAUTHOR": boss',
        '[{"name": "LAUNCHKIT\\u005fAUTHOR", "name": "A", "value": "boss"}]',
        "[" * 70 + "]" * 70,
        "- a: 1\n" * 6000,
        '{"containers": [{"name": "main", "envFrom": [{"secretRef": {"name": "x"}}]}]}',
        json.dumps([{"op": "add", "path": "/spec/env/-", "value": {"name": "LAUNCHKIT_AUTHOR"}}]),
        "variable: {Name: LAUNCHKIT_AUTHOR, value: boss}",
    ],
    ids=range(15),
)
def test_a_text_with_a_variable_of_launchkits_own_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match=r"^resource_args\.spec\.runtimeEnvYAML: a text in which"):
        body(CUSTOM | {"spec": {"runtimeEnvYAML": text}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/containers/0/env/-", FORGED),
        ("/spec/containers/0/env", [FORGED]),
        ("/spec/containers/0/env/-/name", "LAUNCHKIT_AUTHOR"),
        ("/spec/containers/0/env/0/value", "boss"),
        ("/spec/containers/0", {"image": "x", **OWN}),
        ("/spec/driver/envVars/LAUNCHKIT_AUTHOR", "boss"),
        ("/spec/sparkConf/spark.executorEnv.LAUNCHKIT_AUTHOR", "boss"),
        ("/spec/containers/0/envFrom", [{"secretRef": {"name": "x"}}]),
        ("/spec/containers/0/envFrom/-", {"secretRef": {"name": "x"}}),
    ],
)
def test_a_patch_with_a_variable_of_launchkits_own_is_refused(path: str, value: object) -> None:
    patches = [{"op": "add", "path": path, "value": value}]
    with pytest.raises(
        Rejected, match=r"^resource_args\.spec\.patches\[0\]: a patch of a variable"
    ):
        body(CUSTOM | {"spec": {"patches": patches}})
    with pytest.raises(Rejected, match=r"^resource_args\.spec\.patch: a text in which"):
        body(CUSTOM | {"spec": {"patch": json.dumps(patches)}})
    kept = [{"op": "add", "path": "/spec/env/-", "value": {"name": "A", "value": "b"}}]
    spec = {"patches": kept, "probe": {"path": "/env/0", "port": 1}}
    assert body(CUSTOM | {"spec": spec})["spec"] == spec


@pytest.mark.parametrize(
    "text",
    [
        "env_vars: {A: $LAUNCHKIT_AUTHOR}",
        "say: LAUNCHKIT_AUTHOR",
        "-",
        "env:A,secret:a,key:LAUNCHKIT_AUTHOR",
    ],
)
def test_a_text_in_which_such_a_variable_is_read_stays(text: str) -> None:
    assert body(CUSTOM | {"spec": {"text": text}})["spec"] == {"text": text}


def test_texts_of_all_of_a_config_are_looked_through_within_one_bound() -> None:
    texts = ["a: b"] * 600
    for spec, rest in (({"a": texts}, {}), ({}, {"more": texts}), ({"a": ["a:b"] * 600}, {})):
        assert body(CUSTOM | rest | {"spec": spec})["spec"] == spec
    with pytest.raises(Rejected, match=r"^resource_args\.more\[400\]: a text in which"):
        body(CUSTOM | {"spec": {"a": texts}, "more": texts})


def test_texts_that_stand_in_each_other_without_end_are_refused_at_once() -> None:
    text = "".join(f"{' ' * depth}a: |\n" for depth in range(900))
    with pytest.raises(Rejected, match="too large to be looked through"):
        body(CUSTOM | {"spec": {"text": text + " " * 900 + "b"}})


def test_what_takes_a_config_map_as_a_whole_is_told_nothing_of_a_run_by_it() -> None:
    """A container that prepares is not told what launchkit says, nor may others say it."""
    source = [{"configMapRef": {"name": "forged"}}]
    prepares = {"name": "i", "envFrom": source, "env": [{"name": "B", "value": "2"}]}
    config = job({}, initContainers=[prepares])
    made = body(config, env={"A": "1", "LAUNCHKIT_BACKEND": "b"})
    found = {one["name"]: one["value"] for one in pod(made)["initContainers"][0]["env"]}
    assert found == {"B": "2", "LAUNCHKIT_BACKEND": "", **dict.fromkeys(OWN_ENV, "")}
    driver = body(CUSTOM | {"spec": {"driver": {"envFrom": source}}})["spec"]["driver"]
    assert {one["name"] for one in driver["env"]} == OWN_ENV


def test_all_containers_get_them_but_those_that_prepare() -> None:
    made = body(job({}, {"name": "side"}, initContainers=[{"name": "i"}]), env={"A": "1"})
    assert env(made, 0) == env(made, 1) == [{"name": "A", "value": "1"}]
    assert "env" not in pod(made)["initContainers"][0]


def test_where_the_queue_takes_a_value_from_stays() -> None:
    given = {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert env(body(job({"env": [given, {"name": "EMPTY"}]}))) == [given, {"name": "EMPTY"}]


@pytest.mark.parametrize("text", ALL, ids=range(len(ALL)))
def test_a_secret_is_in_no_object(text: str) -> None:
    made = workload(example(text), "python", env={"TOKEN": Secret(HIDDEN), "PLAIN": "shown"})
    shown = json.dumps(made.body)
    assert HIDDEN not in shown
    assert "shown" in shown
    source = {"secretKeyRef": {"name": env_secret(made.ref.name), "key": "TOKEN"}}
    assert json.dumps({"name": "TOKEN", "valueFrom": source}) in shown
    assert made.secrets == {"TOKEN": HIDDEN}


def test_a_secret_of_the_queue_becomes_one_of_its_run() -> None:
    made = workload(job({"name": "a", "env": [{"name": "T", "value": Secret(HIDDEN)}]}))
    source = {"secretKeyRef": {"name": "launchkit-r1-1-env", "key": "a.T"}}
    assert env(made.body) == [{"name": "T", "valueFrom": source}]
    assert made.secrets == {"a.T": HIDDEN}


def test_secrets_of_containers_of_one_name_are_told_apart() -> None:
    config = example(SEED_PYTORCH)
    for index, one in enumerate(config["kubernetes"]["spec"]["pytorchReplicaSpecs"].values()):
        (container,) = one["template"]["spec"]["containers"]
        container["env"] = [{"name": "T", "value": Secret(f"{HIDDEN}-{index}")}]
    made = workload(config)
    assert {*made.secrets.values()} == {f"{HIDDEN}-0", f"{HIDDEN}-1"}
    for index, one in enumerate(made.body["spec"]["pytorchReplicaSpecs"].values()):
        (variable,) = one["template"]["spec"]["containers"][0]["env"]
        key = variable["valueFrom"]["secretKeyRef"]["key"]
        assert made.secrets[key] == f"{HIDDEN}-{index}"


def test_the_key_of_a_secret_is_one_that_the_cluster_takes() -> None:
    made = workload({}, env={"MY TOKEN": Secret(HIDDEN), "x" * 999: Secret(HIDDEN)})
    assert [*made.secrets] == ["MY_TOKEN", "x" * 200]


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"metadata": {"labels": {"a": Secret(HIDDEN)}}}, r"metadata\.labels\.a"),
        (job({"args": ["a", Secret(HIDDEN)]}), r"containers\[0\]\.args\[1\]"),
        ({"apiVersion": "x.io/v1", "kind": "A", "b": [Secret(HIDDEN)]}, r"b\[0\]"),
        ({"kubernetes": {"spec": {"completionMode": Secret(HIDDEN)}}}, "spec.completionMode"),
        (COMMA, r"template\.securityContext\.seLinuxOptions\.user"),
        ({"group": Secret(HIDDEN), "kind": "A"}, "group"),
        ({"version": Secret(HIDDEN), "kind": "A"}, "version"),
        ({"apiVersion": Secret(HIDDEN), "kind": "A"}, "apiVersion"),
        ({"namespace": Secret(HIDDEN)}, "namespace"),
        (job({"env": [[{"name": "A", "value": Secret(HIDDEN)}]]}), r"env\[0\]\[0\]\.value"),
        (job({"env": [{"name": Secret(HIDDEN)}]}), r"env\[0\]\.name"),
        (job({"env": {"A": {"value": Secret(HIDDEN)}}}), r"env\.A\.value"),
        ({"apiVersion": "x.io/v1", "kind": "A", "spec": ELSEWHERE}, r"env\[0\]\.value"),
    ],
)
def test_a_secret_at_another_place_is_rejected(config: dict[str, Any], where: str) -> None:
    with pytest.raises(Rejected, match=rf"^resource_args\..*?{where}: a secret would be") as caught:
        body(config)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize("text", [JOBSET, LEADER, MPI, RAY, SEED_PYTORCH, VOLCANO, "{}"])
def test_the_registrys_login_stands_behind_those_of_the_queue(text: str) -> None:
    context = BuildContext(namespace="default", pull_secret=True)
    config = example(text)
    if text == "{}":
        config = job(imagePullSecrets=[{"name": "own"}])
    made = json.dumps(body(config, context=context))
    own = '{"name": "own"}, ' if text == "{}" else ""
    login = f'"imagePullSecrets": [{own}{{"name": "'
    assert made.count(login) == made.count('"containers": ')
    assert "imagePullSecrets" not in json.dumps(body({}))


def test_more_variables_than_a_cluster_takes_are_rejected() -> None:
    env = {f"A{number}": "" for number in range(101)}
    with pytest.raises(Rejected, match="101 variables in each container is too large"):
        body(job(*({} for _ in range(200))), env=env)


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"metadata": {"name": Secret(HIDDEN)}}, "metadata.name"),
        ({"metadata": {"generateName": Secret(HIDDEN)}}, "metadata.generateName"),
        ({"apiVersion": "ray.io/v1", "kind": "RayJob", "spec": RAY_SECRET}, "entrypoint"),
        ({"spec": {"backoffLimit": Secret("123456")}}, "spec.backoffLimit"),
        (job(hostNetwork=Secret("true")), "hostNetwork"),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("attempt", [1, 2])
def test_a_secret_is_told_also_where_something_else_is_made_of_it(
    config: dict[str, Any], where: str, attempt: int
) -> None:
    with pytest.raises(Rejected, match=where) as refused:
        body(config, args=("x",), attempt=attempt)
    assert not any(word in refused.value.message for word in (HIDDEN, "123456"))


def test_a_short_value_may_be_a_number() -> None:
    assert body({"spec": {"backoffLimit": Secret("2")}})["spec"]["backoffLimit"] == 2
