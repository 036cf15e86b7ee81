"""What a launch spent its time on."""

import pytest
from launchkit_server.web.timeline import WIDTH, attempts, spans

from launchkit.model import Event, ItemState


def event(at: float, state: str, attempt: int = 1) -> Event:
    return Event(
        id=int(at),
        item_id="i",
        at=at,
        kind="state",
        actor="a",
        attempt=attempt,
        state=ItemState(state),
    )


def test_each_state_has_its_place_on_the_line() -> None:
    found = spans([event(0, "queued"), event(50, "running"), event(100, "finished")], now=999)
    assert [(one.word, one.left, one.width) for one in found] == [
        ("Waiting", 0, 500),
        ("Running", 500, 500),
    ]


def test_what_goes_on_has_no_end_yet() -> None:
    (waiting, running) = spans([event(0, "queued"), event(10, "running")], now=20)
    assert (waiting.end, running.end) == (10, None)
    assert running.left + running.width == WIDTH


@pytest.mark.parametrize("now", [0.0, -5.0])
def test_no_time_at_all_is_shown_too(now: float) -> None:
    (one,) = spans([event(0, "queued")], now=now)
    assert 0 <= one.left < one.left + one.width <= WIDTH


def test_tries_end_when_the_launch_goes_back_into_its_queue() -> None:
    found = attempts(
        [
            event(0, "queued"),
            event(1, "running"),
            event(2, "queued"),
            event(3, "running", attempt=2),
        ]
    )
    assert [(one.number, one.begin, one.end) for one in found] == [(2, 3, None), (1, 1, 2)]
