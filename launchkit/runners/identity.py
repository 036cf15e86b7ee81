"""Whose run something in the infrastructure is, as its labels tell: in the styles of four
platforms, and back.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from launchkit.errors import SubmitError
from launchkit.model import Attempt, Launch

EXACT = ("run_id", "item_id", "attempt")
_ESCAPE = "x--"
"""Begins an id that is written in base32, because the platform does not take it as it is."""
_DIGEST = 12
"""Hex digits, after a dash, at the end of a text that was changed to what the platform takes."""
_CHANGED = re.compile(rf".*-[0-9a-f]{{{_DIGEST}}}", re.DOTALL)
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}|0", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """Which attempt of which item a run is, and who started it for whom.

    *entity*, *queue* and *agent* of one that was read from labels stand as the labels have them.
    """

    run_id: str
    item_id: str
    attempt: int
    entity: str
    queue: str
    agent: str

    @classmethod
    def of(cls, launch: Launch, agent: str) -> "RunIdentity":
        """The identity of a launch's run that *agent* starts."""
        return cls(
            run_id=launch.run_id,
            item_id=launch.item_id,
            attempt=launch.attempt,
            entity=launch.entity,
            queue=launch.queue,
            agent=agent,
        )


@dataclass(frozen=True, kw_only=True)
class LabelStyle:
    """How a platform writes labels.

    Run id, item id and attempt are always exact, in base32 where the platform does not take them.
    Other texts that it does not take are changed and get a digest, so that two different ones stay
    different.
    """

    keys: Mapping[str, str]
    """The field of an identity → the label's key."""
    longest: int
    """Letters of a value."""
    allowed: re.Pattern[str] | None = None
    """A value that the platform takes, as far as it is not too long; None: any text."""

    def labels(self, identity: RunIdentity) -> dict[str, str]:
        """The labels of a run.

        :raises SubmitError: if its run id or item id is too long for the platform.
        """
        values = {name: str(getattr(identity, name)) for name in self.keys}
        return {
            key: self._exact(values[name]) if name in EXACT else self.text(values[name])
            for name, key in self.keys.items()
        }

    def is_of(self, labels: Mapping[str, str], attempt: Attempt) -> bool:
        """Whether labels say that something is the run of this attempt."""
        return self.exact(attempt).items() <= labels.items()

    def exact(self, attempt: Attempt) -> dict[str, str]:
        """The labels that tell which attempt a run is."""
        return {self.keys[name]: self._exact(str(getattr(attempt, name))) for name in EXACT}

    def parse(self, labels: Mapping[str, str]) -> RunIdentity | None:
        """The identity that labels tell of; None if they are not ours, or not whole."""
        found = {name: labels.get(key) for name, key in self.keys.items()}
        values = {name: value for name, value in found.items() if isinstance(value, str)}
        if len(values) < len(found) or any(len(text) > self.longest for text in values.values()):
            return None
        run_id, item_id = (self._plain(values[name]) for name in ("run_id", "item_id"))
        if not run_id or not item_id or not _ATTEMPT.fullmatch(values["attempt"]):
            return None
        return RunIdentity(
            run_id=run_id,
            item_id=item_id,
            attempt=int(values["attempt"]),
            entity=values["entity"],
            queue=values["queue"],
            agent=values["agent"],
        )

    def selector(self, agent: str | None = None) -> dict[str, str | None]:
        """The labels by which all runs are listed, or those that *agent* started; None stands for
        any value.
        """
        if agent is not None:
            return {self.keys["run_id"]: None, self.keys["agent"]: self.text(agent)}
        return {self.keys["run_id"]: None}

    def text(self, text: str) -> str:
        """A text as a value: itself, if the platform takes it and it does not look changed."""
        if self.allowed is None or (self._takes(text) and not _CHANGED.fullmatch(text)):
            return text
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
        words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        return f"{words[: self.longest - _DIGEST - 1] or 'x'}-{digest}"

    def _exact(self, text: str) -> str:
        if self.allowed is None or (self._takes(text) and not text.startswith(_ESCAPE)):
            return text
        data = text.encode(errors="surrogatepass")
        value = _ESCAPE + base64.b32encode(data).decode().rstrip("=").lower()
        if len(value) > self.longest:
            raise SubmitError(f"the id {text!r} is too long for a label of {self.longest} letters")
        return value

    def _plain(self, value: str) -> str | None:
        """What `_exact` has made the value of; None if there is nothing that it makes it of."""
        if self.allowed is None or (self._takes(value) and not value.startswith(_ESCAPE)):
            return value
        code = value.removeprefix(_ESCAPE).upper()
        try:
            data = base64.b32decode(code + "=" * (-len(code) % 8))
            text = data.decode(errors="surrogatepass")
        except ValueError:
            return None
        return text if self._exact(text) == value else None

    def _takes(self, text: str) -> bool:
        fits = self.allowed is None or self.allowed.fullmatch(text)
        return len(text) <= self.longest and bool(fits)


def _keys(prefix: str) -> Mapping[str, str]:
    words = {"run_id": "run-id", "item_id": "item", "attempt": "attempt"}
    words |= {"entity": "entity", "queue": "queue", "agent": "agent"}
    return {name: f"{prefix}{word}" for name, word in words.items()}


DOCKER = LabelStyle(keys=_keys("launchkit."), longest=4096)
"""Any text. See https://docs.docker.com/engine/manage-resources/labels/."""

KUBERNETES = LabelStyle(
    keys=_keys("launchkit/"),
    longest=63,
    allowed=re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?"),
)
"""See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/."""

GCP = LabelStyle(keys=_keys("launchkit-"), longest=63, allowed=re.compile(r"[a-z0-9_-]*"))
"""See https://cloud.google.com/compute/docs/labeling-resources."""

AWS = LabelStyle(
    keys=_keys("launchkit:"),
    longest=256,
    allowed=re.compile(r"(?![aA][wW][sS]:)[A-Za-z0-9+=._:/@-]*"),
)
"""Without spaces, which some services do not take. See
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html."""
