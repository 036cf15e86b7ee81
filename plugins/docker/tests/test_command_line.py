"""A launch of a Docker queue as the `docker run` command that people know."""

from collections.abc import Mapping
from typing import Any

import pytest
from launchkit_docker.options.command_line import command_line
from launchkit_docker.options.parsing import parse_options

from launchkit.errors import SubmitError
from launchkit.model import Secret, Submission
from launchkit.testing import make_launch, make_submission


def submission(*command: str, **fields: Any) -> Submission:
    """Runs the image `img` with *command*, which the launch says whole."""
    return make_submission(*command, name="run", image="img", **fields)


def words(args: Mapping[str, object], made: Submission | None = None) -> str:
    return " ".join(command_line(parse_options(args), made or submission()))


def test_the_seeds_example_gives_its_command() -> None:
    made = submission(env={"MY_ENV_VAR": "value", "MY_EXISTING_ENV_VAR": Secret("s3cret")})
    args = {
        "env": ["MY_ENV_VAR=value", "MY_EXISTING_ENV_VAR"],
        "volume": "/mnt/datasets:/mnt/datasets",
        "rm": True,
        "gpus": "all",
    }
    assert words(args, made) == (
        "docker run --rm --name run -e MY_ENV_VAR=value -e MY_EXISTING_ENV_VAR=… "
        "--volume /mnt/datasets:/mnt/datasets --gpus all img"
    )


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"volume": ["/a:/b", "/c:/d"]}, "--volume /a:/b --volume /c:/d"),
        ({"v": "/a:/b", "P": True}, "-v /a:/b -P"),
        ({"memory_swap": -1, "--init": "true"}, "--memory-swap -1 --init"),
        ({"cpu": 2, "net": "host"}, "--cpus 2 --network host"),
        ({"init": False, "user": None}, ""),
        ({"gpus": "device=0,1"}, '--gpus "device=0,1"'),
        ({"gpus": "count=2,driver=nvidia"}, "--gpus 2,driver=nvidia"),
        ({"gpus": "all,capabilities=compute,video"}, '--gpus all,"capabilities=compute,video"'),
    ],
)
def test_options_are_written_as_docker_takes_them(args: dict[str, object], expected: str) -> None:
    assert words(args) == " ".join(f"docker run --rm --name run {expected} img".split())


def test_rm_false_keeps_the_container() -> None:
    assert words({"rm": False}) == "docker run --name run img"


def test_a_name_is_made_the_only_one_of_its_kind() -> None:
    made = submission()
    expected = f"docker run --rm --name mine-{made.launch.run_id}-{made.launch.attempt} img"
    assert words({"name": "mine"}, made) == expected


def test_the_entry_point_of_the_launch_wins_over_the_option() -> None:
    args = {"entrypoint": "sh", "command": "-c true"}
    assert words(args, submission("python", "t.py")).endswith("--entrypoint python img t.py")


def test_a_longer_entry_point_of_the_options_goes_on_after_the_image() -> None:
    assert words({"entrypoint": ["sh", "-c"], "command": ["true it"]}).endswith(
        "--entrypoint sh img -c true it"
    )


def test_arguments_of_the_launch_replace_the_command_of_the_options() -> None:
    launch = make_launch(args=("--lr", "1"))
    made = submission("--lr", "1", launch=launch)
    assert words({"command": "--lr 2"}, made).endswith("img --lr 1")


def test_mounted_code_is_a_volume() -> None:
    made = command_line(parse_options({}), submission(), binds=["/code:/src:ro"])
    assert made[-3:] == ["--volume", "/code:/src:ro", "img"]


def test_without_an_image_there_is_no_command() -> None:
    with pytest.raises(SubmitError, match="a container needs an image"):
        command_line(parse_options({}), make_submission())
