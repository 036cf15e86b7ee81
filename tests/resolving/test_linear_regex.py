"""Regular expressions of others: what `re` finds, in linear time."""

import re
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.resolving.linear_regex import MOST_CHARACTERS, LinearRegex, linear_regex

TEXTS = ["".join(chars) for size in range(6) for chars in product("ab-\n", repeat=size)]


@pytest.mark.parametrize(
    "source",
    [
        *(
            "",
            "a",
            "ab",
            "a|b",
            "a*",
            "a+",
            "a?",
            "(a|b)*",
            "(ab|a)(b|)",
            "a{2}",
            "a{1,3}",
            "a{2,}",
        ),
        *("[ab]", "[^a]", ".", "^a", "a$", r"\Aa\Z", r"\ba", r"a\b", r"\Ba", "(a*)*", "(a*)+b"),
        *(
            "(?:a+b?)*-",
            "(a|b|)+-",
            "a*?b",
            r"\w+-\w",
            r"\W",
            r"\s",
            r"[\w-]+",
            "()",
            "(|a)b",
            "^$",
        ),
        *("(a+)+b", "(a|a)*b", "(a{0,2}){2}", "[a-b]{2,3}$", "^(a|b)+(-(a|b)+)*$"),
    ],
)
def test_it_finds_what_re_finds(source: str) -> None:
    ours, theirs = LinearRegex(source), re.compile(source)
    for text in TEXTS:
        assert ours.search(text) == bool(theirs.search(text)), (source, text)
        assert ours.fullmatch(text) == bool(theirs.fullmatch(text)), (source, text)


PIECES = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", "^", "$", r"\b"])
SOURCES = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,2}", "{2}", "{1,}"])).map(
            "(?:{0[0]}){0[1]}".format
        ),
    ),
    max_leaves=6,
)


@given(SOURCES, st.text(alphabet="ab-\n", max_size=8))
def test_it_finds_what_re_finds_whatever_they_are(source: str, text: str) -> None:
    assert LinearRegex(source).search(text) == bool(re.search(source, text))
    assert LinearRegex(source).fullmatch(text) == bool(re.fullmatch(source, text))


MEMBERS = st.sampled_from(["a", "b", r"\-", r"\]", "b-d", "a-c", "0-9", "é", r"\w", r"\S", r"\d"])


@given(st.lists(MEMBERS, min_size=1), st.booleans(), st.characters())
def test_a_set_has_the_characters_that_it_has_for_re(
    members: list[str], negated: bool, other: str
) -> None:
    source = f"[{'^' if negated else ''}{''.join(members)}]"
    ours, theirs = LinearRegex(source), re.compile(source)
    for char in f"abcde-]09é `{other}":
        assert ours.fullmatch(char) == bool(theirs.fullmatch(char)), (source, char)


@pytest.mark.parametrize(
    "source", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*a){30}b", "a?" * 60 + "a" * 60]
)
def test_what_would_take_years_takes_no_time(source: str) -> None:
    assert not LinearRegex(source).fullmatch("a" * 50 + "c")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("(", "no regular expression"),
        ("[", "no regular expression"),
        ("a{1,99999999999999}", "no regular expression|steps"),
        ("((a{99}){99}){99}", "more than 2000 steps"),
        ("a" * (MOST_CHARACTERS + 1), "more than 1000 characters"),
        (r"(a)\1", "may not hold groupref"),
        ("(?=a)b", "may not hold assert"),
        ("(?<!a)b", "may not hold assert not"),
        ("(?>a)", "may not hold atomic group"),
        ("a*+", "may not hold possessive repeat"),
        ("(?i)a", "no flags"),
        ("(?i:a)", "no flags"),
    ],
)
def test_what_is_not_linear_is_refused(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        linear_regex(source)


@pytest.mark.parametrize("depth", [100, 150, 200, 240])
@pytest.mark.parametrize("opens", ["(", "(|", "(a|"])
def test_an_expression_that_is_nested_deep_is_read_or_refused(opens: str, depth: int) -> None:
    with suppress(ValueError):
        assert linear_regex(opens * depth + "a" + ")" * depth).search("a")
