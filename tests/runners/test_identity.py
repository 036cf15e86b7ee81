"""Whose run it is, in the labels of each platform, and back."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.errors import SubmitError
from launchkit.runners.identity import AWS, DOCKER, GCP, KUBERNETES, LabelStyle, RunIdentity
from launchkit.testing import make_launch

STYLES: Mapping[str, LabelStyle] = {
    "docker": DOCKER,
    "kubernetes": KUBERNETES,
    "gcp": GCP,
    "aws": AWS,
}
KEYS = {
    "docker": r"[a-z.-]+",
    "kubernetes": r"[a-z0-9.-]{1,253}/[A-Za-z0-9][A-Za-z0-9_.-]{0,61}[A-Za-z0-9]",
    "gcp": r"[a-z][a-z0-9_-]{0,62}",
    "aws": r"(?!aws:)[A-Za-z0-9+=._:/@ -]{1,128}",
}
VALUES = {
    "docker": r"(?s).*",
    "kubernetes": r"(?=.{0,63}\Z)([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?",
    "gcp": r"[a-z0-9_-]{0,63}",
    "aws": r"(?![aA][wW][sS]:)[A-Za-z0-9+=._:/@-]{0,256}",
}
ids = st.text(min_size=1, max_size=9) | st.from_regex(r"[A-Za-z0-9-]{1,24}", fullmatch=True)
names = st.text(max_size=128) | st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True)
identities = st.builds(
    RunIdentity, run_id=ids, item_id=ids, attempt=st.integers(0, 10**6),
    entity=names, queue=names, agent=names,
)  # fmt: skip
styles = st.sampled_from([*STYLES])
keys = st.sampled_from([key for style in STYLES.values() for key in style.keys.values()])
OURS = RunIdentity(
    run_id="ab12cd34", item_id="0f1e2d", attempt=2, entity="ml", queue="night", agent="gpu-1"
)


@given(styles, identities)
def test_labels_are_what_the_platform_takes(name: str, identity: RunIdentity) -> None:
    for key, value in STYLES[name].labels(identity).items():
        assert re.fullmatch(KEYS[name], key)
        assert re.fullmatch(VALUES[name], value), value


@given(styles, identities)
def test_ids_and_attempt_come_back_exactly(name: str, identity: RunIdentity) -> None:
    style = STYLES[name]
    found = style.parse(style.labels(identity))
    assert found is not None
    exact = (found.run_id, found.item_id, found.attempt)
    assert exact == (identity.run_id, identity.item_id, identity.attempt)


@given(identities)
def test_docker_keeps_all_texts_as_they_are(identity: RunIdentity) -> None:
    assert DOCKER.parse(DOCKER.labels(identity)) == identity


@given(styles, names, names, st.booleans())
def test_two_texts_that_differ_have_two_values(
    name: str, one: str, other: str, again: bool
) -> None:
    style = STYLES[name]
    other = style.text(one) if again else other  # a text that looks like the value of another
    assert (style.text(one) == style.text(other)) == (one == other)


@given(styles, st.dictionaries(keys, st.text(max_size=70)))
def test_foreign_labels_are_no_error_and_no_identity(name: str, labels: dict[str, str]) -> None:
    style = STYLES[name]
    found = style.parse(labels)
    assert found is None or labels.keys() >= {*style.keys.values()}


@pytest.mark.parametrize(
    "change",
    [
        {"launchkit/run-id": None},
        {"launchkit/attempt": "two"},
        {"launchkit/attempt": "٢"},
        {"launchkit/attempt": "1" * 10},
        {"launchkit/item": "x--"},
        {"launchkit/item": "x--!!"},
        {"launchkit/item": "x--MFRGG"},
        {"launchkit/item": "a" * 64},
        {"launchkit/queue": "a" * 64},
    ],
)
def test_labels_that_are_not_ours_are_no_identity(change: dict[str, str | None]) -> None:
    labels = {**KUBERNETES.labels(OURS), **change}
    whole = {key: value for key, value in labels.items() if value is not None}
    assert KUBERNETES.parse(whole) is None


def test_the_labels_of_docker_are_those_of_earlier_versions() -> None:
    assert DOCKER.labels(OURS) == {
        "launchkit.run-id": "ab12cd34",
        "launchkit.item": "0f1e2d",
        "launchkit.attempt": "2",
        "launchkit.entity": "ml",
        "launchkit.queue": "night",
        "launchkit.agent": "gpu-1",
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("night", r"night"),
        ("Night Shift!", r"night-shift-[0-9a-f]{12}"),
        ("q" * 128, r"q{50}-[0-9a-f]{12}"),
        ("日本", r"x-[0-9a-f]{12}"),
    ],
)
def test_what_can_be_read_of_a_long_or_strange_text_stays_readable(text: str, wanted: str) -> None:
    assert re.fullmatch(wanted, GCP.text(text))


def test_an_id_that_no_label_holds_is_refused_instead_of_cut() -> None:
    launch = make_launch(run_id="R" * 60)
    with pytest.raises(SubmitError, match="too long for a label of 63"):
        GCP.labels(RunIdentity.of(launch, "gpu-1"))


@pytest.mark.parametrize("name", STYLES)
def test_the_runs_of_one_agent_or_of_all_can_be_selected(name: str) -> None:
    style = STYLES[name]
    labels = style.labels(OURS)
    for selector in (style.selector(), style.selector("gpu-1")):
        assert all(labels[key] == (value or labels[key]) for key, value in selector.items())
    assert any(labels[key] != (value or labels[key]) for key, value in style.selector("b").items())
