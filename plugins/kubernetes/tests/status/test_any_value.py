"""Whatever stands in an object, it means something."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from launchkit_kubernetes.status.custom import custom_status
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.pod import Pod, pod_status, starting_on

from launchkit.model import RunStatus
from launchkit.plain_text import LINES, MESSAGE_CHARACTERS

from .test_objects import EXAMPLES

SHORT = MESSAGE_CHARACTERS + 200
"""How long what is shown may be: a foreign text, and the words around it."""
WORDS = st.sampled_from(["", "True", "Failed", "Running", "Complete", "Never", "Always", "main"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text() | st.just("\ud800")
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)
SHOWN = [example.values[0] for example in EXAMPLES]


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a JSON value."""
    yield path
    pairs: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        pairs = iter(value.items())
    elif isinstance(value, list):
        pairs = iter(enumerate(value))
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def with_another(value: Any, path: tuple[str | int, ...], other: object) -> Any:
    """A copy of *value* in which *other* stands at a place."""
    if not path:
        return other
    copy = deepcopy(value)
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = other
    return copy


def all_meanings(obj: Any, others: list[Any]) -> list[RunStatus]:
    pods = [Pod.of(other) for other in others]
    assert starting_on(*pods) in {"place", "start"}
    assert isinstance(waits_for_quota(obj), str | None)
    return [
        pod_status(Pod.of(obj), main="main"),
        job_status(obj, pods, main="main"),
        custom_status(obj, pods, main="main"),
        *(pod_status(pod, main="main") for pod in pods),
    ]


def check(status: RunStatus) -> None:
    assert status.state.ended is (status.verdict is not None)
    assert len(status.message or "") <= SHORT
    if status.verdict is not None:
        assert len(status.verdict.summary) <= SHORT
        assert len(status.verdict.evidence) <= LINES
        texts = [status.verdict.summary, *status.verdict.evidence, status.message or ""]
        assert "\x1b" not in "".join(texts)
        "".join(texts).encode()


@given(JSON, st.lists(JSON, max_size=2))
@settings(max_examples=80)
def test_no_value_is_beyond_understanding(obj: object, others: list[object]) -> None:
    for status in all_meanings(obj, others):
        check(status)


@given(st.data())
@settings(max_examples=200)
def test_no_value_in_any_place_of_an_object_is_beyond_understanding(data: st.DataObject) -> None:
    example: Mapping[str, Any] = data.draw(st.sampled_from(SHOWN))
    shown = {key: example[key] for key in ("pod", "job", "custom", "pods") if key in example}
    where = data.draw(st.sampled_from([*places(shown)][1:]))
    shown = with_another(shown, where, data.draw(JSON))
    pods = shown.pop("pods", [])
    obj = next(iter(shown.values()))
    for status in all_meanings(obj, pods if isinstance(pods, list) else []):
        check(status)


def test_long_and_ugly_words_are_shown_in_short() -> None:
    ugly = "\x1b[31m" + "no such\r\nthing " * 100_000
    waits = {"name": "main", "state": {"waiting": {"reason": ugly, "message": ugly}}}
    pod = {"spec": {"nodeName": ugly}, "status": {"phase": ugly, "containerStatuses": [waits]}}
    message = pod_status(Pod.of(pod), main="main").message
    assert message
    assert len(message) <= SHORT
    assert message.isprintable()
