"""The ignore files of a code directory, on all its levels: their rules hold for what is below, and
together they cost bounded time and memory.
"""

from dataclasses import dataclass, field
from functools import partial

from launchkit.code.globs import Comparisons
from launchkit.code.ignore import RuleFile, is_ignored, parse_rules
from launchkit.code.ignore_file import MOST_LINES, ignore_text
from launchkit.code.inside import Inside
from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_HERE = 2 * MOST_LINES
"""What the two files of one directory may have: a file is compared with no more rules than these,
also where they stand on many levels."""
MOST_RULES = 20_000
MOST_BYTES = 1_000_000
"""Of all ignore files of the code."""


@dataclass(frozen=True)
class Rules:
    """What holds in one directory, from the root downwards."""

    git: tuple[RuleFile, ...] = ()
    own: tuple[RuleFile, ...] = ()

    @property
    def count(self) -> int:
        """So many rules each file there is compared with."""
        return sum(len(file.rules) for file in (*self.git, *self.own))

    def say(self, path: str, *, is_directory: bool) -> bool | None:
        """Whether *path* is ignored; None if no file says anything of it. `.launchkitignore` files
        have the last word.
        """
        own = is_ignored(self.own, path, is_directory=is_directory)
        return is_ignored(self.git, path, is_directory=is_directory) if own is None else own


@dataclass
class RuleReader:
    """Reads the ignore files of one code directory."""

    tree: Inside
    comparisons: Comparisons = field(default_factory=Comparisons)
    _rules: int = 0
    _bytes: int = 0

    def below(self, above: Rules, folder: str) -> Rules:
        """The rules that hold in *folder*, which is "" or a path, where *above* hold around it.

        :raises Rejected: if they are too many; names the file.
        :raises OSError: if a file cannot be read.
        """
        base = f"{folder}/" if folder else ""
        rules = Rules(above.git + self._read(base, ".gitignore"), above.own)
        _require_few(rules, f"{base}.gitignore")
        rules = Rules(rules.git, above.own + self._read(base, ".launchkitignore"))
        _require_few(rules, f"{base}.launchkitignore")
        return rules

    def say(self, rules: Rules, path: str, *, is_directory: bool) -> bool | None:
        """What *rules* say of *path*. :raises Rejected: if it takes too long with all before."""
        return self.comparisons.of(path, partial(rules.say, path, is_directory=is_directory))

    def _read(self, base: str, name: str) -> tuple[RuleFile, ...]:
        text = ignore_text(self.tree, base + name)
        if text is None:
            return ()
        self._bytes += len(text)
        self._require_bounded(base + name)
        file = parse_rules(text, base)
        self._rules += len(file.rules)
        self._require_bounded(base + name)
        return (file,) if file.rules else ()

    def _require_bounded(self, path: str) -> None:
        if self._rules > MOST_RULES or self._bytes > MOST_BYTES:
            raise Rejected(
                f"{visible_line(path)}: with it the ignore files of the code have more than"
                f" {MOST_RULES} rules or {MOST_BYTES} bytes",
                hint="leave out with a rule further up what is no code: nothing is read below it",
            )


def _require_few(rules: Rules, path: str) -> None:
    if rules.count > MOST_HERE:
        raise Rejected(
            f"{visible_line(path)}: with it more than {MOST_HERE} rules hold for one file, with"
            " those of the directories above",
            hint="say it in fewer lines; a line may name a directory",
        )
