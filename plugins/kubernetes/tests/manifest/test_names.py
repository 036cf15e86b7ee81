"""Names are valid and distinct, whatever a run is called."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from launchkit_kubernetes.manifest.args import check_args, parse_args
from launchkit_kubernetes.manifest.build import env_secret, ref_of
from launchkit_kubernetes.manifest.names import LONGEST, Ref, workload_name

from launchkit.errors import Rejected, RunLost
from launchkit.testing import make_launch, make_submission

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1035, as https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ has it."""


def name(metadata: dict[str, Any], *, is_job: bool = True, **fields: Any) -> str:
    launch = make_launch(**{"run_id": "r1", **fields})
    return workload_name(metadata, make_submission(launch=launch), is_job=is_job)


@given(st.text(min_size=1), st.integers(1, 10**9), st.booleans(), st.sampled_from(["", "name"]))
def test_each_name_is_a_label(text: str, attempt: int, is_job: bool, key: str) -> None:
    metadata = {key: text} if key else {}
    made = name(metadata, is_job=is_job, run_id=text, attempt=attempt)
    assert (LABEL if is_job else SERVICE).fullmatch(made)
    assert made == name(metadata, is_job=is_job, run_id=text, attempt=attempt)


@given(st.text(), st.text(min_size=1, max_size=99), st.integers(1, 999))
def test_so_is_one_that_begins_as_the_queue_wants(prefix: str, run_id: str, attempt: int) -> None:
    made = name({"generateName": prefix}, run_id=run_id, attempt=attempt)
    assert LABEL.fullmatch(made)
    assert len(made) <= LONGEST


@given(st.lists(st.text(min_size=1), min_size=2, max_size=9, unique=True))
def test_different_runs_have_different_names(run_ids: list[str]) -> None:
    assert len({name({}, run_id=run_id) for run_id in run_ids}) == len(run_ids)
    made = {name({"name": f"{run_id}-train"}, is_job=False) for run_id in run_ids}
    assert len(made) == len(run_ids)


@given(st.text(min_size=1), st.sampled_from([{}, {"name": "train"}, {"generateName": "a-"}]))
def test_different_attempts_have_different_names(run_id: str, metadata: dict[str, str]) -> None:
    made = {name(metadata, run_id=run_id, attempt=attempt) for attempt in range(1, 9)}
    assert len(made) == 8


@given(st.text(min_size=1))
def test_what_operators_append_still_fits(run_id: str) -> None:
    made = name({}, run_id=run_id, is_job=False)
    assert LABEL.fullmatch(f"{made}-workers-123-45-x7k2p")
    assert SERVICE.fullmatch(f"{made}-worker-1234")


def test_a_name_of_the_queue_stays_and_later_attempts_are_told_apart() -> None:
    assert name({"name": "train"}) == "train"
    assert name({"name": "train"}, attempt=2) == "train-2"
    assert name({"name": "t" * 63}) == "t" * 63
    long = name({"name": "t" * 63}, attempt=2)
    assert long.startswith("ttt")
    assert len(long) == LONGEST


@pytest.mark.parametrize(
    ("given", "of_job", "of_other"),
    [
        ("8abc-train", "8abc-train", "run-8abc-train"),
        ("My Run-train", "my-run-train-", "my-run-train-"),
        ("8 Runs", "8-runs-", "run-8-runs-"),
        ("訓練", "run-", "run-"),
    ],
)
def test_what_a_macro_made_of_a_name_is_changed_to_one(
    given: str, of_job: str, of_other: str
) -> None:
    """The services that operators name after an object must not begin with a digit."""
    assert name({"name": given}).startswith(of_job)
    assert name({"name": given}, is_job=False).startswith(of_other)


def test_a_ref_is_read_back_as_it_was() -> None:
    args = parse_args({"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "namespace": "ml"})
    ref = ref_of(args, make_submission(launch=make_launch(run_id="r1")), "default")
    assert str(ref) == "kubeflow.org/v1/PyTorchJob/ml/launchkit-r1-1"
    assert Ref.parse(str(ref)) == ref
    assert Ref.parse("v1/Pod/a/b") == Ref("v1", "Pod", "a", "b")


@pytest.mark.parametrize(
    "text", ["", "a", "a/b/c", "a/b/c/d/e/f", "v1/Pod/a/", "v1/Pod/a b/c", "a/" * 999, "v1/P/é/a"]
)
def test_what_is_no_ref_is_no_path(text: str) -> None:
    with pytest.raises(RunLost, match="is not the name of a run in a cluster"):
        Ref.parse(text)


@pytest.mark.parametrize("word", ["..", "."])
def test_no_part_of_a_ref_leads_up(word: str) -> None:
    for text in (f"{word}/Pod/a/b", f"v1/{word}/a/b", f"v1/Pod/{word}/b", f"v1/Pod/a/{word}"):
        with pytest.raises(RunLost):
            Ref.parse(text)


def test_secrets_are_named_after_their_object() -> None:
    assert env_secret("launchkit-r1-1") == "launchkit-r1-1-env"


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("name", "launchkit-r2-1"),
        ("name", "launchkit-r2-1-env"),
        ("name", "launchkit-build-ab"),
        ("generateName", "launchkit-agent-"),
    ],
)
def test_no_config_gives_an_object_a_name_that_another_run_has(key: str, given: str) -> None:
    wanted = rf"^resource_args\.metadata\.{key}: .* as launchkit's own"
    with pytest.raises(Rejected, match=wanted):
        check_args({"metadata": {key: given}})
    for attempt in (1, 2):
        made = make_submission(launch=make_launch(run_id="r1", attempt=attempt))
        with pytest.raises(Rejected, match=wanted):
            ref_of(parse_args({"metadata": {key: given}}), made, "default")


@pytest.mark.parametrize("is_job", [True, False])
@pytest.mark.parametrize("key", ["name", "generateName"])
@pytest.mark.parametrize("filled", ["Launchkit-r2", "-launchkit-r2", "launchkit_r2", "launchkit-"])
def test_nothing_that_is_filled_in_becomes_a_name_that_another_run_has(
    filled: str, key: str, is_job: bool
) -> None:
    kind = {} if is_job else {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob"}
    made = make_submission(launch=make_launch(run_id="r1"))
    with pytest.raises(Rejected, match=rf"^resource_args\.metadata\.{key}: .* as launchkit's own"):
        ref_of(parse_args({"metadata": {key: filled}, **kind}), made, "default")


def test_no_later_attempt_has_a_name_that_the_first_could_not_have() -> None:
    with pytest.raises(Rejected, match=r"^resource_args\.metadata\.name: "):
        check_args({"metadata": {"name": "launchkit"}})
