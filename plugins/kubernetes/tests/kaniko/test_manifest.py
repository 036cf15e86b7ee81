"""The Job of a build, as settings and a plan make it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.builder import IMAGE, KanikoBuilder
from launchkit_kubernetes.kaniko.config import build_args, config_problems, merged_args
from launchkit_kubernetes.kaniko.manifest import (
    BUILD,
    CONTEXT,
    BuildManifest,
    ContextPlace,
    JobDesign,
    lasting,
    manifest_of,
)
from launchkit_kubernetes.manifest.args import check_args

from launchkit.errors import ConfigError, Rejected
from launchkit.images.context import BuildPlan
from launchkit.images.maker import PlannedBuild
from launchkit.images.ref import ImageRef
from launchkit.images.target import Target
from launchkit.model import Credentials, Secret

REF = "registry.example.com/team/image:0123456789abcdef0123"
SEED = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "args": ["--cache=false"],
                        "env": [{"name": "MY_ENV_VAR", "value": "my-env-var-value"}],
                    }
                ]
            }
        }
    }
}
"""The seed's example."""


def plan(ref: str = REF, **fields: Any) -> PlannedBuild:
    own = BuildPlan(
        context=Path(),
        entries=(),
        dockerfile="FROM scratch\n",
        dockerfile_name="docker/Dockerfile",
        base_images=(),
        generated=False,
    )
    return PlannedBuild(plan=own, tag="t", target=Target(ref=ref, pushed=True), **fields)


def made(
    config: dict[str, Any] | None = None,
    *,
    build: PlannedBuild | None = None,
    place: ContextPlace | None = None,
    login: bool = False,
    **fields: Any,
) -> BuildManifest:
    design = JobDesign(
        **{"prefix": "launchkit-build", "namespace": "ns", "image": "executor:1"} | fields,
        config=config or {},
    )
    place = place or ContextPlace(address="s3://bucket/context.tar.gz")
    return manifest_of(build or plan(), design, place, archive="a", login=login)


def pod_of(job: BuildManifest) -> dict[str, Any]:
    pod: dict[str, Any] = job.body["spec"]["template"]["spec"]
    return pod


def executor_of(job: BuildManifest) -> dict[str, Any]:
    container: dict[str, Any] = pod_of(job)["containers"][0]
    return container


def with_container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [fields]}}}}


def test_the_arguments_say_where_the_context_is_and_where_the_image_goes() -> None:
    assert executor_of(made())["args"] == [
        "--context=s3://bucket/context.tar.gz",
        "--dockerfile=docker/Dockerfile",
        f"--destination={REF}",
        "--digest-file=/dev/termination-log",
        "--cache=true",
        "--cache-repo=registry.example.com/team/image",
        "--snapshot-mode=redo",
        "--compressed-caching=false",
    ]


def test_the_example_of_the_requirements_changes_what_it_names_and_nothing_else() -> None:
    plain, changed = executor_of(made()), executor_of(made(SEED))
    kept = [arg for arg in plain["args"] if arg != "--cache=true"]
    assert changed["args"] == [*kept, "--cache=false"]
    assert changed["env"] == [{"name": "MY_ENV_VAR", "value": "my-env-var-value"}]
    assert {**changed, "args": 0, "env": 0} == {**plain, "args": 0, "env": 0}


def test_flags_of_one_name_replace_ours_together() -> None:
    ours = ["--registry-mirror=a", "--cache=true"]
    theirs = ["--registry-mirror=b", "--registry-mirror=c", "--single-snapshot"]
    assert merged_args(ours, theirs) == ["--cache=true", *theirs]


def test_values_of_the_dockerfile_stand_once_wherever_they_were_given() -> None:
    config = with_container(args=["--build-arg=B=2=3", "--build-arg=A=4"])
    given = build_args({"A": "1", "C": "5"}, config)
    assert given == {"A": "4", "B": "2=3", "C": "5"}
    args = executor_of(made(config, build=plan(build_args=given)))["args"]
    found = [arg for arg in args if arg.startswith("--build-arg")]
    assert found == ["--build-arg=A=4", "--build-arg=C=5", "--build-arg=B=2=3"]


def test_the_pod_has_no_token_unless_it_has_a_service_account() -> None:
    assert pod_of(made())["automountServiceAccountToken"] is False
    named = pod_of(made(service_account="builder"))
    assert named["serviceAccountName"] == "builder"
    assert named["automountServiceAccountToken"] is True
    config = {"spec": {"template": {"spec": {"serviceAccountName": "builder"}}}}
    assert pod_of(made(config))["automountServiceAccountToken"] is True


