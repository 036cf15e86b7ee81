"""The judge of chaos finds each kind of breach, and nothing where all has held."""

from dataclasses import replace

import pytest

from chaos.judge import Mark, Seen, breaches, marks
from launchkit.model import ItemState

GOOD = Seen(
    run_id="r",
    state=ItemState.FINISHED,
    exit_code=0,
    ends=1,
    log="all",
    code=0,
    stopped=False,
)
ONCE = [Mark("start", "r"), Mark("end", "r")]


def found(seen: Seen, noted: list[Mark], limit: int = 1) -> list[str]:
    return [*breaches([seen], noted, whole="all", limit=limit)]


def test_nothing_is_found_where_all_has_held() -> None:
    assert found(GOOD, ONCE) == []
    assert found(replace(GOOD, state=ItemState.STOPPED, stopped=True, log=""), []) == []
    assert found(replace(GOOD, log="a"), [*ONCE, Mark("hole", "r")]) == []
    assert found(replace(GOOD, state=ItemState.FAILED, refused=True), []) == []


@pytest.mark.parametrize(
    ("seen", "noted", "says"),
    [
        (replace(GOOD, state=ItemState.RUNNING), ONCE, "has not ended"),
        (replace(GOOD, ends=2), ONCE, "told 2 times"),
        (GOOD, ONCE * 2, "started 2 times"),
        (GOOD, [], "started 0 times"),
        (GOOD, ONCE[:1], "ended 0 times"),
        (replace(GOOD, state=ItemState.STOPPED), ONCE, "stopped by nobody"),
        (replace(GOOD, exit_code=1), ONCE, "its program with 0"),
        (replace(GOOD, log="al"), ONCE, "2 letters"),
    ],
)
def test_each_breach_is_a_sentence(seen: Seen, noted: list[Mark], says: str) -> None:
    assert any(says in breach for breach in found(seen, noted))


def test_more_than_are_allowed_at_once_are_counted() -> None:
    noted = marks("start r\nstart s\nend r\nend s\n")
    assert "2 were alive at once, and 1 are allowed" in found(GOOD, noted)
    assert found(GOOD, noted, limit=2) == []
