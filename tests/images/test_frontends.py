"""Which frontends a Dockerfile may have BuildKit run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from launchkit.errors import Rejected
from launchkit.images.build_plan import Reading, plan_build
from launchkit.images.frontends import check_frontends
from launchkit.testing.makers import make_launch

SHA = f"sha256:{'0' * 64}"
OWNERS = ("registry.example/fe", "alice/fe")


@pytest.mark.parametrize(
    "text",
    [
        "FROM a",
        "",
        "# syntax=docker/dockerfile:1\nFROM a",
        "#syntax = docker/dockerfile",
        "\ufeff# SYNTAX=docker.io/docker/dockerfile:1.7-labs\r\nFROM a\r\n",
        "# syntax=index.docker.io/docker/dockerfile-upstream:master",
        "#!/usr/bin/env build\n# syntax=docker/dockerfile:1",
        "# escape=`\n# syntax=registry.example/fe:2\nFROM a",
        "# syntax=alice/fe",
        "# a comment\n# syntax=evil/fe",
        "\n# syntax=evil/fe",
        "FROM a\n# syntax=evil/fe",
        "# syntax evil/fe\n# syntax=evil/fe",
        "ARG BUILDKIT_SYNTAX=evil/fe\nFROM a",
    ],
)
def test_dockers_own_frontends_those_of_the_owner_and_what_is_no_directive_are_let_in(
    text: str,
) -> None:
    check_frontends(text, "D", OWNERS)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# syntax=evil/fe:1\nFROM a", 1),
        ("\ufeff#\t SynTax\t=  evil/fe \r\nFROM a", 1),
        ("#\u00a0syntax=evil/fe", 1),
        ("// syntax=evil/fe", 1),
        ("#!/bin/x\n# syntax=evil/fe", 2),
        ("#!/bin/x\n//syntax=evil/fe", 2),
        ("# escape=`\n# other=x\n# syntax=evil/fe", 3),
        ("# other= \n# syntax=evil/fe", 2),
        ("# syntax=docker/dockerfile:1\n# syntax=evil/fe", 2),
        ("# syntax=evil/fe", 1),
        ("# syntax=docker/dockerfile.evil", 1),
        ("# syntax=docker/dockerfile/fe", 1),
        ("# syntax=dockerfile", 1),
        ("# syntax=evil.io/docker/dockerfile", 1),
        ("# syntax=docker.io:5000/docker/dockerfile", 1),
        ("# syntax=registry.example/fe/more", 1),
        ("# syntax=registry.example:5000/fe", 1),
        (f"# syntax=docker/dockerfile@{SHA}", 1),
        (f"# syntax=docker/dockerfile:1@{SHA}", 1),
        ("# syntax=docker/dockerfile:1 --cache-from=evil", 1),
        ("# syntax=docker/dockerfile:1\tx", 1),
        ("# syntax=https://docker.io/docker/dockerfile", 1),
        ("# syntax=Docker/dockerfile", 1),
        ("# syntax=\ud800", 1),
        ('{"syntax": "docker/dockerfile"}', 1),
        ('\ufeff#!x\n\n {"a": 1, "syntax": "evil/fe"}', 2),
    ],
)
def test_any_other_frontend_is_refused_with_its_line_and_advice(text: str, line: int) -> None:
    with pytest.raises(Rejected, match=f"^a/D:{line}: .*syntax") as caught:
        check_frontends(text, "a/D", OWNERS)
    assert "# syntax=docker/dockerfile:1;" in (caught.value.hint or "")


def test_a_frontend_with_a_very_long_name_is_refused_in_few_words() -> None:
    for text in (f"# syntax={'x' * 1_000_000}", f"# syntax=a:b@{'x/' * 500_000}"):
        with pytest.raises(Rejected) as caught:
            check_frontends(text, "D", ())
        assert len(caught.value.message) < 500


@pytest.mark.parametrize("piece", ["# a=b\n", "#\t", "# a\t", "#!", "# a=\t", "\n", "// x=\n"])
def test_directives_are_looked_for_in_linear_time(piece: str) -> None:
    """By steps that grow with the square of the length it would last for minutes."""
    check_frontends(piece * 150_000, "D", ())


def test_a_frontend_is_refused_when_a_build_is_planned_by_a_builder_that_runs_it(
    tree: Callable[..., Path],
) -> None:
    code = tree(D="# syntax=evil/fe\nFROM a\n")
    launch = make_launch(dockerfile="D")
    with pytest.raises(Rejected, match=r"^D:1: `syntax=evil/fe`"):
        plan_build(launch, code, Reading(frontends=()))
    assert plan_build(launch, code, Reading(frontends=["evil/fe"])).base_images == ("a",)
    assert plan_build(launch, code).base_images == ("a",)
