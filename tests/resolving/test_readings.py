"""A text is read without the codes in it, and each letter is found where it stands."""

from itertools import pairwise

import pytest

from launchkit.resolving.readings import folded, readings


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"a\u0027b\x41\047\n", "a'bA'\n"),
        (r"\ud83d\ude00 \U0001f600 \u{1f600}", "😀 😀 😀"),
        (r"b'\xc3\xa9' and \303\251", "b'é' and é"),
        (r"\xe9t\xe9", "été"),
        ("%C3%A9 %41", "é A"),
        ("&lt;&amp;&#39;&#x1F600;&gt;", "<&'😀>"),
        ('"one\\\n   \\ two"', '"one two"'),
        (r"\e\E\N\_\/", "\x1b\x1b\x85\xa0/"),
        (r"\\u0041", r"\u0041"),
        (r"\\\\u0041", "A"),
        ("%2541", "A"),
        (r"\u0026amp;", "&"),
        ("%5cu0041", "A"),
        (r"\N{LATIN SMALL LETTER E WITH ACUTE}\N{no such} \N", "é\\N{no such} \x85"),
        ("a\\N{GRINNING\n  FACE}b\\N{GRINNING\r\n    FACE}", "a😀b😀"),
        ("a\\ b\\\n  c", "a b\n  c"),
        ('"one\\\r\n  two\\\r  three"', '"onetwothree"'),
        ("&lbrace;&commat;&NotEqualTilde;&none; &x;", "{@≂̸&none; &x;"),
        (r"\ud83d \xff \q \U00110000 &#1114112; %zz", None),
    ],
)
def test_what_codes_mean_is_read(text: str, read: str | None) -> None:
    found = [reading.text for reading in readings(text)]
    assert text in found
    assert read in found or read is None


@pytest.mark.parametrize(
    "text", [r"a\u0041b\\n%41&amp;c", r"\\u0041%2541 \xc3\xa9", "a\\\n  b\\u0041\\\n", "&amp;lt;x"]
)
def test_each_letter_is_found_where_it_stands(text: str) -> None:
    for reading in readings(text):
        places = [reading.place(at, at + 1) for at in range(len(reading.text))]
        assert all(start < end <= begin for (start, end), (begin, _) in pairwise(places))
        for letter, (start, end) in zip(reading.text, places, strict=True):
            assert text[start:end] == letter or text[start] in "\\%&"
        assert reading.place(0, len(reading.text))[1] >= len(text.rstrip("\\\n"))


def test_capitals_and_small_letters_are_read_alike() -> None:
    text = "aß\u1e9e\ufb03İ\u0131ŉΣς\u03c3\u212a"
    whole = next(iter(readings(text))).folded()
    assert whole.text == folded(text.upper()) == folded(text.lower()) == folded(text.swapcase())
    assert whole.text.startswith("assssffi")
    assert [whole.place(at, at + 1) for at in range(6)] == [
        *((0, 1), (1, 2), (1, 2), (2, 3), (2, 3), (3, 4))
    ]
    assert whole.place(5, len(whole.text)) == (3, len(text))
    assert whole.place(whole.text.index("\u03c3"), len(whole.text)) == (7, len(text))


def test_codes_without_end_are_read_in_few_ways() -> None:
    for text in (
        "%25" * 50_000,
        "\\" * 200_000,
        "&amp;" * 50_000,
        "\\u005c%26amp;" * 20_000,
        "\\N{A" * 9_999,
    ):
        assert sum(len(reading.text) for reading in readings(text)) <= 12 * len(text)
