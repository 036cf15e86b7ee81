"""What W&B makes of the config of a Docker queue, as cases."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from launchkit_docker.options.command_line import command_line
from launchkit_docker.options.parsing import parse_options

from launchkit.errors import LaunchError, Rejected
from launchkit.testing import make_launch, make_submission

FILE = Path(__file__).parent / "data" / "wandb_cases.yaml"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]
}
MATCHING = [case for case in CASES.values() if case["stance"] == "match"]


def argv(wanted: dict[str, Any]) -> list[str]:
    """The command, but for the container's name, which W&B leaves to Docker."""
    entry_point, args = tuple(wanted.get("entrypoint", ())), tuple(wanted.get("args", ()))
    launch = make_launch(entry_point=entry_point, args=args)
    submission = make_submission(*entry_point, *args, launch=launch, image=wanted["image"])
    words = command_line(parse_options(wanted["queue_config"]), submission)
    name = words.index("--name")
    return [*words[:name], *words[name + 2 :]]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in MATCHING])
def test_a_config_gives_the_command_that_wandb_makes_of_it(case: dict[str, Any]) -> None:
    if "error" in case["expected"]:
        with pytest.raises(LaunchError, match=case["expected"]["contains"]):
            argv(case["input"])
    else:
        assert argv(case["input"]) == case["expected"]["argv"]


def test_false_drops_an_option_where_wandb_writes_the_word() -> None:
    assert argv(CASES["docker-false-not-dropped"]["input"]) == [
        *("docker", "run", "--rm", "repo/img:1"),
    ]


def test_a_value_that_looks_like_an_option_is_never_one() -> None:
    config = CASES["docker-dash-value-is-consumed-as-value"]["input"]["queue_config"]
    with pytest.raises(Rejected, match=r"cpus: .* not '--privileged'"):
        parse_options(config)
    assert parse_options({"env": config["env"]}).body == {}


def test_each_case_that_launchkit_improves_on_says_how() -> None:
    assert all("note" in case for case in CASES.values() if case["stance"] == "improve")
