"""A text that is cut before its secrets are masked is cut between words: a part of a secret would
not be known as one, and what beside a cut is masked would tell who writes there what is one.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchkit.errors import LaunchkitError, Rejected, hiding
from launchkit.model import QueueSpec
from launchkit.plain_text import (
    LINE_CHARACTERS,
    TAIL_BYTES,
    ending,
    last_bytes,
    shortened,
    tail_lines,
    without_first_word,
    without_last_word,
)
from launchkit.resolving.masking import Mask
from launchkit.resolving.resolve import telling_no_secrets_of

ROOT = Path(__file__).parents[1]
NO_AGENTS = ("store", "wire", "client", "cli", "testing", "launchkit_server")
"""What is not told by an agent, or of no launch."""
PLAIN = ("digest", "commit", "clean")
"""Names of what has no secrets, or of what becomes a name."""
WORDS = [f"w{number}ord" for number in range(100, 124)]
SECRET = "begin-" + "0123456789abcdef" * 20 + "-end"


def sources() -> Iterator[Path]:
    for root in (ROOT / "launchkit", *ROOT.glob("plugins/*/launchkit_*")):
        for path in root.rglob("*.py"):
            if not {*path.relative_to(ROOT).parts} & {*NO_AGENTS}:
                yield path


def cuts(path: Path) -> Iterator[str]:
    """Where a piece of a text becomes a part of another one."""
    for joined in ast.walk(ast.parse(path.read_text())):
        for field in joined.values if isinstance(joined, ast.JoinedStr) else ():
            if isinstance(field, ast.FormattedValue) and (
                is_cut(field.value) or is_precise(field.format_spec)
            ):
                yield f"{path.relative_to(ROOT)}:{field.lineno}: {ast.unparse(field.value)}"


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


def has_part(text: str) -> bool:
    """Whether a part of the secret is in a text, and not the whole of it."""
    rest = text.replace(SECRET, "")
    return any(SECRET[at : at + 4] in rest for at in range(len(SECRET) - 3))


def test_no_text_that_an_agent_tells_is_cut_without_a_mark() -> None:
    """`shortened` and `ending` set marks, and cut between words."""
    found = [cut for path in sources() for cut in cuts(path)]
    assert found == []


@pytest.mark.parametrize("characters", [40, 100, 300, 340, 400, 600])
def test_of_a_secret_where_a_text_was_cut_nothing_is_left_or_all(characters: int) -> None:
    rest = "and more " * 70
    for text in (f"no {SECRET}", f"{SECRET} is", f"{rest}{SECRET}", f"{SECRET} {rest}", SECRET):
        for before in range(9):
            shown = shortened("x" * before + " " + text, characters)
            assert not has_part(shown), shown
            assert len(shown) <= characters or "characters)" in shown


@pytest.mark.parametrize(
    "output",
    [
        f"{SECRET}\n" + "x\n" * (TAIL_BYTES // 2 - 20),
        SECRET + "x" * LINE_CHARACTERS,
        f"{SECRET}\rready",
        "é" * TAIL_BYTES + f"{SECRET}\nready",
    ],
    ids=["first of the tail", "long line", "written over", "one long word"],
)
def test_of_a_secret_at_the_edge_of_what_is_shown_of_an_output_nothing_is_left(output: str) -> None:
    told = "\n".join(tail_lines(output.encode()))
    assert told
    assert not has_part(told), told


def test_of_an_output_that_comes_in_pieces_the_same_is_left_as_of_the_whole() -> None:
    whole = f"{'x' * TAIL_BYTES}{SECRET} ready\n".encode()
    for size in (1000, 4096, TAIL_BYTES + 100):
        kept = b""
        for at in range(0, len(whole), size):
            kept = last_bytes(kept + whole[at : at + size])
        assert tail_lines(kept) == tail_lines(whole) == ("… ready",)


def test_the_end_of_an_output_begins_with_a_word() -> None:
    assert ending(b"one two three", 20) == b"one two three"
    assert ending(b"one two three", 7) == "… three".encode()
    assert ending(b"one two three", 5) == "… three".encode()
    assert ending(b"one two\nthree", 6) == "…\nthree".encode()
    assert ending("é".encode() * 30, 20) == "…".encode()


def test_a_word_at_an_edge_is_left_out_and_the_space_beside_it_stays() -> None:
    assert without_first_word("ne two") == " two"
    assert without_first_word(" two") == " two"
    assert without_last_word(b"one tw") == b"one "
    assert without_last_word("one\n") == "one\n"
    assert without_first_word("one") == without_last_word("one") == without_last_word("") == ""


@pytest.mark.parametrize("control", ["\v", "\f", "\r", "\x1c", "\x85", "\b"])
def test_of_a_word_with_control_characters_nothing_is_left_beside_a_cut(control: str) -> None:
    word = f"hun{control}t2r"
    rest = "x" * (TAIL_BYTES - len(f"t2r{control}ab ready".encode()))
    assert tail_lines(f"{word}{control}ab ready {rest}".encode())[-1].startswith("… ready")
    assert without_first_word(f"{word} two") == " two"
    assert without_last_word(f"one {word}") == "one "


def test_of_a_secret_of_short_words_none_is_left_where_a_text_is_cut_by_who_knows_it() -> None:
    secret = " ".join(WORDS)
    with hiding(Mask([secret])), hiding(Mask(["another"])):
        for characters in (60, 100, 160):
            assert shortened(f"x-{secret}!", characters) == "x-…!"
            cut = shortened(f"x-{secret}! " + "and more " * 70, characters)
            assert cut.startswith("x-…! and more ")
            assert len(cut) <= characters
        lines = tail_lines("\n".join(["it is", *WORDS, "ready another"]).encode())
        assert lines == ("it is", "…", "ready …")
    assert shortened(secret, 60).startswith(WORDS[0])


SHORT_WORDS = "blue cats eat fish now and go"


@pytest.mark.parametrize(
    ("characters", "between"),
    [(100, " and "), (4000, "\n"), (TAIL_BYTES, ", more of it that is no secret\n")],
)
def test_of_a_secret_of_short_words_none_is_left_however_short_a_text_becomes_without_it(
    characters: int, between: str
) -> None:
    with hiding(Mask([SHORT_WORDS])):
        for before in (0, 5, 9, 16, 23):
            text = f"first {'x' * before} {f'{SHORT_WORDS}{between}' * 900} last"
            told = shortened(text, characters)
            assert told.startswith("first ")
            assert told.endswith(" last")
            assert not [word for word in ("blue", "cats", "fish", "now") if word in told], told


def test_of_a_secret_of_short_words_none_is_left_at_the_edge_of_some_lines() -> None:
    with hiding(Mask([SHORT_WORDS])):
        for inside in (3, 10, 17, 26):
            text = f"{'y ' * TAIL_BYTES}{SHORT_WORDS}\n{'x' * (TAIL_BYTES - inside)}\nready"
            told = tail_lines(last_bytes(text.encode()))
            assert told[-1] == "ready"
            assert not [word for word in SHORT_WORDS.split() if word in f"{told[:-1]}"], told


def test_a_refusal_that_is_cut_has_no_word_of_a_secret_of_the_queue() -> None:
    config = {"env": {"API_TOKEN": " ".join(WORDS)}}
    queue = QueueSpec(name="q", resource="docker", config=config)
    with pytest.raises(Rejected) as refused, telling_no_secrets_of(queue):
        raise Rejected(f"must be short, not {shortened(config['env']['API_TOKEN'], 60)!r}")
    assert str(refused.value) == "must be short, not '…'"


@pytest.mark.parametrize(
    "secret", ["/path-of-it@x1y2", "u:pw@h1?sig=zz&a=x1y2", "a@b,https://x1y2@"]
)
@pytest.mark.parametrize("around", ["http://ann:pw@proxy,{}", "ftp://{}@h1", "https://{}&b=c"])
def test_a_login_in_an_error_takes_nothing_of_a_known_secret_from_the_mask(
    secret: str, around: str
) -> None:
    with hiding(Mask([secret])):
        error = LaunchkitError(f"no: {around.format(secret)}", hint=f"see {around.format(secret)}")
    for text in (str(error), error.hint or ""):
        assert "…" in text
        assert not [part for part in ("path", "x1y2", "pw", "zz") if part in text]
