"""What a pod tells of its containers, decoded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from launchkit.plain_text import without_first_word, without_last_word
from launchkit_kubernetes.status.shape import items, mapping, number, text, told, whole

Role = Literal["init", "sidecar", "app"]
"""An init container, a native sidecar (an init container that is always restarted), or one of the
containers proper."""
RUNE_BYTES = 4
"""So many fewer may be left of a text that was cut: a cut in a letter is moved."""
CUT_BYTES = 2048 - RUNE_BYTES
"""A message of so many may be the end of a longer one: a kubelet takes the last 4096 bytes of a
file, or the last 2048 of what was printed."""
POD_BYTES = 12 * 1024
"""All containers of a pod share so many, and each message ends where its container's share does."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended."""

    code: int
    reason: str
    message: str
    at: str
    began: str = ""

    @classmethod
    def of(cls, state: object, cut_bytes: int) -> "Ended | None":
        """Decode `terminated` of a container's state, whose message may be a part of a longer one
        if it has *cut_bytes*.
        """
        found = mapping(mapping(state).get("terminated"))
        code = whole(found.get("exitCode"))
        if code is None:
            return None
        return cls(
            code=code,
            reason=text(found.get("reason")),
            message=text(_whole_words(found.get("message"), cut_bytes)),
            at=text(found.get("finishedAt")),
            began=text(found.get("startedAt")),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A container at the time of a look."""

    name: str
    role: Role
    running: bool = False
    reason: str = ""
    """Why it waits, in one word."""
    message: str = ""
    ended: Ended | None = None
    before: Ended | None = None
    """How it ended the last time, if it was started again."""
    restarts: int = 0

    @property
    def started(self) -> bool:
        """Whether it has ever run."""
        return self.running or self.restarts > 0 or bool(self.ended or self.before)

    @property
    def waits_for(self) -> str:
        """Why it waits, for people; empty if it does not, or does not say."""
        return told(self.reason, self.message)

    @property
    def title(self) -> str:
        """What to call it, for people."""
        return f"{_TITLES[self.role]} {self.name}".rstrip()


_TITLES: Mapping[Role, str] = {
    "init": "init container",
    "sidecar": "sidecar",
    "app": "container",
}


def containers(pod: Mapping[str, Any]) -> tuple[Container, ...]:
    """The containers of a pod: first those that initialise it, all in the order of its spec."""
    spec, status = mapping(pod.get("spec")), mapping(pod.get("status"))
    init, app = items(spec.get("initContainers")), items(spec.get("containers"))
    share = POD_BYTES // max(1, len(init) + len(app)) - RUNE_BYTES
    cut = max(1, min(CUT_BYTES, share))
    return (
        *_listed(init, status.get("initContainerStatuses"), "init", cut),
        *_listed(app, status.get("containerStatuses"), "app", cut),
    )


def _listed(wanted: object, statuses: object, role: Role, cut: int) -> Sequence[Container]:
    seen = {text(entry.get("name")): entry for entry in map(mapping, items(statuses))}
    specs = {text(entry.get("name")): entry for entry in map(mapping, items(wanted))}
    names = [*specs, *(name for name in seen if name not in specs)]
    return [
        _container(name, _role(specs.get(name), role), seen.get(name, {}), cut) for name in names
    ]


def _role(spec: Mapping[str, Any] | None, role: Role) -> Role:
    always = spec is not None and text(spec.get("restartPolicy")) == "Always"
    return "sidecar" if role == "init" and always else role


def _container(name: str, role: Role, seen: Mapping[str, Any], cut: int) -> Container:
    state = mapping(seen.get("state"))
    waiting = mapping(state.get("waiting"))
    return Container(
        name=name,
        role=role,
        running=isinstance(state.get("running"), Mapping),
        reason=text(waiting.get("reason")),
        message=text(waiting.get("message")),
        ended=Ended.of(state, cut),
        before=Ended.of(seen.get("lastState"), cut),
        restarts=max(0, number(seen.get("restartCount"))),
    )


def _whole_words(message: object, cut_bytes: int) -> object:
    """A message without the words at its ends, of which a part may be missing: a secret in pieces
    would not be known as one.
    """
    if not isinstance(message, str) or len(message.encode(errors="replace")) < cut_bytes:
        return message
    return f"…{without_last_word(without_first_word(message))}…"
