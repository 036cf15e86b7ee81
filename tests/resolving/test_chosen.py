"""What a layer of a request has chosen: what it makes another, and what it takes away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.codec import dotted
from launchkit.resolving.chosen import chosen
from launchkit.resolving.merge import deep_merge
from launchkit.resolving.nested import leaves


@pytest.mark.parametrize(
    ("below", "layer", "places"),
    [
        ({}, {"a": {"b": 1}}, {"a.b"}),
        ({"a": {"c": 1}}, {"a": {"b": 1}}, {"a.b"}),
        ({"a": {"c": 1}}, {"a": {}}, set()),
        ({"a": 1}, {"a": 1}, {"a"}),
        ({"a": {"b": 1, "c": [2]}}, {"a": None}, {"a", "a.b", "a.c[0]"}),
        ({"a": 1}, {"a": {"b": 1}}, {"a", "a.b"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a", "a[0]", "a[1]"}),
        ({"a": [1]}, {"a": [1, 2]}, {"a", "a[0]", "a[1]"}),
        ({"a": [{"b": 1}]}, {"a": []}, {"a", "a[0].b"}),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, {"a[0].c"}),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1, "c": 3}]}, {"a[0].c"}),
        ({"a": [{"b": 1}]}, {"a": [{"b": True}]}, {"a[0].b"}),
        ({"a": [{"b": [1, 2]}]}, {"a": [{"b": [1, 2]}]}, set()),
        ({"a": [{"b": [1, 2]}]}, {"a": [{"b": [2, 1]}]}, {"a[0].b[0]", "a[0].b[1]"}),
        ({"a": [{"b": "${S}"}]}, {"a": [{"b": "${S}"}]}, {"a[0].b"}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 1}]}, {"a", "a[1].b"}),
        ({"a": ["NAME"]}, {"a": ["NAME"]}, {"a[0]"}),
    ],
)
def test_what_a_layer_sets_and_takes_away_is_chosen(
    below: dict[str, Any], layer: dict[str, Any], places: set[str]
) -> None:
    assert {dotted(place) for place in chosen(below, layer)} == places


KEYS = st.sampled_from(["a", "b"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, 1, 2, "x", "${S}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=2), st.dictionaries(KEYS, VALUES, max_size=2))
def test_whatever_is_another_in_the_merged_request_is_chosen(
    below: dict[str, Any], layer: dict[str, Any]
) -> None:
    found = {*chosen(below, layer)}
    before, after = dict(leaves(below)), dict(leaves(deep_merge(below, layer)))
    gone_or_new = {place for place in before | after if place not in before or place not in after}
    changed = {place for place in before if place in after and before[place] != after[place]}
    empty = {place for place in gone_or_new if (before | after)[place] in ({}, [])}
    assert gone_or_new - empty - {()} | changed - {()} <= found
