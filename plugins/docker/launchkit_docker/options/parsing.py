"""The config of a Docker queue, which has every option of `docker run`, read and checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from launchkit.codec import Path, dotted, suggest
from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.resolving.env_list import parse_env
from launchkit.shell_words import split_line
from launchkit_docker.containers.names import quoted
from launchkit_docker.options.gpu_request import Gpus
from launchkit_docker.options.network import merge, networking
from launchkit_docker.options.table import OPTIONS, REFUSED, REFUSED_ALIASES, Option

MOST_SUGGESTED = 20
"""What an unknown option may have meant is looked for so often."""
MOST_PORTS = 20_000
"""That are exposed or published, of all ranges together: each of them may be all that there are."""
_SAID_ELSEWHERE = frozenset({":env", ":name", ":remove", ":entrypoint", ":command"})
"""What the command line says at a place of its own, not among `Options.words`."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one container, translated."""

    body: dict[str, Any] = field(default_factory=dict)
    """The parts of the body of `POST /containers/create` that the options decide."""
    env_files: tuple[str, ...] = ()
    label_files: tuple[str, ...] = ()
    pull: Literal["missing", "always", "never"] = "missing"
    platform: str | None = None
    remove: bool = True
    """Whether the container is removed when it has ended and its output was copied."""
    name: str | None = None
    gpus: Gpus | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] = ()
    """What the container runs if the launch says nothing."""
    words: tuple[tuple[str, ...], ...] = ()
    """The options as `docker run` takes them, but for those that stand at places of their own:
    variables, name, rm, entry point and command."""


def parse_options(args: Json) -> Options:
    """Read the resource arguments of a Docker queue.

    A list repeats an option, true sets a flag, false and null drop the option, numbers count as
    texts. Names may have dashes before and underscores within.

    :raises Rejected: naming each option that is unknown, refused, or has a bad value.
    """
    reading = _Reading()
    for key, value in args.items():
        reading.read(key, value)
    options = None if reading.problems else reading.options()
    if options is None:
        raise Rejected("\n".join(reading.problems), hint=reading.hint)
    return options


def option_name(key: str) -> str:
    """An option as W&B reads it: stripped, without dashes before, lower-case, dashes within; but
    one-letter names keep their case, because `-p` and `-P` differ.
    """
    name = key.strip().lstrip("-")
    return name if len(name) == 1 else name.replace("_", "-").lower()


