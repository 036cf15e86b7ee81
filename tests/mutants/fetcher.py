"""Fetchers with one defect each."""

from collections.abc import Callable

from launchkit.abc import Fetcher
from mutants.fetcher_at_once import (
    CancelIsAnError,
    CannotBeCancelled,
    FollowsTheFirst,
    GoesOn,
    HalfInTheCache,
    LosesTheLock,
    LosesTheLockOfFailures,
    SharedState,
    Swallows,
    Unlocked,
)
from mutants.fetcher_caches import CachesByName, CachesFailures, CachesPins, CachesTheVersion
from mutants.fetcher_errors import (
    CausePassword,
    ForeignError,
    HintsPassword,
    MissingIsEmpty,
    MissingIsEmptyUnlessForeign,
    PinTellsPassword,
    SaysNothing,
    TellsPassword,
    WrongError,
)
from mutants.fetcher_git import ArchiveOfTheCache, NoProgramsInArchives, TellsLogin, git
from mutants.fetcher_pins import (
    FallsOverOtherKinds,
    Hangs,
    HangsOverWhatIsMissing,
    IgnoresPins,
    NotPinned,
    PinFailsStrangely,
    PinsAgain,
    PinsToAnotherKind,
    PinsWhatIsNotThere,
    TakesAnyKind,
)
from mutants.fetcher_process import (
    Blocks,
    ChangesDirectory,
    ChangesEnvironment,
    ChangesUmask,
    LeaksFiles,
    LeaksPrograms,
    LeaksTasks,
    LeaksTemporary,
    ReturnsEarly,
    RunsAndWaits,
    Sleeps,
)
from mutants.fetcher_suites import ArchiveSuite, GitSuite, Suite
from mutants.fetcher_trees import (
    BringsNothing,
    ClearsBeside,
    Follows,
    FollowsOutwards,
    HardLinks,
    LinksToTheCache,
    MovesOutOfTheCache,
    ReadOnly,
    WritesBeside,
    absolute,
    afterwards,
    each_file,
    flatten,
    into_subfolder,
    links,
    remove,
    rewrite,
)
from mutants.fetcher_variants import ByProgram, RefusesOutwards, Slow, Uncached
from mutants.table import Mutant


def mutant(defect: str, made: Callable[[], Fetcher], *, fast: bool = False) -> Mutant:
    return Mutant(defect, Suite, {"made": made}, fast)


