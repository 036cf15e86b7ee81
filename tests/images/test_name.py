"""What may be the name of an image."""

from typing import Any

import pytest
from wandb_cases import cases

from launchkit.errors import Rejected
from launchkit.images.name import check_image_name

WHERE = "resource_args.builder.accelerator.base_image"
SHA = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize("case", cases("accel-image-"))
def test_base_images_are_accepted_as_wandb_accepts_them(case: dict[str, Any]) -> None:
    name = case["input"]["base_image"]
    if case["expected"]["accepted"]:
        assert check_image_name(name, WHERE) == name
    else:
        with pytest.raises(Rejected):
            check_image_name(name, WHERE)


@pytest.mark.parametrize(
    "name",
    [
        "ubuntu",
        "localhost:5000/a/b__c.d-e",
        "Registry.Example.com/team/image:V1.0_x-y",
        "[::1]:5000/image",
        f"ghcr.io/owner/image:tag@{SHA}",
        "a/" * 100 + "b",
    ],
)
def test_what_the_reference_grammar_allows_is_accepted(name: str) -> None:
    assert check_image_name(name, WHERE) == name


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("", "write it as"),
        ("ubuntu:22.04 # comment", "no spaces"),
        ("ubuntu\nRUN true", "no spaces"),
        ("ubuntu\n", "no spaces"),
        ("Ubuntu:22.04", "lower case"),
        ("ghcr.io/Owner/image", "lower case"),
        ("ubuntu@sha256:abc", "64 hex digits"),
        ("ubuntu:", "write it as"),
        ("a//b", "write it as"),
        ("-a", "write it as"),
        ("https://ghcr.io/a", "write it as"),
        ("a" * 256, "write it as"),
    ],
)
def test_anything_else_is_refused_with_advice_that_fits(name: str, advice: str) -> None:
    with pytest.raises(Rejected, match=WHERE) as caught:
        check_image_name(name, WHERE)
    assert advice in (caught.value.hint or "")
