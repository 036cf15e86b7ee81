"""What is drawn over time."""

from launchkit_server.web.charts import BUCKETS, Window, history, percentile, points

from launchkit.store.waits import Wait

WINDOW = Window(now=4800.0, seconds=4800.0)
"""Pieces of a hundred seconds."""


def test_depth_is_how_many_did_not_run_at_the_end_of_each_piece() -> None:
    told = history(
        [
            Wait(1, -50.0, 250.0, started=True),
            Wait(1, 150.0, 260.0, started=False),
            Wait(1, 4790.0, None, started=False),
        ],
        WINDOW,
    )
    assert told.depth == [1, 2, 0, *[0] * (BUCKETS - 4), 1]


def test_waits_are_told_where_they_ended_with_a_start() -> None:
    told = history(
        [
            Wait(1, 0.0, 10.0, started=True),
            Wait(1, 0.0, 99.0, started=True),
            Wait(1, 0.0, 5.0, started=False),
            Wait(1, 4000.0, 4801.0, started=True),
        ],
        WINDOW,
    )
    assert (told.medians[0], told.slows[0], told.medians[1]) == (10.0, 99.0, None)
    assert told.medians[-1] == 801.0, "one that started after the clock was read is in the last"
    assert (told.median, told.slow) == (99.0, 801.0)


def test_nothing_that_waited_is_a_line_on_the_ground() -> None:
    told = history([], WINDOW)
    assert (told.median, told.slow, {*told.depth}) == (None, None, {0})
    assert points([0, 0], 10, 10) == "0.0,9.0 10.0,9.0"


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([*map(float, range(1, 101))], 95) == 95.0
    assert percentile([7.0], 1) == 7.0
