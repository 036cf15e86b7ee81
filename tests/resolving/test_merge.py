import pytest

from launchkit.resolving.merge import deep_merge


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({}, {"a": {"x": (1, 2)}}, {"a": {"x": [1, 2]}}),
    ],
)
def test_mappings_merge_and_everything_else_replaces(
    base: dict[str, object], over: dict[str, object], merged: dict[str, object]
) -> None:
    assert deep_merge(base, over) == merged


def test_the_inputs_stay_as_they_are_and_share_nothing_with_the_result() -> None:
    base: dict[str, object] = {"a": {"x": [1]}}
    over: dict[str, object] = {"b": {"y": [2]}}
    merged = deep_merge(base, over)
    merged["a"]["x"].append(9)  # type: ignore[index] # plain data in a test
    merged["b"]["y"].append(9)  # type: ignore[index] # plain data in a test
    assert base == {"a": {"x": [1]}}
    assert over == {"b": {"y": [2]}}
