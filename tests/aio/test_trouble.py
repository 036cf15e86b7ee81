"""One voice for one trouble."""

import logging

import pytest

from launchkit.aio.trouble import MAX_CAUSES, MAX_TEXT, Trouble
from launchkit.testing import VirtualClock

LOG = logging.getLogger("launchkit.test")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", logger="launchkit.test")
    return caplog


def test_each_cause_is_told_once(lines: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(LOG, "the Engine")
    causes = [OSError("away"), OSError("away"), ValueError("away"), OSError("busy")]
    assert [trouble.tell(cause) for cause in causes] == [True, False, True, True]
    assert len(lines.records) == 3


def test_one_who_does_not_answer_is_told_of_in_words(lines: pytest.LogCaptureFixture) -> None:
    Trouble(LOG, "the Engine").tell(TimeoutError())
    assert lines.messages == ["the Engine: no answer in time; trying again"]


def test_its_end_is_told_with_how_long_it_lasted_and_how_many_tries_failed(
    lines: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    trouble = Trouble(LOG, "the Engine", clock=clock)
    trouble.tell(OSError("away"))
    clock.advance(12)
    trouble.tell(OSError("away"))
    trouble.over()
    trouble.over()
    assert lines.messages[1:] == ["the Engine works again after 12.0 s and 2 failed tries"]


def test_after_its_end_the_same_cause_is_news_again() -> None:
    trouble = Trouble(LOG, "the Engine")
    trouble.tell(OSError("away"))
    trouble.over()
    assert not trouble
    assert trouble.tell(OSError("away"))


def test_causes_without_end_are_neither_kept_nor_told(lines: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(LOG, "the Engine")
    for number in range(1000):
        trouble.tell(OSError(f"request {number} failed"))
    assert len(lines.records) == MAX_CAUSES


def test_a_long_text_is_cut(lines: pytest.LogCaptureFixture) -> None:
    Trouble(LOG, "the Engine").tell(OSError("x" * 10**6))
    assert len(lines.messages[0]) < MAX_TEXT + 50


def test_an_exception_without_a_text_is_told_by_its_type(lines: pytest.LogCaptureFixture) -> None:
    Trouble(LOG, "the Engine").tell(ConnectionResetError())
    assert lines.messages == ["the Engine: ConnectionResetError; trying again"]
