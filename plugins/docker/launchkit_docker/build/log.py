"""What the Engine says while it builds: what to show of it, and what of it explains a failure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from launchkit.errors import BuildError
from launchkit.plain_text import last_bytes, shortened, tail_lines
from launchkit_docker.engine.messages import Progress, failure_in

STEP = re.compile(r"Step \d+/\d+ : ")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BOOKKEEPING = (" ---> ", "Removing intermediate container ")
IMAGE_GONE = re.compile(r'unable to find image "sha256:[0-9a-f]{64}"')
"""In the whole words of an Engine that looked through its images for a step that is built already
while somebody removed one of them, needed or not."""
NO_COMPILER = (
    "a package has to be compiled, and the image has no compiler: name a base_image that has one,"
    " or bring a Dockerfile.launchkit with RUN apt-get update && apt-get install -y gcc"
)
HINTS = (
    (
        "exec format error",
        "a program of another processor architecture: build for this machine or install emulation",
    ),
    ("no space left on device", "free some disk space where Docker keeps its images"),
    ("unknown instruction", "correct the Dockerfile"),
    ("dockerfile parse error", "correct the Dockerfile"),
    *(
        (word, NO_COMPILER)
        for word in ("command 'gcc' failed", "unable to execute 'gcc'", "gcc: not found")
    ),
    (
        "the --mount option requires BuildKit",
        "set `buildkit: true` for the builder, or leave --mount out of the Dockerfile",
    ),
)


class ImageGone(BuildError):
    """The Engine gave a build up because somebody else removed an image meanwhile."""


class Begun:
    """The steps of a build that have begun."""

    def __init__(self) -> None:
        self.count = 0
        self.last: str | None = None
        self._news: list[str] = []

    def add(self, step: str) -> None:
        """Know of one."""
        self.count += 1
        self.last = step
        self._news.append(step)

    def news(self) -> Sequence[str]:
        """Those of which this has not told."""
        news, self._news = self._news, []
        return news


class BuildLog:
    """Follows the messages of one build."""

    def __init__(self) -> None:
        self.begun = Begun()
        self._printed = b""
        self._progress = Progress()

    def take(self, message: Mapping[str, Any]) -> bytes:
        """What to show of a message; nothing of one that says nothing new.

        :raises BuildError: if the message is that the build failed.
        """
        if reason := failure_in(message):
            failure = self.failure(reason)
            if IMAGE_GONE.fullmatch(reason.strip()):
                raise ImageGone(failure.message, hint=failure.hint)
            raise failure
        if "status" in message:
            return self._progress.take(message)
        text = COLOURS.sub("", str(message.get("stream", "")))
        if STEP.match(text):
            self.begun.add(shortened(text.strip()))
            self._printed = b""
        elif not text.startswith(BOOKKEEPING):
            self._printed = last_bytes(self._printed + text.encode(errors="replace"))
        return text.encode(errors="replace")

    def failure(self, reason: str) -> BuildError:
        """The error for a build that failed: *reason*, the step and the last lines it printed."""
        return build_error(self.begun.last, reason, self._printed)


def build_error(
    step: str | None, reason: str, printed: bytes, hint: str | None = None
) -> BuildError:
    """The error for a *step* that failed: why, and the last lines of what it *printed*."""
    where = f"{step}: " if step else ""
    lines = tail_lines(printed)
    seen = shortened(reason) + "".join(f"\n  {line}" for line in lines)
    known = next((advice for word, advice in HINTS if word in seen), None)
    return BuildError(f"the image could not be built: {where}{seen}", hint=hint or known)
