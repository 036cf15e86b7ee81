"""A queue's config may be written in many forms."""

from types import MappingProxyType
from typing import Any

import pytest
from launchkit_kubernetes.manifest.args import QueueArgs, check_args, parse_args
from launchkit_kubernetes.manifest.schema import STARTER

from launchkit.errors import Rejected

from .examples import SEED_INJECTED, SEED_JOB, SEED_PYTORCH, example
from .making import body, job, nested, pod

SPEC = job({"name": "a"})


@pytest.mark.parametrize(
    "config",
    [
        SPEC,
        {**SPEC, "apiVersion": "batch/v1"},
        {**SPEC, "apiVersion": "batch/v1", "kind": "Job"},
        {**SPEC, "kind": "Job"},
        {**SPEC, "group": "batch", "version": "v1", "kind": "Job"},
        {"kubernetes": SPEC},
        {**SPEC, "metadata": None, "namespace": None, "status": {"active": 1}},
        MappingProxyType({"spec": MappingProxyType(dict(SPEC["spec"]))}),
    ],
    ids=range(8),
)
def test_a_job_may_leave_out_what_makes_it_one(config: dict[str, Any]) -> None:
    parsed = parse_args(config)
    assert (parsed.api_version, parsed.kind, parsed.is_job) == ("batch/v1", "Job", True)
    assert parsed.spec == SPEC["spec"]
    assert parsed.rest == {}


@pytest.mark.parametrize("config", [{}, {"kubernetes": None}, {"kubernetes": {}}, {"spec": None}])
def test_an_empty_config_is_a_job(config: dict[str, Any]) -> None:
    assert parse_args(config) == QueueArgs()
    assert pod(body(config))["containers"][0]["image"] == "img:1"


def test_the_version_that_never_had_jobs_stands_for_the_one_that_has() -> None:
    assert body({**SPEC, "apiVersion": "batch/v1beta1"})["apiVersion"] == "batch/v1"


def test_a_custom_resource_keeps_what_else_it_has() -> None:
    config = {
        "apiVersion": "x.io/v1",
        "kind": "Thing",
        "spec": {"size": 3, "none": None},
        "data": {"a": [1, None]},
    }
    made = body({"kubernetes": config})
    assert {key: made[key] for key in ("apiVersion", "kind", "spec", "data")} == config
    assert not parse_args(config).is_job


@pytest.mark.parametrize(
    ("config", "version"),
    [
        ({"group": "x.io"}, "x.io/v1"),
        ({"group": "x.io", "version": "v2"}, "x.io/v2"),
        ({"apiVersion": "y.io/v1", "group": "x.io"}, "x.io/v1"),
        ({"apiVersion": "y.io/v1", "version": "v2"}, "y.io/v2"),
    ],
)
def test_group_and_version_are_stronger_than_apiversion(
    config: dict[str, Any], version: str
) -> None:
    made = body({**config, "kind": "Thing"})
    assert made["apiVersion"] == version
    assert not {"group", "version"} & made.keys()


@pytest.mark.parametrize(
    ("config", "namespace"),
    [
        ({}, "default"),
        ({"namespace": ""}, "default"),
        ({"namespace": "a"}, "a"),
        ({"metadata": {"namespace": "b"}}, "b"),
        ({"namespace": "a", "metadata": {"namespace": "b"}}, "b"),
        ({"kubernetes": {"namespace": "a"}}, "a"),
    ],
)
def test_the_namespace_of_the_object_is_stronger_than_the_queues(
    config: dict[str, Any], namespace: str
) -> None:
    made = body(config)
    assert made["metadata"]["namespace"] == namespace
    assert "namespace" not in made


def test_the_seeds_job_is_taken() -> None:
    made = body(example(SEED_JOB))
    (container,) = pod(made)["containers"]
    assert made["metadata"]["namespace"] == "wandb"
    assert made["metadata"]["labels"]["queue"] == "k8s-test"
    assert container["env"] == [{"name": "MY_ENV_VAR", "value": "some-value"}]
    assert container["resources"] == {"requests": {"cpu": "1000m", "memory": "1Gi"}}


