"""What the Engine knows of one container, decoded once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit.runners.verdicts import lasted
from launchkit_docker.containers import labels
from launchkit_docker.containers.names import is_name
from launchkit_docker.engine.absences import Absences

NEVER = "0001-01-01T00:00:00Z"
"""When a container was started that never was."""
OVER = frozenset({"exited", "dead", "removing"})
UNKNOWN_EXIT = 255
"""The exit code of a container whose end the Engine did not see; programs may have it, too."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container at the time of a look."""

    id: str
    """No other has it, before or after: what is asked by it reaches none of the same name."""
    name: str
    status: str
    """`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""
    started: bool
    """Whether it has ever been."""
    started_at: float = 0.0
    ended_at: float = 0.0
    """Unix times; that of an end which the Engine did not see is when it found out."""
    exit_code: int = 0
    out_of_memory: bool = False
    error: str = ""
    """Why it could not be started, in the Engine's words."""
    tty: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Mapping[str, Any]) -> "Container":
        """Decode the answer of `GET /containers/NAME/json`."""
        state, config = seen["State"], seen["Config"]
        return cls(
            id=id_in(seen),
            name=str(seen["Name"]).removeprefix("/"),
            status=str(state["Status"]),
            started=state["Status"] != "created" or state["StartedAt"] != NEVER,
            started_at=_unix(state["StartedAt"]),
            ended_at=_unix(state.get("FinishedAt") or NEVER),
            exit_code=int(state["ExitCode"]),
            out_of_memory=bool(state["OOMKilled"]),
            error=str(state.get("Error") or ""),
            tty=bool(config["Tty"]),
            labels=texts(config["Labels"]),
        )

    @property
    def over(self) -> bool:
        """Whether it has run and ended."""
        return self.status in OVER and self.started

    @property
    def ran(self) -> float | None:
        """For how many seconds it ran, if that is known."""
        return lasted(self.started_at, self.ended_at) if self.over else None

    @property
    def failed(self) -> bool:
        """Whether it has ended badly."""
        return self.over and (self.exit_code != 0 or self.out_of_memory)

    def unseen(self, absences: Absences, booted_at: float) -> bool:
        """Whether the Engine may not have seen the end: it was away, or the machine has been
        started since the container was.
        """
        if not self.over or self.exit_code != UNKNOWN_EXIT:
            return False
        return self.started_at < booted_at <= self.ended_at or absences.cover(self.ended_at)

    @property
    def identity(self) -> RunIdentity | None:
        """Whose run it is; None if it is none."""
        return run_identity(self.name, self.labels)

    def is_unstarted_run(self, name: str) -> bool:
        """Whether it is a run's of that name, and was never started."""
        return self.name == name and self.identity is not None and not self.started

    @property
    def gpus(self) -> tuple[str, ...]:
        """The devices that it was given; none if it is no run's."""
        return devices_in(self.labels) if self.identity else ()

    @property
    def removed_at_end(self) -> bool:
        """Whether nobody wants to keep it."""
        return self.labels.get(labels.REMOVE, "true") == "true"


def id_in(told: Mapping[str, Any]) -> str:
    """The id in an answer of the Engine. :raises ValueError: if it cannot be a container's."""
    if not is_name(found := str(told["Id"])):
        raise ValueError("an id that is none")
    return found


def run_identity(name: str, found: Mapping[str, str]) -> RunIdentity | None:
    """Whose run a container is, by its labels and its name. Labels alone are no proof: an image and
    a step of its build have those that a Dockerfile names, under names that nobody can choose.
    """
    told = DOCKER.parse(found)
    return told if told and name.endswith(f"-{told.run_id}-{told.attempt}") else None


def texts(found: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Labels, as the Engine tells them; Podman says null where there are none."""
    return {key: str(value) for key, value in (found or {}).items()}


def devices_in(found: Mapping[str, str]) -> tuple[str, ...]:
    """The devices that the labels of a container name."""
    return tuple(filter(None, found.get(labels.GPUS, "").split(",")))


def _unix(time: str) -> float:
    """Unix time of a time that the Engine tells; Podman's may have another offset than UTC."""
    return datetime.fromisoformat(time).timestamp()
