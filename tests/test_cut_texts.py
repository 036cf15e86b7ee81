"""A text that is cut before its secrets are masked says where: a mask knows what is left of one
beside an ellipsis, and nowhere else.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchkit.plain_text import LINE_CHARACTERS, TAIL_BYTES, ending, shortened, tail_lines
from launchkit.resolving.masking import Mask

ROOT = Path(__file__).parents[1]
NO_AGENTS = ("store", "wire", "client", "cli", "testing", "launchkit_server")
"""What is not told by an agent, or of no launch."""
PLAIN = ("digest", "commit")
MARKS = ("…", "..")
SECRET = "begin-" + "0123456789abcdef" * 20 + "-end"


def sources() -> Iterator[Path]:
    for root in (ROOT / "launchkit", *ROOT.glob("plugins/*/launchkit_*")):
        for path in root.rglob("*.py"):
            if not {*path.relative_to(ROOT).parts} & {*NO_AGENTS}:
                yield path


def cuts(path: Path) -> Iterator[str]:
    """Where a piece of a text becomes a part of another one without a mark."""
    for joined in ast.walk(ast.parse(path.read_text())):
        for before, field, after in triples(
            joined.values if isinstance(joined, ast.JoinedStr) else []
        ):
            cut = is_cut(field.value) or is_precise(field.format_spec)
            if cut and not (before.rstrip().endswith(MARKS) or after.lstrip().startswith(MARKS)):
                yield f"{path.relative_to(ROOT)}:{field.lineno}: {ast.unparse(field.value)}"


def triples(parts: list[ast.expr]) -> Iterator[tuple[str, ast.FormattedValue, str]]:
    """Each field of an f-string between the texts around it."""
    texts = [str(one.value) if isinstance(one, ast.Constant) else "" for one in ("", *parts, "")]
    for number, part in enumerate(parts, start=1):
        if isinstance(part, ast.FormattedValue):
            yield texts[number - 1], part, texts[number + 1]


def is_cut(value: ast.expr) -> bool:
    """Whether it is the beginning or the end of a text, and of no digest."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.slice, ast.Slice):
        return False
    is_end = value.slice.lower is None or isinstance(value.slice.lower, ast.UnaryOp)
    return is_end and not any(word in ast.unparse(value.value) for word in PLAIN)


def is_precise(spec: ast.expr | None) -> bool:
    """Whether so many letters of a text are shown: `.100`, unlike `.1f`."""
    told = ast.unparse(spec)[2:-1] if spec is not None else ""
    return told.startswith(".") and told[1:].isdecimal()


def test_no_text_that_an_agent_tells_is_cut_without_a_mark() -> None:
    found = [cut for path in sources() for cut in cuts(path)]
    assert found == []


@pytest.mark.parametrize("characters", [40, 100, 300])
def test_of_a_secret_that_was_cut_nothing_is_left_where_it_is_marked(characters: int) -> None:
    for text in (f"no {SECRET}", f"{SECRET} is wrong", f"no {SECRET} is there"):
        told = Mask([SECRET])(shortened(text, characters))
        assert not any(SECRET[at : at + 8] in told for at in range(len(SECRET) - 8)), told


@pytest.mark.parametrize(
    "output",
    [
        f"{SECRET}\n" + "x\n" * (TAIL_BYTES // 2 - 20),
        SECRET + "x" * LINE_CHARACTERS,
        f"{SECRET}\rready",
    ],
    ids=["first of the tail", "long line", "written over"],
)
def test_of_a_secret_at_the_edge_of_what_is_shown_of_an_output_nothing_is_left(output: str) -> None:
    told = "\n".join(map(Mask([SECRET]), tail_lines(output.encode())))
    assert not any(SECRET[at : at + 8] in told for at in range(len(SECRET) - 8)), told


def test_the_end_of_an_output_that_was_cut_twice_is_marked_once() -> None:
    once = ending(b"a" * 30, 20)
    assert once == "…".encode() + b"a" * 20
    assert ending(once + b"bb", 20) == "…".encode() + b"a" * 18 + b"bb"
    assert ending("é".encode() * 3, 3) == "…é".encode()