def test_the_seeds_pytorchjob_is_taken() -> None:
    check_args(example(SEED_PYTORCH))
    parsed = parse_args(example(SEED_PYTORCH))
    assert (parsed.api_version, parsed.kind) == ("kubeflow.org/v1", "PyTorchJob")
    assert parsed.spec["pytorchReplicaSpecs"]["Worker"]["restartPolicy"] == "Never"
    assert parsed.spec["ttlSecondsAfterFinished"] == 600


def test_what_the_seed_misspells_and_misplaces_is_understood_with_a_warning() -> None:
    parsed = parse_args(example(SEED_INJECTED))
    assert parsed.spec["backoffLimit"] == 0
    assert parsed.spec["ttlSecondsAfterFinished"] == 60
    assert parsed.container_security == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    ttl = "ttlSecondsAfterFinished"
    assert parsed.warnings == (
        "resource_args.spec.template.backOffLimit is taken as resource_args.spec.backoffLimit",
        f"resource_args.spec.template.{ttl} is taken as resource_args.spec.{ttl}",
        "resource_args.spec.template.securityContext is taken as that of each container",
    )
    (container,) = pod(body(example(SEED_INJECTED)))["containers"]
    assert container["securityContext"] == parsed.container_security


def test_what_stands_at_its_place_is_stronger_than_what_is_misplaced() -> None:
    parsed = parse_args({"spec": {"backoffLimit": 3, "template": {"backoffLimit": 1}}})
    assert parsed.spec["backoffLimit"] == 3
    (warning,) = parsed.warnings
    assert warning == (
        "resource_args.spec.template.backoffLimit is ignored beside resource_args.spec.backoffLimit"
    )


def test_a_misplaced_security_context_is_looked_at_too() -> None:
    wrong = {"spec": {"template": {"securityContext": {"privilegd": True}}}}
    with pytest.raises(
        Rejected, match=r"template\.securityContext\.privilegd: unknown key; did you mean 'privi"
    ):
        parse_args(wrong)


def test_the_starter_config_is_good_with_and_without_its_comments() -> None:
    check_args(example(STARTER))
    lines = STARTER.split("\n\n", 1)[1].splitlines()
    config = example("\n".join(line.replace("# ", "", 1) for line in lines if "How" not in line))
    check_args(config)
    assert config["namespace"] == "ml"
    assert config["spec"]["template"]["spec"]["containers"][0].keys() == {"resources", "env"}


@pytest.mark.parametrize(
    "config",
    [
        nested(10_000),
        {"spec": nested(10_000)},
        {"apiVersion": "x/v1", "kind": "A", "a": [nested(99)]},
    ],
    ids=range(3),
)
def test_a_config_that_is_nested_too_deep_is_rejected(config: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="is nested too deep: 60 levels are allowed"):
        parse_args(config)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (job(*({} for _ in range(501))), "resource_args: has 501 containers; 500 are the most"),
        (
            {"metadata": {"labels": {f"a{n}": "" for n in range(20_000)}}},
            "has more than 20000 values",
        ),
    ],
)
def test_a_config_of_more_than_a_cluster_takes_is_rejected(
    config: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        parse_args(config)


@pytest.mark.parametrize("requeue", [False, "false"])
def test_a_queue_may_say_that_runs_that_lose_their_place_are_not_queued_again(
    requeue: object,
) -> None:
    annotation = body({**SPEC, "requeue": requeue})["metadata"]["annotations"]
    assert annotation["launchkit/requeue"] == "false"
    custom = {"apiVersion": "a.b/v1", "kind": "Thing", "requeue": requeue, "spec": {}}
    assert body(custom)["metadata"]["annotations"]["launchkit/requeue"] == "false"
    assert "requeue" not in body(custom)
    for config in (SPEC, {**SPEC, "requeue": True}, {**SPEC, "requeue": None}):
        assert "launchkit/requeue" not in body(config)["metadata"]["annotations"]


@pytest.mark.parametrize("requeue", ["no", 1, {}, "${x}"])
def test_whether_it_is_queued_again_is_true_or_false(requeue: object) -> None:
    with pytest.raises(Rejected, match=r"resource_args.requeue: must be true or false"):
        check_args({**SPEC, "requeue": requeue})
