"""Signs of life, on a clock that the test turns."""

import math

from launchkit.observe.watchdog import Watchdog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_part_that_does_not_move_is_not_alive() -> None:
    clock = Clock()
    dog = Watchdog(["q", "p"], 30, clock)
    clock.now = 91
    dog.move("heartbeat")
    dog.move("poller p")
    alive = dog.alive()
    assert {name for name, check in alive.items() if not check.ok} == {"poller q"}
    assert alive["poller q"].detail == "moved 91.0 s ago; the bound is 90 s"


def test_a_part_that_waits_for_a_slot_is_alive_however_long() -> None:
    clock = Clock()
    dog = Watchdog(["q"], 30, clock)
    with dog.resting("poller q"):
        clock.now = 10_000
        assert dog.alive()["poller q"].ok
    assert dog.age("poller q") == 0


def test_a_queue_that_has_not_answered_lately_is_not_ready() -> None:
    clock = Clock()
    dog = Watchdog(["q"], 30, clock)
    assert not dog.ready(draining=False)["backend"].ok
    dog.answer()
    assert dog.ready(draining=False)["backend"].ok
    clock.now = 91
    assert not dog.ready(draining=False)["backend"].ok
    assert not math.isnan(dog.age("heartbeat"))


def test_a_failure_counts_until_the_next_answer() -> None:
    dog = Watchdog(["q"], 30, Clock())
    dog.answer("disk full")
    assert dog.ready(draining=False)["backend"].detail == "disk full"
    dog.answer()
    assert dog.ready(draining=False)["backend"].ok


def test_the_age_of_the_last_news_of_each_watch_is_shown_and_is_no_reason_to_restart() -> None:
    dog = Watchdog([], 30, Clock())
    ages = {"jobs in ml": 12.34, "jobs in idle": None, "jobs in far": 99_999.0}
    for name, age in ages.items():
        dog.watches[name] = lambda age=age: age
    dog.watches["broken"] = lambda: 1 / 0
    alive = {name: check for name, check in dog.alive().items() if name.startswith("watch ")}
    assert alive["watch jobs in ml"].detail == "heard 12.3 s ago"
    assert "division by zero" in alive.pop("watch broken").detail
    assert alive.keys() == {"watch jobs in far", "watch jobs in ml"}
    assert all(check.ok for check in alive.values())
