"""Image, command and arguments stand at the containers that are to have them."""

from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.abc import Policy
from launchkit.model import GitSource, Secret
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import make_launch

from .examples import JOBSET, LEADER, MPI, RAY, SEED_PYTORCH, TRAIN, VOLCANO, example
from .making import CHOSEN, body, job, pod, workload

GIT = GitSource(remote="https://example.com/code")
Found = dict[str, dict[str, Any]]


def found(made: Any) -> Found:
    """Each container of an object, by the path of its pods' template."""
    paths: Found = {}

    def look(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                if key == "containers":
                    paths.update({"/".join((*path, str(i))): c for i, c in enumerate(one)})
                else:
                    look(one, (*path, key))
        elif isinstance(value, list):
            for index, one in enumerate(value):
                look(one, (*path, str(index)))

    look(made["spec"], ())
    return paths


def column(made: Any, key: str) -> list[Any]:
    return [container.get(key) for container in found(made).values()]


def test_the_image_of_a_launch_is_that_of_the_main_container() -> None:
    made = body(job({"image": "queues:1"}, {"image": "side:1"}))
    assert column(made, "image") == ["img:1", "side:1"]


def test_an_image_that_was_built_leaves_one_that_the_queue_names() -> None:
    config = job({"image": "queues:1"}, {"image": "side:1"})
    assert column(body(config, image="built:1", source=GIT), "image") == ["queues:1", "side:1"]
    config = job({}, {"image": "side:1"})
    assert column(body(config, image="built:1", source=GIT), "image") == ["built:1", "side:1"]


@pytest.mark.parametrize(
    ("origins", "commands"), [({}, [["keep"], ["side"]]), (CHOSEN, [["python", "x.py"], ["side"]])]
)
def test_only_what_the_launch_chose_takes_the_place_of_the_queues_command(
    origins: dict[str, str], commands: list[Any]
) -> None:
    config = job({"command": ["keep"], "args": ["old"]}, {"command": ["side"], "args": ["own"]})
    made = body(config, "python", "x.py", args=("new",), origins=origins)
    assert column(made, "command") == commands
    assert column(made, "args") == [["new"], ["own"]]


def test_without_an_entry_point_the_image_says_what_starts() -> None:
    (container,) = pod(body({}))["containers"]
    assert not {"command", "args"} & container.keys()


@pytest.mark.parametrize(
    ("text", "main", "many"),
    [
        (SEED_PYTORCH, "pytorch", 2),
        (VOLCANO, "master", 2),
        (JOBSET, "driver", 2),
        (LEADER, "leader", 2),
    ],
    ids=["PyTorchJob", "Volcano", "JobSet", "LeaderWorkerSet"],
)
def test_all_replicas_of_a_distributed_run_start_the_same(text: str, main: str, many: int) -> None:
    made = body(example(text), "python", "train.py", args=("--a",), env={"A": "1"})
    assert column(made, "command") == [["python", "train.py"]] * many
    assert column(made, "args") == [["--a"]] * many
    assert column(made, "env") == [[{"name": "A", "value": "1"}]] * many
    assert made["metadata"]["annotations"]["launchkit/main"] == main
    images = column(made, "image")
    assert images == ["${image_uri}" if text is SEED_PYTORCH else "img:1"] * many


def test_the_seeds_pytorchjob_is_sent_as_it_is_written_but_for_what_is_filled_in() -> None:
    config = example(SEED_PYTORCH.replace("${image_uri}", "img:2").replace("${run_id}", "r1"))
    made = body(config, "python", "train.py")
    assert made["metadata"]["name"] == "r1-pytorch-job"
    assert made["spec"]["ttlSecondsAfterFinished"] == 600
    replicas = made["spec"]["pytorchReplicaSpecs"]
    assert [*replicas] == ["Master", "Worker"]
    assert [one["restartPolicy"] for one in replicas.values()] == ["Never", "Never"]
    for one in replicas.values():
        assert one["template"]["metadata"]["labels"]["launchkit/run-id"] == "r1"
        (container,) = one["template"]["spec"]["containers"]
        assert (container["image"], container["imagePullPolicy"]) == ("img:2", "Always")


def test_the_launcher_of_an_mpijob_starts_the_program_and_its_workers_wait_for_it() -> None:
    made = body(example(MPI), "mpirun", "python", "train.py", args=("--a",), env={"A": "1"})
    worker, launcher = found(made).values()
    assert (launcher["command"], launcher["args"]) == (["mpirun", "python", "train.py"], ["--a"])
    assert not {"command", "args"} & worker.keys()
    assert worker["image"] == launcher["image"] == "img:1"
    assert worker["env"] == launcher["env"] == [{"name": "A", "value": "1"}]
    assert made["metadata"]["annotations"]["launchkit/main"] == "launcher"


@pytest.mark.parametrize(
    ("given", "origins", "line"),
    [
        (None, {}, "python 'my train.py' --a"),
        ("python own.py", {}, "python own.py --a"),
        ("python own.py", CHOSEN, "python 'my train.py' --a"),
    ],
)
def test_ray_starts_the_program_of_a_rayjob(
    given: str | None, origins: dict[str, str], line: str
) -> None:
    config = example(RAY)
    config["spec"]["entrypoint"] = given
    made = body(config, "python", "my train.py", args=("--a",), env={"A": "1"}, origins=origins)
    assert made["spec"]["entrypoint"] == line
    assert column(made, "command") == [None, None]
    assert column(made, "args") == [None, None]
    assert column(made, "image") == ["rayproject/ray:2.46.0", "img:1"]
    assert made["metadata"]["annotations"]["launchkit/main"] == "ray-head"


def test_a_rayjob_without_a_program_stays_as_the_queue_has_it() -> None:
    assert "entrypoint" not in body(example(RAY))["spec"]


def test_the_trainer_of_a_trainjob_gets_what_is_filled_in() -> None:
    config = example(TRAIN)
    made = body(config, "python", "train.py", args=("--a",), env={"B": "2"})
    assert made["spec"]["trainer"] == {
        "numNodes": 2,
        "image": "img:1",
        "command": ["python", "train.py"],
        "args": ["--a"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    }
    assert made["spec"]["podTemplateOverrides"] == config["spec"]["podTemplateOverrides"]
    assert made["spec"]["labels"]["launchkit/run-id"] == "r1"


def test_a_trainjob_needs_no_trainer_in_the_config() -> None:
    config = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob"}
    assert body(config, "python")["spec"]["trainer"]["command"] == ["python"]


def test_a_custom_resource_without_pods_is_sent_as_it_is() -> None:
    config = {"apiVersion": "x.io/v1", "kind": "A", "spec": {"image": "img:1", "list": [{}, 1]}}
    assert body(config, "python")["spec"] == config["spec"]


REFERENCE, STAYS = "$(TOKEN)", "$$(TOKEN)"


@pytest.mark.parametrize("text", [TRAIN, "{}"])
def test_no_variable_takes_the_place_of_what_a_launch_brings(text: str) -> None:
    made = body(example(text), "python", REFERENCE, args=(REFERENCE,), env={"B": REFERENCE})
    main = made["spec"]["trainer"] if text == TRAIN else pod(made)["containers"][0]
    assert main["command"] == ["python", STAYS]
    assert main["args"] == [STAYS]
    assert main["env"][-1] == {"name": "B", "value": STAYS}


@pytest.mark.parametrize("variables", [{"A": "${run_name}"}, [{"value": "${run_name}"}]])
def test_no_variable_takes_the_place_of_a_launchs_name_in_one_of_spark(variables: object) -> None:
    launch = make_launch(name=REFERENCE, resource_args={"spec": {"driver": {"envVars": variables}}})
    agent = AgentSide(policy=Policy(), environ={}, extra_env={})
    made = bind(launch, image=None, code=None, runner=KubernetesRunner, agent=agent)
    assert STAYS in str(made.submission.resource_args)


def test_variables_take_the_place_of_what_the_queues_owner_writes() -> None:
    given = {"command": [REFERENCE], "args": [REFERENCE], "env": [{"name": "A", "value": "$(B)"}]}
    made = pod(body(job(given), env={"B": "1"}))["containers"][0]
    assert (made["command"], made["args"]) == ([REFERENCE], [REFERENCE])
    assert made["env"][0] == {"name": "A", "value": "$(B)"}


def test_a_secret_is_no_text_that_anything_is_put_into() -> None:
    assert workload({}, env={"A": Secret(REFERENCE)}).secrets == {"A": REFERENCE}
