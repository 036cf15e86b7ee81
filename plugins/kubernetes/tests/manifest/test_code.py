"""Code without a build is laid into the pods by a container that unpacks it."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.manifest.args import parse_args
from launchkit_kubernetes.manifest.build import BuildContext, no_image
from launchkit_kubernetes.manifest.code import PIECES_MOUNT, UNPACK
from launchkit_kubernetes.runs.packing import packed

from launchkit.code.in_base_image import MOUNT
from launchkit.errors import Rejected

from .examples import JOBSET, MPI, RAY, SEED_PYTORCH, TRAIN, VOLCANO, example
from .making import body, job, pod, submission_of, workload

CONTEXT = BuildContext(namespace="default", code_pieces=2)
MOUNTED = {"name": "launchkit-code", "mountPath": "/mnt/launchkit"}


def laid(config: dict[str, Any], *command: str, **fields: Any) -> dict[str, Any]:
    return body(config, *(command or ("python", "train.py")), context=CONTEXT, **fields)


def test_an_init_container_unpacks_what_secrets_hold() -> None:
    own = {"name": "i", "image": "i:1", "securityContext": {}}
    config = job(
        {"imagePullPolicy": "Never", "securityContext": {"runAsUser": 7}},
        {"name": "side", "image": "side:1"},
        initContainers=[own],
        volumes=[{"name": "data"}],
    )
    made = pod(laid(config))
    main, side = made["containers"]
    unpack, kept = made["initContainers"]
    assert unpack == {
        "name": "launchkit-code",
        "image": "img:1",
        "imagePullPolicy": "Never",
        "securityContext": {"runAsUser": 7},
        "command": ["/bin/sh", "-c", UNPACK],
        "volumeMounts": [
            MOUNTED,
            {"name": "launchkit-code-pieces", "mountPath": PIECES_MOUNT, "readOnly": True},
        ],
    }
    assert kept == own
    assert (main["workingDir"], main["volumeMounts"]) == ("/mnt/launchkit", [MOUNTED])
    assert main["command"] == ["python", "train.py"]
    assert "volumeMounts" not in side
    assert made["volumes"] == [
        {"name": "data"},
        {"name": "launchkit-code", "emptyDir": {}},
        {
            "name": "launchkit-code-pieces",
            "projected": {
                "sources": [
                    {
                        "secret": {
                            "name": f"launchkit-r1-1-code-{piece}",
                            "items": [{"key": "piece", "path": f"000{piece}"}],
                        }
                    }
                    for piece in range(2)
                ]
            },
        },
    ]


def test_code_in_a_volume_is_mounted_and_nothing_is_unpacked() -> None:
    context = BuildContext(namespace="default", code_pieces=1, code_claim="code")
    config = job({}, volumes=[{"name": "data"}])
    (first, second) = (
        pod(body(config, "python", "train.py", context=context, attempt=attempt))
        for attempt in (1, 2)
    )
    (mount,) = first["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == "/mnt/launchkit"
    assert mount["subPath"].startswith("launchkit-code-")
    assert second["containers"][0]["volumeMounts"] != [mount]
    assert "initContainers" not in first
    assert first["volumes"] == [
        {"name": "data"},
        {"name": "launchkit-code", "persistentVolumeClaim": {"claimName": "code"}},
    ]


def test_the_program_starts_where_the_launch_says_unless_the_queue_does() -> None:
    assert pod(laid({}, working_dir="sub"))["containers"][0]["workingDir"] == "/mnt/launchkit/sub"
    made = laid(job({"workingDir": "/data"}), working_dir="sub")
    assert pod(made)["containers"][0]["workingDir"] == "/data"


def test_requirements_are_installed_where_that_is_asked_for() -> None:
    made = laid({}, "python", "train.py", args=("--a",), builder_args={"install": True})
    (container,) = pod(made)["containers"]
    assert container["command"][:2] == ["/bin/sh", "-c"]
    assert container["args"] == ["python", "train.py", "--a"]
    made = laid(example(RAY), builder_args={"install": True})
    assert made["spec"]["entrypoint"].startswith("/bin/sh -c ")
    assert made["spec"]["entrypoint"].endswith(" launchkit python train.py")


@pytest.mark.parametrize("text", [SEED_PYTORCH, MPI, RAY, VOLCANO, JOBSET])
def test_all_pods_of_a_distributed_run_get_the_code(text: str) -> None:
    shown = repr(laid(example(text)))
    assert shown.count("'initContainers': [{'name': 'launchkit-code'") == 2
    assert shown.count("'workingDir': '/mnt/launchkit'") == 2


@pytest.mark.parametrize(
    "config", [example(TRAIN), {"apiVersion": "x.io/v1", "kind": "A"}], ids=["TrainJob", "other"]
)
def test_where_there_are_no_pods_to_lay_it_into_a_builder_is_needed(config: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=f"code cannot be laid into a {config['kind']}") as caught:
        laid(config)
    assert "builder" in (caught.value.hint or "")


def test_code_without_an_entry_point_is_rejected() -> None:
    with pytest.raises(Rejected, match="there is no entry point"):
        body({}, context=CONTEXT)


def test_a_launch_without_any_image_is_told_so() -> None:
    for config in ({}, job({}, {"image": "side:1"}), job(None)):
        refused = no_image(parse_args(config), submission_of(config, image=None))
        assert refused
        assert "needs an image" in refused.message
    for config in (job({"image": "a"}), example(VOLCANO)):
        assert no_image(parse_args(config), submission_of(config, image=None)) is None
    assert no_image(parse_args({}), submission_of({})) is None


def unpacked(pieces: Path, code: Path) -> "subprocess.CompletedProcess[str]":
    script = UNPACK.replace(PIECES_MOUNT, str(pieces)).replace(MOUNT, str(code))
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)


def test_the_pieces_give_the_code_and_an_archive_that_is_not_whole_fails(tmp_path: Path) -> None:
    code, pieces, into = (tmp_path / name for name in ("code", "pieces", "into"))
    for folder in (code / "a b", pieces, into):
        folder.mkdir(parents=True)
    (code / "a b" / "train.py").write_text("print(1)\n")
    (data,) = packed(code).pieces
    for number, start in enumerate(range(0, len(data), 40)):
        (pieces / f"{number:04}").write_bytes(data[start : start + 40])
    assert unpacked(pieces, into).returncode == 0
    assert (into / "a b" / "train.py").read_text() == "print(1)\n"
    (pieces / f"{number:04}").unlink()
    assert unpacked(pieces, into).returncode != 0


@pytest.mark.parametrize(
    "config",
    [
        job({}, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "code-of-all"}}]),
        {"kind": "SparkApplication", "apiVersion": "sparkoperator.k8s.io/v1beta2",
         "spec": {"sparkConf": {"a.claimName": "code-of-all"}}},
        {**job({}), "metadata": {"annotations": {"a": "mounts: code-of-all"}}},
        {"kind": "A", "apiVersion": "x.io/v1", "spec": {"claims": {"code-of-all": "/mnt"}}},
        {"kind": "A", "apiVersion": "x.io/v1", "spec": {"a": r'{"claim": "code\u002dof-all"}'}},
        {"kind": "A", "apiVersion": "x.io/v1", "spec": {"a": 'claim: "code\\\n  -of-all"'}},
    ],
)  # fmt: skip
def test_a_strict_policy_leaves_the_volume_with_the_code_of_all_to_the_agent(
    config: dict[str, Any],
) -> None:
    strict = replace(CONTEXT, strict=True, code_claim="code-of-all")
    with pytest.raises(Rejected, match="names the claim code-of-all of code_pvc_name"):
        workload(config, "sh", context=strict)


def test_other_claims_and_what_a_program_reads_may_be_named_beside_it() -> None:
    strict = replace(CONTEXT, strict=True, code_claim="code-of-all")
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "code-of-all-others"}}
    config = job({"args": ["code-of-all"], "env": [{"name": "A", "value": "code-of-all"}]})
    config["spec"]["template"]["spec"]["volumes"] = [claim]
    assert workload(config, "sh", context=strict).body["kind"] == "Job"