def test_what_the_owner_adds_stands_beside_ours() -> None:
    place = ContextPlace(
        address="tar:///kaniko/context/a",
        volumes=[{"name": "context", "persistentVolumeClaim": {"claimName": "c"}}],
        mounts=[{"name": "context", "mountPath": "/kaniko/context"}],
    )
    config = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {
            "activeDeadlineSeconds": 60,
            "template": {
                "metadata": {"labels": {"team": "a"}},
                "spec": {
                    "tolerations": [{"key": "builds"}],
                    "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
                    "containers": [
                        {
                            "resources": {"limits": {"memory": "8Gi"}},
                            "volumeMounts": [{"name": "ca", "mountPath": "/kaniko/ssl/certs"}],
                        }
                    ],
                },
            },
        },
    }
    job = made(config, place=place)
    assert job.body["metadata"]["labels"]["team"] == "a"
    assert job.body["metadata"]["labels"][BUILD] == job.name
    assert job.body["metadata"]["annotations"] == {"note": "b", CONTEXT: place.address}
    assert job.body["spec"]["activeDeadlineSeconds"] == 60
    assert job.body["spec"]["backoffLimit"] == 0
    assert job.body["spec"]["template"]["metadata"]["labels"][BUILD] == job.name
    assert [one["name"] for one in pod_of(job)["volumes"]] == ["context", "ca"]
    assert pod_of(job)["tolerations"] == [{"key": "builds"}]
    assert [one["name"] for one in executor_of(job)["volumeMounts"]] == ["context", "ca"]
    assert executor_of(job)["resources"] == {"limits": {"memory": "8Gi"}}


def test_a_login_is_a_secret_that_is_mounted_in_the_executor_alone() -> None:
    job = made(login=True)
    assert job.login == f"{job.name}-login"
    (volume,) = pod_of(job)["volumes"]
    assert volume["secret"]["secretName"] == job.login
    (mount,) = executor_of(job)["volumeMounts"]
    assert mount == {"name": "registry-login", "mountPath": "/kaniko/.docker", "readOnly": True}


@pytest.mark.parametrize("prefix", ["launchkit-build", "team"])
def test_no_config_can_name_a_secret_of_a_build(prefix: str) -> None:
    job = made(place=ContextPlace(address="a", pieces=1, linked=True), login=True, prefix=prefix)
    names = [job.login, job.link, *job.pieces]
    assert job.name.startswith(f"{prefix}-")
    assert {one["secret"]["secretName"] for one in pod_of(job)["volumes"] if "secret" in one} <= {
        *names
    }
    for name in names:
        config = {"spec": {"template": {"spec": {"imagePullSecrets": [{"name": name}]}}}}
        with pytest.raises(Rejected, match="names a Secret of launchkit's own"):
            check_args(config)


@pytest.mark.parametrize(
    ("seconds", "fields", "stays"),
    [
        (None, {"service_account": "builds"}, True),
        (6 * 3600.0, {"service_account": "builds"}, True),
        (3599.0, {"service_account": "builds"}, False),
        (3599.0, {"secret": ("kaniko-key", "key.json")}, False),
        (3599.0, {}, True),
    ],
)
def test_a_login_that_may_end_before_the_build_is_left_out_where_the_pod_is_somebody_itself(
    seconds: float | None, fields: dict[str, Any], stays: bool
) -> None:
    design = JobDesign(prefix="launchkit-build", namespace="ns", image="executor:1", **fields)
    ends = None if seconds is None else 1e9 + seconds
    login = Credentials(username="u", password=Secret("p"), expires_at=ends)
    assert lasting(login, design, 1e9) == (login if stays else None)
    assert lasting(None, design, 1e9) is None


@pytest.mark.parametrize(
    ("ref", "folder", "variables"),
    [
        ("1.dkr.ecr.us-east-1.amazonaws.com/r:t", "/kaniko/.aws", ["AWS_SHARED_CREDENTIALS_FILE"]),
        ("1.dkr-ecr.us-east-1.on.aws/r:t", "/kaniko/.aws", ["AWS_SHARED_CREDENTIALS_FILE"]),
        ("eu-docker.pkg.dev/p/r/i:t", "/kaniko/.config/gcloud", ["GOOGLE_APPLICATION_CREDENTIALS"]),
        ("gcr.io/p/i:t", "/kaniko/.config/gcloud", ["GOOGLE_APPLICATION_CREDENTIALS"]),
        ("a.azurecr.io/i:t", "/kaniko/.docker", []),
    ],
)
def test_a_secret_of_the_owner_lies_where_its_cloud_looks(
    ref: str, folder: str, variables: list[str]
) -> None:
    container = executor_of(made(build=plan(ref), secret=("mine", "key"), login=True))
    assert folder in [one["mountPath"] for one in container["volumeMounts"]]
    assert [one["name"] for one in container["env"]] == variables
    places = [one["mountPath"] for one in container["volumeMounts"]]
    assert len(places) == len(set(places))


def test_what_finds_the_agents_cloud_stands_in_the_executors_environment() -> None:
    near, far = (made(variables={"AWS_REGION": region}) for region in ("eu-west-1", "us-east-1"))
    assert executor_of(near)["env"] == [{"name": "AWS_REGION", "value": "eu-west-1"}]
    assert near.name != far.name
    own = made(
        with_container(env=[{"name": "AWS_REGION", "value": "mine"}]),
        variables={"AWS_REGION": "eu-west-1"},
    )
    assert executor_of(own)["env"] == [{"name": "AWS_REGION", "value": "mine"}]


