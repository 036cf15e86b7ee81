"""Signs of life, on a clock that the test turns."""

import math

from launchkit.observe import Watchdog


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