MUTANTS = (
    mutant("brings nothing", BringsNothing),
    mutant("no program is executable", each_file(lambda path: path.chmod(0o644))),
    mutant("each file is executable", each_file(lambda path: path.chmod(0o755))),
    mutant("dot files are left out", remove(lambda path, _: path.name.startswith("."))),
    mutant(
        "what is in dot directories is left out",
        remove(lambda path, into: "/." in f"/{path.parent.relative_to(into)}"),
    ),
    mutant("links are followed", Follows),
    mutant("links out of the code are followed", FollowsOutwards),
    mutant("links are left out", afterwards(lambda into: [p.unlink() for p in links(into)])),
    mutant("links are made absolute", afterwards(absolute)),
    mutant("empty files are left out", remove(lambda path, _: not path.stat().st_size)),
    mutant("line ends are converted", rewrite(lambda data: data.replace(b"\r\n", b"\n"))),
    mutant("is read as text", rewrite(lambda data: data.decode(errors="replace").encode())),
    mutant("large files are cut", rewrite(lambda data: data[: 1024**2])),
    mutant("only the top is brought", remove(lambda path, into: path.parent != into)),
    mutant("all goes to the top", afterwards(flatten)),
    mutant("the code is in a directory of its own", afterwards(into_subfolder)),
    mutant("adds a list of files", afterwards(lambda into: (into / "MANIFEST").touch())),
    mutant("odd names are left out", remove(lambda path, _: not path.name.isascii())),
    mutant("hard links to the cache", HardLinks, fast=True),
    mutant("links to the cache", LinksToTheCache),
    mutant("the second finds the cache empty", MovesOutOfTheCache),
    mutant("the directory becomes a link to the cache", ReadOnly),
    mutant("leaves a part beside the directory", WritesBeside),
    mutant("clears what is beside the directory", ClearsBeside),
    mutant("caches by the name of the branch", CachesByName),
    mutant("remembers what a name meant", CachesTheVersion),
    mutant("remembers what it pinned", CachesPins),
    mutant("remembers failures", CachesFailures, fast=True),
    mutant("lets errors of the system out", ForeignError),
    mutant("what is missing is no code", MissingIsEmpty),
    mutant("what is missing is no code, but other kinds are refused", MissingIsEmptyUnlessForeign),
    mutant("an error says nothing", SaysNothing),
    mutant("what is missing is a rule's no", WrongError),
    mutant("an error tells the password", TellsPassword, fast=True),
    mutant("a hint tells the password", HintsPassword),
    mutant("the cause of an error tells the password", CausePassword),
    mutant("an error of pin tells the password", PinTellsPassword),
    mutant("half is in the cache after a cancellation", HalfInTheCache),
    mutant("the second takes what the first has half fetched", Unlocked),
    mutant("swallows cancellation", Swallows),
    mutant("cancellation becomes an error", CancelIsAnError),
    mutant("goes on after cancellation", GoesOn),
    mutant("cannot be cancelled", CannotBeCancelled),
    mutant("keeps its lock after cancellation", LosesTheLock),
    mutant("keeps its lock after a failure", LosesTheLockOfFailures),
    mutant("the second follows the first, also into its end", FollowsTheFirst),
    mutant("the directory is kept in the object", SharedState),
    mutant("copies in the loop's thread", Blocks, fast=True),
    mutant("sleeps in the loop's thread", Sleeps),
    mutant("waits for a program in the loop's thread", RunsAndWaits),
    mutant("changes the working directory", ChangesDirectory),
    mutant("changes the environment", ChangesEnvironment),
    mutant("changes the umask", ChangesUmask),
    mutant("leaks open files", LeaksFiles),
    mutant("leaks tasks", LeaksTasks),
    mutant("leaks programs", LeaksPrograms),
    mutant("leaves temporary directories", LeaksTemporary),
    mutant("returns before it has copied", ReturnsEarly),
    mutant("pin does nothing", NotPinned),
    mutant("pins to another kind", PinsToAnotherKind),
    mutant("what is pinned is pinned otherwise", PinsAgain),
    mutant("pins what is not there", PinsWhatIsNotThere),
    mutant("an error of the system leaves pin", PinFailsStrangely),
    mutant("a pinned source means the branch", IgnoresPins),
    mutant("takes any kind of source", TakesAnyKind),
    mutant("falls over other kinds of sources", FallsOverOtherKinds),
    mutant("hangs", Hangs),
    mutant("waits for ever for what is missing", HangsOverWhatIsMissing),
    Mutant(
        "git: converts line ends", GitSuite, {"made": git("core.eol=crlf", "core.autocrlf=true")}
    ),
    Mutant("git: makes no links", GitSuite, {"made": git("core.symlinks=false")}),
    Mutant("git: tells the password of an address", GitSuite, {"made": TellsLogin}),
    Mutant("archive: no program is executable", ArchiveSuite, {"made": NoProgramsInArchives}),
    Mutant("archive: half is in the cache", ArchiveSuite, {"made": ArchiveOfTheCache}),
)


VARIANTS = (
    Mutant("copies through a cache", Suite, {}, fast=True),
    Mutant("copies without a cache", Suite, {"made": Uncached}),
    Mutant("takes its time", Suite, {"made": Slow}),
    Mutant("copies by a program", Suite, {"made": ByProgram}),
    Mutant("refuses links out of the code", Suite, {"made": RefusesOutwards}),
    Mutant(
        "has no links",
        Suite,
        {
            "brings_links": False,
            "made": afterwards(lambda into: [p.unlink() for p in links(into)]),
        },
    ),
    Mutant(
        "does not tell programs",
        Suite,
        {"brings_modes": False, "made": each_file(lambda path: path.chmod(0o644))},
    ),
    Mutant("git", GitSuite, {}),
    Mutant("archives", ArchiveSuite, {}),
)