def test_a_context_of_one_piece_is_mounted_and_one_of_several_is_put_together() -> None:
    address = "tar:///kaniko/context/context.tar.gz"
    one = made(place=ContextPlace(address=address, pieces=1))
    assert "initContainers" not in pod_of(one)
    several = made(place=ContextPlace(address=address, pieces=3))
    assert len(several.pieces) == 3
    (join,) = pod_of(several)["initContainers"]
    assert join["image"] == "executor:1"
    mounted = [mount["mountPath"] for mount in executor_of(several)["volumeMounts"]]
    assert mounted == ["/kaniko/context"]


def test_a_build_for_a_platform_goes_to_a_machine_of_its_kind() -> None:
    job = made(build=plan(platform="linux/arm64"))
    assert "--custom-platform=linux/arm64" in executor_of(job)["args"]
    assert pod_of(job)["nodeSelector"] == {"kubernetes.io/arch": "arm64"}


def test_equal_builds_have_one_job_and_others_have_others() -> None:
    name = made().name
    assert made(agent="other").name == name
    others = [
        made(SEED).name,
        made(image="executor:2").name,
        made(build=plan(f"{REF}0")).name,
        made(login=True).name,
    ]
    assert len({name, *others}) == 5
    assert name.startswith("launchkit-build-")
    assert len(name) <= 63


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            with_container(args=["cache=false"]),
            "'cache=false' must be written --key=value",
        ),
        (with_container(args=[5]), "args[0]: 5 must be written --key=value"),
        (
            with_container(args=["--destination=x"]),
            "--destination is launchkit's: set",
        ),
        ({"metadata": {"name": "x"}}, "metadata.name: set build-job-name of the builder instead"),
        ({"metadata": {"namespace": "x"}}, "metadata.namespace: set namespace of the builder"),
        ({"spec": []}, "kaniko-config.spec: must be a mapping"),
        ({"spce": {}}, "kaniko-config.spce: a Job has no such field"),
        ({"kind": "Pod"}, "kaniko-config.kind: must be Job"),
        (
            {"spec": {"template": {"spec": {"containers": [{}, {}]}}}},
            "containers: one container builds",
        ),
        ({"spec": {"a": {1: 2}}}, "the key 1 must be text"),
    ],
)
def test_a_config_that_cannot_be_laid_over_is_refused_with_its_place(
    config: dict[str, Any], says: str
) -> None:
    assert says in "\n".join(config_problems(config))
    with pytest.raises(ConfigError) as caught:
        KanikoBuilder.configured({"kaniko-config": config})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"secret-name": "x"}, "secret-name and secret-key belong together"),
        ({"build-context-store": "/x"}, "must be s3://bucket/prefix"),
        ({"build-job-name": "Big"}, "must be the beginning of a Job's name"),
        ({"kaniko-image": "A B"}, "must be the name of an image, not 'A B'"),
        ({"pvc-name": "x", "build-context-store": "s3://b"}, "give one of them"),
        ({"kaniko-imag": "x"}, "did you mean 'kaniko-image'"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        KanikoBuilder.configured(settings)
    assert says in str(caught.value)


def test_the_executor_is_pinned() -> None:
    assert KanikoBuilder.configured({}).kaniko_image == IMAGE
    assert ImageRef.parse(IMAGE).digest


def test_a_context_that_the_executor_cannot_read_is_fetched_by_a_link_before() -> None:
    address = "https://account.blob.core.windows.net/contexts/context.tar.gz"
    plain = made(place=ContextPlace(address=address))
    job = made(place=ContextPlace(address=address, linked=True))
    assert job.name != plain.name
    assert job.link == f"{job.name}-link"
    assert plain.link is None
    assert "--context=tar:///kaniko/context/context.tar.gz" in executor_of(job)["args"]
    assert job.body["metadata"]["annotations"][CONTEXT] == address
    (before,) = pod_of(job)["initContainers"]
    assert "wget" in before["command"][2]
    assert [one["mountPath"] for one in before["volumeMounts"]] == [
        "/kaniko/context",
        "/kaniko/pieces",
    ]
    assert [one["mountPath"] for one in executor_of(job)["volumeMounts"]] == ["/kaniko/context"]
    assert {"name": "pieces", "secret": {"secretName": job.link}} in pod_of(job)["volumes"]


def test_no_variable_takes_the_place_of_what_a_launch_says() -> None:
    own = replace(plan().plan, dockerfile_name="$(TOKEN)")
    build = replace(plan(), plan=own, build_args={"A": "$(OWNERS)"})
    args = executor_of(made(build=build))["args"]
    assert {"--dockerfile=$$(TOKEN)", "--build-arg=A=$(OWNERS)"} <= {*args}
