"""Where in a file stands what a runner objects to in a queue's config."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from launchkit.codec import Locate, Path, dotted
from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.resolving.nested import entries, leaves

ROOT = "resource_args"


@dataclass(frozen=True)
class ConfigPlaces:
    """A config as it stands in a file, and the words under which its runner's keys may stand."""

    config: Json
    locate: Locate
    kinds: Collection[str] = ()

    def told(self, message: str) -> str:
        """What a runner says of resource arguments, with the file, line and key of each."""
        return "\n".join(self._placed(line) for line in message.splitlines())

    @contextmanager
    def given(self) -> Iterator[None]:
        """Tell the place of what a runner objects to inside."""
        try:
            yield
        except Rejected as exc:
            raise Rejected(self.told(exc.message), hint=exc.hint) from exc

    def _placed(self, line: str) -> str:
        said, _, problem = line.partition(": ")
        above = [(name, path) for name, path in self._paths() if _inside(said, name)]
        if not above:
            return line
        name, path = max(above, key=lambda one: len(one[0]))
        rest = said.removeprefix(name).removeprefix(".")
        return f"{self.locate((*path, rest) if rest else path)}: {problem}"

    def _paths(self) -> Iterator[tuple[str, Path]]:
        yield ROOT, ()
        for path, _ in (*entries(self.config), *leaves(self.config)):
            yield dotted((ROOT, *path)), path
            if path and path[0] in self.kinds:
                yield dotted((ROOT, *path[1:])), path


def under_config(locate: Locate) -> Locate:
    """Names the places of a config that stands under the key `config`."""
    return lambda path: locate(("config", *path))


def _inside(said: str, name: str) -> bool:
    return said == name or said.startswith((f"{name}.", f"{name}["))