class _Reading:
    """What was found so far. Places that start with `:` are kept beside those of the body."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.words: list[tuple[str, ...]] = []
        self.seen: dict[str, str] = {}
        self.remove = True
        self.is_line = False
        self.ports = 0
        self.problems: list[str] = []
        self.hint: str | None = None

    def read(self, key: str, value: object) -> None:
        """Take one entry of the config."""
        path, name = ("resource_args", key), option_name(key)
        option = OPTIONS.get(name)
        if option is None:
            self._no_option(path, name, value)
        elif value is None or value is False or (option.shape == "flag" and value == "false"):
            self.remove = self.remove and (option.name != "rm" or value is None)
        elif option.name == "env":
            self._env(path, value)
        else:
            self._option(option, path, name, value)

    def _no_option(self, path: Path, name: str, value: object) -> None:
        name = REFUSED_ALIASES.get(name, name)
        if name in REFUSED:
            if value not in (None, False):
                self._problem(path, f"{name} is refused: {REFUSED[name]}")
            return
        near = suggest(name, [*OPTIONS, *REFUSED]) if len(self.problems) < MOST_SUGGESTED else None
        also = f"; did you mean {near!r}?" if near else ""
        self._problem(path, f"docker run has no option {name!r}{also}")
        self.hint = "the config of a Docker queue has the long or short names of docker run"

    def _env(self, path: Path, value: object) -> None:
        """Only look: the agent has laid the variables into the submission already, if the key is
        one of those that it knows.
        """
        if (name := option_name(str(path[-1]))) != path[-1]:
            self._problem(path, f"variables are given under {name!r}")
            return
        try:
            parse_env(value, path)
        except Rejected as exc:
            self.problems.append(exc.message)

    def _option(self, option: Option, path: Path, name: str, value: object) -> None:
        earlier = self.seen.setdefault(option.name, str(path[-1]))
        if earlier != path[-1] and not option.repeats:
            self._problem(path, f"is given a second time: {earlier} is the same option")
        if option.name == "command":
            self.is_line = isinstance(value, str)
        for where, text in self._texts(option, path, value):
            if self.ports > MOST_PORTS:
                break
            try:
                put = True if text is None else option.parse(text)
            except ValueError as exc:
                self._problem(where, f"{exc}, not {quoted(text or '')}")
                self.hint = self.hint or option.hint
                continue
            piece = _at(option, put)
            self.ports += len(piece.get("ExposedPorts", ()))
            if self.ports > MOST_PORTS:
                self._problem(where, f"with it more than {MOST_PORTS} ports are asked for")
                continue
            merge(self.found, piece)
            if option.base not in _SAID_ELSEWHERE:
                word = f"-{name}" if len(name) == 1 else f"--{option.name}"
                said = put.text() if isinstance(put, Gpus) else text
                self.words.append((word,) if said is None else (word, said))

    def _texts(
        self, option: Option, path: Path, value: object
    ) -> Iterator[tuple[Path, str | None]]:
        """Each value of an option with its path; None for a flag that is set."""
        if isinstance(value, Mapping):
            self._problem(path, "mapping values are not supported; write a list, one item a value")
        elif option.shape == "flag":
            if value is True or value == "true":
                yield path, None
            else:
                self._problem(path, f"{option.name} is a flag: it is true or false")
        elif not isinstance(value, list | tuple):
            yield from self._text(path, value)
        elif len(value) > 1 and not option.repeats:
            self._problem(path, f"{option.name} can be given only once, not as a list")
        else:
            for index, item in enumerate(value):
                yield from self._text((*path, index), item)

    def _text(self, path: Path, value: object) -> Iterator[tuple[Path, str]]:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._problem(path, "needs a value: a text or a number")
        elif isinstance(value, float) and value.is_integer():
            yield path, str(int(value))
        else:
            yield path, str(value)

    def _problem(self, path: Path, message: str) -> None:
        self.problems.append(f"{dotted(path)}: {message}")

    def options(self) -> Options | None:
        """All that was found, with what concerns several options; None if they do not agree."""
        own = {key[1:]: value for key, value in self.found.items() if key.startswith(":")}
        body = {key: value for key, value in self.found.items() if not key.startswith(":")}
        try:
            _settle(body, own)
            command = _command(own.get("command", []), is_line=self.is_line)
        except ValueError as exc:
            self.problems.append(f"resource_args: {exc}")
            return None
        return Options(
            body=body,
            env_files=tuple(own.get("env_files", ())),
            label_files=tuple(own.get("label_files", ())),
            pull=own.get("pull", "missing"),
            platform=own.get("platform"),
            remove=self.remove,
            name=own.get("name"),
            gpus=own.get("gpus"),
            entrypoint=tuple(own["entrypoint"]) if "entrypoint" in own else None,
            command=command,
            words=tuple(self.words),
        )


def _at(option: Option, value: object) -> dict[str, Any]:
    """The value of an option as a piece of all that is found."""
    piece: Any = [value] if option.shape == "many" else value
    for key in reversed(option.place):
        piece = {key: piece}
    return dict(piece)


def _settle(body: dict[str, Any], own: dict[str, Any]) -> None:
    if own.get("no_healthcheck"):
        if "Healthcheck" in body:
            raise ValueError("no-healthcheck excludes the other health options")
        body["Healthcheck"] = {"Test": ["NONE"]}
    links = body.get("HostConfig", {}).get("Links", [])
    merge(body, networking(own.get("networks", []), own.get("endpoint", {}), links))


def _command(words: list[str], *, is_line: bool) -> tuple[str, ...]:
    """The words of a command; a text that is no list is a line, split as a shell would."""
    return tuple(split_line(words[0]) if is_line else words)
