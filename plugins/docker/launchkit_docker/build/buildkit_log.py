"""What BuildKit says while it builds: shown as `docker build --progress=plain` does, in short."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchkit.errors import BuildError
from launchkit.plain_text import last_bytes, shortened
from launchkit_docker.build.log import COLOURS, Begun, build_error
from launchkit_docker.build.trace import Printed, Step, read_trace
from launchkit_docker.engine.messages import failure_in

TRACE = "moby.buildkit.trace"
BOOKKEEPING = ("[internal] ", "copy /context /")
LINE_BYTES = 1 << 16
"""A longer line is shown in pieces."""
MOST_FOLLOWED = 1000
"""Steps that are shown: a frontend that a Dockerfile names may make any number of them."""
LONGEST_KEY = 128
"""Of what BuildKit calls a step by itself, which is a digest."""
LONGEST_ERROR = 2000
LONGEST_REASON = 1 << 14
"""So much is looked at of why a build failed for the errors of its steps, each of which is looked
for."""
EXIT_CODE = re.compile(r"exit code: \d+$")
NO_LOGIN = re.compile(
    r"no active session|failed to authorize|authorization failed|pull access denied"
    r"|no basic auth credentials|401 unauthorized",
    re.IGNORECASE,
)
NO_LOGIN_HINT = (
    "BuildKit fetches what `# syntax=` and `--from=` name without a login: pull that image by hand"
    " on this machine, or set `buildkit: false` for the builder"
)


@dataclass
class _Shown:
    """What has been shown of a step."""

    number: int = 0
    name: str = ""
    begun: bool = False
    ended: bool = False
    resting: bool = False
    """It has ended well and not begun again, as a source does that was only looked up first."""
    rest: bytes = b""
    """A line that has not ended."""
    printed: bytes = b""
    """The last of it, as long as the step may fail."""
    error: str = ""
    """Its beginning."""


class BuildKitLog:
    """Follows the messages of one build."""

    def __init__(self) -> None:
        self.begun = Begun()
        self._shown: dict[str, _Shown] = {}
        self._numbered = 0

    def take(self, message: Mapping[str, Any]) -> bytes:
        """What to show of a message; nothing of one that says nothing new, or is not understood.

        :raises BuildError: if the message is that the build failed.
        """
        if reason := failure_in(message):
            raise self.failure(reason)
        if message.get("id") != TRACE:
            return str(message.get("stream", "")).encode(errors="replace")
        try:
            news = [*read_trace(b64decode(str(message.get("aux"))))]
        except ValueError:
            return b""
        return "".join(f"{line}\n" for each in news for line in self._lines(each)).encode()

    def failure(self, reason: str) -> BuildError:
        """The error for a build that failed: *reason*, the step and the last lines it printed."""
        failed = [step for step in self._shown.values() if step.error]
        # those that run beside the one that fails are called off, and fail too
        told = reason[:LONGEST_REASON]
        step = next((each for each in failed if each.error in told), None)
        if step is None:
            return build_error(
                None, reason, b"", NO_LOGIN_HINT if NO_LOGIN.search(reason) else None
            )
        code = EXIT_CODE.search(reason)
        hint = NO_LOGIN_HINT if not code and NO_LOGIN.search(reason) else None
        return build_error(step.name, code[0] if code else reason, step.printed, hint)

    def _lines(self, news: Step | Printed) -> Iterator[str]:
        if len(news.key) > LONGEST_KEY:
            return
        if news.key not in self._shown and len(self._shown) >= MOST_FOLLOWED:
            return
        shown = self._shown.setdefault(news.key, _Shown())
        if isinstance(news, Printed):
            yield from self._output(shown, news.data)
            return
        shown.name = shortened(news.name) or shown.name
        shown.resting = bool(news.completed and not news.error)
        if news.started and not shown.begun:
            yield from self._begin(shown)
        if shown.resting:
            yield from self._end(shown, news)
        if news.error and not shown.error:
            shown.error = news.error[:LONGEST_ERROR]
            yield from self._output(shown, b"\n")
            yield f"#{self._number(shown)} ERROR {shortened(news.error)}"

    def _begin(self, shown: _Shown) -> Iterator[str]:
        shown.begun = True
        if not shown.name.startswith(BOOKKEEPING):
            self.begun.add(shown.name)
            yield f"#{self._number(shown)} {shown.name}"

    def _end(self, shown: _Shown, step: Step) -> Iterator[str]:
        yield from self._output(shown, b"")
        shown.printed = b""
        if shown.number and not shown.ended:
            done = "CACHED" if step.cached else f"DONE {step.completed - step.started:.1f} s"
            yield f"#{shown.number} {done}"
        shown.ended = True

    def _output(self, shown: _Shown, data: bytes) -> Iterator[str]:
        *lines, shown.rest = (shown.rest + data.replace(b"\r", b"\n")).split(b"\n")
        if shown.resting or len(shown.rest) > LINE_BYTES:
            lines.append(shown.rest)
            shown.rest = b""
        for line in _pieces(lines):
            if text := COLOURS.sub("", line.decode(errors="replace")).rstrip():
                if not shown.resting:
                    shown.printed = last_bytes(shown.printed + f"{text}\n".encode(errors="replace"))
                yield f"#{self._number(shown)} {text}"

    def _number(self, shown: _Shown) -> int:
        """Its number: only of what is shown, in the order in which it is."""
        if not shown.number:
            self._numbered += 1
            shown.number = self._numbered
        return shown.number


def _pieces(lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        for begin in range(0, len(line), LINE_BYTES):
            yield line[begin : begin + LINE_BYTES]
