"""Long work in threads, which nothing ends from outside."""

from contextlib import suppress

from anyio.from_thread import check_cancelled


def go_on() -> None:
    """Ends the work of this thread if who waits for it was cancelled; to be asked between its
    steps. Outside of a thread of anyio's, where nobody waits, it does nothing.

    :raises BaseException: the cancellation, to be let through.
    """
    with suppress(RuntimeError):
        check_cancelled()
