"""Deadlines of what a suite asks a plugin for: one that hangs fails its test, with a sentence."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
import pytest

TRIES = 2
"""How often a test is failed in the midst of what it does."""
TRY_SECONDS = 5.0
PROMISED = "promised is: "
"""How the note of an error begins that says which promise it broke."""


@contextmanager
def within(seconds: float, promise: str) -> Iterator[None]:
    """Fail the test unless what is done inside is over after *seconds*. *promise* is a sentence
    without its full stop that says what the plugin should have done; an error bears it as a note.
    """
    try:
        with anyio.move_on_after(seconds) as scope:
            yield
    except Exception as exc:
        if not isinstance(exc, AssertionError):  # it says itself what was promised
            exc.add_note(f"{PROMISED}{promise}")
        raise
    if scope.cancelled_caught:
        pytest.fail(f"{promise}; after {seconds:g} seconds it has not", pytrace=False)


def set_last_deadline(seconds: float, config: pytest.Config) -> None:
    """Fail the test in the midst of what it does after *seconds*: against what blocks the event
    loop or swallows its cancellation, which `within` cannot end. What goes on nevertheless, also
    when the fixtures are taken down, ends the whole test run.
    """
    config.pluginmanager.register(_Alarm(seconds, config))


class _Alarm:
    """Rings until the test and all that it used is taken down."""

    def __init__(self, seconds: float, config: pytest.Config) -> None:
        self._config = config
        self._sentence = (
            "what a plugin is asked for can be cancelled and does not block the event loop;"
            f" after {seconds:g} seconds it still holds it up"
        )
        self._tries = 0
        self._before = signal.signal(signal.SIGALRM, self._fail)
        self._rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds, TRY_SECONDS)

    def pytest_runtest_logfinish(self) -> None:
        """The test is over."""
        signal.setitimer(signal.ITIMER_REAL, self._rest)
        signal.signal(signal.SIGALRM, self._before)
        self._config.pluginmanager.unregister(self)

    def _fail(self, number: int, frame: FrameType | None) -> None:
        self._tries += 1
        if self._tries > TRIES:
            _end_all(self._config, self._sentence)
        pytest.fail(self._sentence)


def _end_all(config: pytest.Config, sentence: str) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.suspend_global_capture(in_=True)
    os.write(2, f"\n{os.environ.get('PYTEST_CURRENT_TEST', 'a test')}: {sentence}\n".encode())
    os._exit(1)
