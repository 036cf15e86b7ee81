"""What files of the code become is bounded: a few words may stand for very many."""

import tracemalloc

import pytest

from launchkit.errors import Rejected
from launchkit.images.base_images import MOST_CHARACTERS, base_images
from launchkit.images.dockerignore import parse_dockerignore

MOST_MEMORY = 50 * 1024**2
HALF = "x" * 500
FULL = "x" * 1024


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"ARG A={HALF}\n# a comment\nFROM \\\n  $A$A AS a\nFROM b", 3),
        (f"FROM a\n\nCOPY --from={HALF}{HALF} / /", 3),
        (f"FROM a\nRUN --mount=from={HALF}{HALF} true", 2),
    ],
)
def test_an_image_with_a_longer_name_than_any_is_refused_with_its_line(
    text: str, line: int
) -> None:
    with pytest.raises(Rejected, match=rf"^a/D:{line}: .* has 1000 characters, and 800 are"):
        base_images(text, place="a/D")


def test_names_of_images_that_are_very_long_together_are_refused_with_the_line() -> None:
    stages = "".join(f"FROM {number:03}$A\n" for number in range(700))
    last = MOST_CHARACTERS // 503 + 2
    with pytest.raises(Rejected, match=rf"^Dockerfile:{last}: .* more than {MOST_CHARACTERS} char"):
        base_images(f"ARG A={HALF}\n{stages}")


@pytest.mark.parametrize(
    "text",
    [
        f"ARG A={FULL}\nFROM " + "$A" * 510 + "\n",
        f"ARG A={FULL}\n" + f"FROM $B{'$A' * 500}\n" * 290,
        f"ARG A={FULL}\nARG " + f"B={'$A' * 500} " * 290,
        f"ARG A={FULL}\n" + "".join(f"ARG B{number}=$A$C\n" for number in range(17000)),
    ],
    ids=["a name", "names", "variables in a line", "variables"],
)
def test_no_variable_of_a_dockerfile_takes_much_memory(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Rejected):
            base_images(f"{text}\nFROM {FULL}")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY


def test_patterns_that_many_stars_multiply_are_refused_with_the_line() -> None:
    text = "".join("a**/" * 4 + f"{number:014}\n" for number in range(1990))
    with pytest.raises(Rejected, match=r"^a\.dockerignore:\d{3}: up to here .* too many wildcards"):
        parse_dockerignore(text, "a.dockerignore")
    assert parse_dockerignore(text[: len(text) // 10], "").lines
