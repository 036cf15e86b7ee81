"""The body with which the Engine creates a container."""

from typing import Any

import pytest
from launchkit_docker.containers.body import container_body, require_short
from launchkit_docker.options.parsing import parse_options

from launchkit.errors import SubmitError
from launchkit.model import Secret
from launchkit.testing import make_launch, make_submission


def body(args: dict[str, object], *command: str, **more: Any) -> dict[str, Any]:
    launch = more.pop("launch", None)
    made = make_submission(*command, image="img@sha256:1", launch=launch)
    return container_body(parse_options(args), made, **{"env": {}, "labels": {}, **more})


def test_the_first_word_of_an_entry_point_replaces_the_images() -> None:
    made = body({}, "python", "train.py", "--x")
    assert (made["Entrypoint"], made["Cmd"]) == (["python"], ["train.py", "--x"])


def test_arguments_alone_go_to_the_images_entry_point() -> None:
    made = body({}, "--lr", "1", launch=make_launch(args=("--lr", "1")))
    assert "Entrypoint" not in made
    assert made["Cmd"] == ["--lr", "1"]


def test_an_image_alone_runs_as_it_is() -> None:
    assert body({}) == {"Image": "img@sha256:1", "Env": [], "Labels": {}, "HostConfig": {}}


def test_variables_are_given_with_their_true_values() -> None:
    assert body({}, env={"A": "b", "TOKEN": Secret("s")})["Env"] == ["A=b", "TOKEN=s"]


def test_labels_of_the_agent_win_over_those_of_the_config() -> None:
    made = body({"label": ["mine=1", "theirs=x"]}, labels={"theirs": "r"})
    assert made["Labels"] == {"mine": "1", "theirs": "r"}


def test_binds_of_the_agent_stand_before_those_of_the_config() -> None:
    made = body({"volume": "/a:/b"}, binds=["/code:/src:ro"])
    assert made["HostConfig"]["Binds"] == ["/code:/src:ro", "/a:/b"]


@pytest.mark.reported("N3")
@pytest.mark.parametrize(
    "long", [{"Env": ["A=1", "LONG=" + "x" * 131_068]}, {"Cmd": ["é" * 65_536]}]
)
def test_what_no_program_could_be_given_is_refused(long: dict[str, list[str]]) -> None:
    with pytest.raises(SubmitError, match="may have 131072 bytes"):
        require_short({"Env": [], **long})
    require_short({"Env": ["LONG=" + "x" * 131_060], "Entrypoint": None})


def test_devices_given_to_the_run_stand_in_place_of_the_wish() -> None:
    made = body({"gpus": 2}, gpu_ids=["GPU-a", "GPU-b"])
    assert made["HostConfig"]["DeviceRequests"] == [
        {
            "Driver": "",
            "Count": 0,
            "DeviceIDs": ["GPU-a", "GPU-b"],
            "Capabilities": [["gpu"]],
            "Options": {},
        }
    ]


def test_a_wish_for_all_gpus_goes_to_the_engine_as_it_is() -> None:
    (request,) = body({"gpus": "all"})["HostConfig"]["DeviceRequests"]
    assert (request["Count"], request["DeviceIDs"]) == (-1, [])


def test_a_body_can_be_changed_without_changing_the_options() -> None:
    options = parse_options({"volume": "/a:/b", "label": "a=b"})
    for _ in range(2):
        made = container_body(
            options, make_submission(image="i"), env={}, labels={"x": "y"}, binds=["/c:/d"]
        )
        made["HostConfig"]["Binds"].clear()
    assert options.body == {"HostConfig": {"Binds": ["/a:/b"]}, "Labels": {"a": "b"}}
