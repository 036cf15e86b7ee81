"""What other programs print, as plain text of bounded length."""

import pytest

from launchkit.plain_text import LINE_CHARACTERS, LINES, TAIL_BYTES, shortened, tail_lines

MEGABYTE = 1_000_000


@pytest.mark.reported("N1")
@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (b"", ()),
        (b"one\n\n  \ntwo", ("one", "two")),
        (b"  indented\t\n", ("  indented",)),
        (b"10 %\r50 %\r\ndone", ("50 %", "done")),
        (b"abcdef ghi\rxy\n", ("xy… ghi",)),
        (b"abcdef\rxy\n", ("xy…",)),
        (b"100 of 100\r50%\x1b[K\rdone\x1b[K\nlonger\rshort\x1b[2K\n", ("done", "short")),
        (b"one\0\rtwo\0\r\n", ("two",)),
        (b"longer\rno\0w\n", ("now…",)),
        (b"".join(b"\rstep %d/2000" % step for step in range(2000)), ("step 1999/2000",)),
        (b"\x1b[31mred\x1b[0m\r\n\xff\x00end\n", ("red", "\ufffdend")),
        (b"\x1b[38;2;1;2;3m\x1b[?25lhidden\x1b[K", ("hidden",)),
        (b"\x1b]0;a title\x07text", ("text",)),
        (b"\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\ text", ("link text",)),
        (b"\x1bP1$r0m\x1b\\\x1b_an app's\x1b\\text\x1b(B", ("text",)),
        (b"\x1b]0;no end\nnext", ("next",)),
        (b"\x1b[31\nnext\x1b", ("next",)),
        ("naïve ☃\u009b\u2028".encode(), ("naïve ☃",)),
        (b"".join(b"%d\n" % number for number in range(50)), tuple(map(str, range(30, 50)))),
    ],
)
def test_the_last_lines_are_plain_text(output: bytes, lines: tuple[str, ...]) -> None:
    assert tail_lines(output) == lines


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (b"\x1b]" * (MEGABYTE // 2), ("…",)),
        (b"\x1b]0;" + b"x\x1b" * (MEGABYTE // 2), ("…",)),
        (b"\x1b[0" * (MEGABYTE // 3) + b"1", ("…",)),
        (b"\x1b" * MEGABYTE, ("…",)),
        (b"\x1b] \x1bP[\n" * (MEGABYTE // 7), ("…",)),
        (b"\0" * MEGABYTE, ("…",)),
        (b"\x80" * MEGABYTE, ("…",)),
        (b" " * MEGABYTE + b"x", ("… … x",)),
        (b"a\n" * (MEGABYTE // 2), ("a",) * LINES),
        (b"\r\n" * (MEGABYTE // 2) + b"end", ("…", "end")),
    ],
    ids=range(10),
)
def test_a_megabyte_that_means_no_good_is_no_more_work(
    output: bytes, lines: tuple[str, ...]
) -> None:
    assert tail_lines(output) == lines


@pytest.mark.parametrize("before", range(4))
def test_of_a_long_line_its_ends_are_kept_and_no_word_is_broken(before: int) -> None:
    (line,) = tail_lines(b"x" * before + "☃☃☃ ".encode() * MEGABYTE + b"end\n")
    assert line.startswith("… ☃☃☃ ")
    assert " … ☃☃☃ " in line
    assert line.endswith("☃ end")
    assert {*line.split()} == {"…", "☃☃☃", "end"}
    assert len(line) <= LINE_CHARACTERS
    assert "\ufffd" not in line


def test_what_is_short_enough_is_not_cut() -> None:
    lines = [f"{number:02} {'x' * 800}" for number in range(LINES)]
    text = "\n".join(lines)
    assert len(text) < TAIL_BYTES
    assert tail_lines(text.encode()) == tuple(lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("0123456789", "0123456789"),
        ("0123456789a", "… (11 characters)"),
        ("012 45678 a", "012 … a"),
        ("012 456789a", "012 … (11 characters)"),
        ("0123456 89a", "… 89a"),
    ],
)
def test_a_text_that_is_too_long_keeps_its_beginning_and_its_end(text: str, shown: str) -> None:
    assert shortened(text, 10) == shown
