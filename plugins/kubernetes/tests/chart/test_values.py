"""Each value of the chart does what it says."""

from collections.abc import Iterator

import pytest
import yaml

from .charts import FOLDER, at, at_path, need_helm, render
from .values import CASES, Case

pytestmark = pytest.mark.usefixtures("helm")


@pytest.fixture(scope="module")
def helm() -> None:
    need_helm()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
def test_a_value_is_seen_where_it_belongs(case: Case) -> None:
    rendered = render(case.more, at_path(case.path, case.value))
    found = at(rendered.one(case.kind, case.name), case.place)
    if isinstance(case.expected, dict):
        found = {key: value for key, value in found.items() if key in case.expected}
    assert (found, type(found)) == (case.expected, type(case.expected))


def leaves(values: object, path: str = "") -> Iterator[str]:
    """The paths of all values that have none below them."""
    if not isinstance(values, dict) or not values:
        yield path
        return
    for key, value in values.items():
        yield from leaves(value, f"{path}.{key}" if path else key)


def test_no_value_is_forgotten() -> None:
    given = [case.path for case in CASES]
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    whole = tuple(f"{path}." for path in given)
    assert [leaf for leaf in leaves(values) if not f"{leaf}.".startswith(whole)] == []
