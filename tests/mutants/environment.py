"""Environments with one defect each."""

import gzip
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

from launchkit.abc import Environment
from launchkit.builtin.local import LocalEnvironment
from launchkit.errors import LaunchError
from mutants.environment_copies import (
    append,
    by_chunks,
    exclusive,
    flat,
    hard_link,
    link,
    locked,
    moved,
    newer,
    over,
    part_beside,
    remove_first,
    touch,
    update,
    widen,
)
from mutants.environment_steps import (
    Suite,
    aiming,
    anywhere,
    awaiting,
    copying,
    doing,
    failing,
    raised,
    reading,
)
from mutants.environment_uploads import (
    Blocks,
    CancelIsAnError,
    Chunks,
    EmptiesFirst,
    GoesOn,
    LeaksFiles,
    LosesTheLock,
    LosesTheLockOfFailures,
    MissesWhatIsGone,
    MissingIsNothing,
    Mixes,
    ReadsLate,
    Refuses,
    RemembersFailures,
    RemembersFiles,
    RemovesMore,
    RemovesNothing,
    ReturnsEarly,
    Shallow,
    Swallows,
    TakesDirectories,
    connect,
    hang,
    hang_over_missing,
    leak_program,
    leak_task,
    leak_temporary,
)
from mutants.environment_variants import ByProgram, OneByOne, Slow
from mutants.table import Mutant


def mutant(defect: str, made: Callable[[], Environment], *, fast: bool = False) -> Mutant:
    return Mutant(defect, Suite, {"made": made}, fast)


MUTANTS = (
    mutant("removes nothing", RemovesNothing),
    mutant("removes what stands beside it, too", RemovesMore),
    mutant("fails to remove what is not there", MissesWhatIsGone),
    mutant("stores nothing", copying(lambda *_: None)),
    mutant("stores an empty file", reading(lambda _: b"")),
    mutant("cuts large files", reading(lambda data: data[: 8 << 20])),
    mutant("loses the last part", reading(lambda data: data[: len(data) // 4096 * 4096])),
    mutant("adds a line end", reading(lambda data: data + b"\n")),
    mutant("repeats a part", reading(lambda data: data + data[8 << 20 :])),
    mutant("packs what it stores", reading(gzip.compress)),
    mutant("converts line ends", reading(lambda data: data.replace(b"\r\n", b"\n"))),
    mutant("takes off what is blank at the end", reading(bytes.rstrip)),
    mutant("takes off the mark of UTF-8", reading(lambda data: data.removeprefix(b"\xef\xbb\xbf"))),
    mutant("reads text", reading(lambda data: data.decode(errors="replace").encode())),
    mutant(
        "stores no empty file", copying(lambda s, t: s.stat().st_size and shutil.copyfile(s, t))
    ),
    mutant("adds to what is there", copying(append)),
    mutant("keeps the end of what was longer", copying(over), fast=True),
    mutant("refuses what is there", copying(exclusive)),
    mutant("keeps what has the same size", copying(update), fast=True),
    mutant("keeps what is newer", copying(newer)),
    mutant("remembers files by their size", RemembersFiles),
    mutant("moves the file", copying(moved)),
    mutant("links to the file", copying(link)),
    mutant("makes a hard link", copying(hard_link)),
    mutant("keeps links", copying(partial(shutil.copyfile, follow_symlinks=False))),
    mutant("changes the time of the file", copying(touch)),
    mutant("changes the mode of the file", copying(widen)),
    mutant("leaves a mark beside the file", copying(locked)),
    mutant("leaves out directories of the address", aiming(flat)),
    mutant("makes no directories", Shallow),
    mutant("names are written small", aiming(lambda p: p.with_name(p.name.lower()))),
    mutant(
        "names are ASCII", aiming(lambda p: p.with_name(p.name.encode("ascii", "ignore").decode()))
    ),
    mutant("names are cut", aiming(lambda p: p.with_name(p.name[:12]))),
    mutant("a plus is a space", aiming(lambda p: p.with_name(p.name.replace("+", " ")))),
    mutant("names lose their last extension", aiming(lambda p: p.with_suffix(""))),
    mutant("writes where it is read", copying(by_chunks), fast=True),
    mutant("removes before it writes", copying(remove_first)),
    mutant("empties before it writes", EmptiesFirst),
    mutant("uploads to one address share a part", copying(part_beside)),
    mutant("leaves half when cancelled", Chunks),
    mutant("goes on after cancellation", GoesOn),
    mutant("returns before it has stored", ReturnsEarly),
    mutant("reads the file later", ReadsLate),
    mutant("swallows cancellation", Swallows),
    mutant("cancellation becomes an error", CancelIsAnError),
    mutant("keeps its lock after cancellation", LosesTheLock),
    mutant("keeps its lock after a failure", LosesTheLockOfFailures),
    mutant("uploads at once are mixed up", Mixes),
    mutant("refuses uploads at once", Refuses),
    mutant("remembers failures", RemembersFailures),
    mutant("lets errors of the system out", failing(lambda _, __, exc: exc)),
    mutant("an error names no file", failing(lambda *_: LaunchError("it cannot be copied"))),
    mutant(
        "an error names the target only", failing(lambda _, t, __: LaunchError(f"cannot write {t}"))
    ),
    mutant("what is missing is no error", MissingIsNothing),
    mutant("directories are empty files", TakesDirectories),
    mutant("foreign addresses become paths", anywhere(Path)),
    mutant("foreign addresses go to the temporary directory", anywhere(lambda uri: Path("/tmp/x"))),
    mutant(
        "foreign addresses are a mistake of types", anywhere(lambda _: raised(ValueError("no")))
    ),
    mutant(
        "an error does not name the address",
        anywhere(lambda _: raised(LaunchError("this address cannot be served from here"))),
    ),
    mutant("copies in the loop's thread", Blocks, fast=True),
    mutant("sleeps in the loop's thread", doing(lambda: time.sleep(0.001))),
    mutant("connects in the loop's thread", doing(connect)),
    mutant("waits for a program", doing(lambda: subprocess.run(["true"], check=True))),
    mutant("changes the environment", doing(lambda: os.environ.update(BUCKET=uuid4().hex))),
    mutant("changes the umask", doing(lambda: os.umask(0o077))),
    mutant("leaks open files", LeaksFiles),
    mutant("leaks tasks", awaiting(leak_task)),
    mutant("leaks programs", awaiting(leak_program)),
    mutant("leaves temporary directories", awaiting(leak_temporary)),
    mutant("hangs", awaiting(hang)),
    mutant("waits for ever for a file", awaiting(hang_over_missing)),
)


VARIANTS = (
    Mutant("the local one", Suite, {"made": LocalEnvironment}, fast=True),
    Mutant("reads all at once", Suite, {}),
    Mutant("takes its time", Suite, {"made": Slow}),
    Mutant("uploads one after the other", Suite, {"made": OneByOne}),
    Mutant("copies by a program", Suite, {"made": ByProgram}),
)
