"""How a launch that was waited for ended: told on stderr, and as the exit code."""

from collections.abc import Iterator

from launchkit.cli.door import Line, Styled
from launchkit.cli.failures import DONE, LAUNCH_FAILED
from launchkit.cli.options import say_line, say_next
from launchkit.cli.present import Data, ended_data
from launchkit.model import ItemState, QueueItem
from launchkit.shell_words import shell_argument

LARGEST = 255


def tell_end(item: QueueItem) -> None:
    """Say why a launch that has ended did not end well, and where more is to be seen."""
    data = ended_data(item)
    if item.state is ItemState.FINISHED or not data["verdict"]:
        return
    for line in verdict_lines(data["verdict"]):
        say_line(line)
    say_next(*(f"{word} {shell_argument(item.id)}" for word in ("show", "logs")))


def exit_code_of(item: QueueItem, whose: str) -> int:
    """The exit code for a launch that was waited for: launchkit's, or with *whose* `job` that of
    what ran, if it had one.
    """
    if item.state is ItemState.FINISHED:
        return DONE
    if whose == "job" and item.exit_code and 0 < item.exit_code <= LARGEST:
        return item.exit_code
    return LAUNCH_FAILED


def verdict_lines(verdict: Data) -> Iterator[Line]:
    """A verdict with its evidence and what to do next."""
    yield (Styled(verdict["code"], bold=True), f"  {verdict['summary']}")
    for text in verdict["evidence"]:
        for line in text.split("\n"):
            yield f"  | {line}"
    if verdict["hint"]:
        yield f"  hint: {verdict['hint']}"
