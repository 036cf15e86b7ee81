"""Builders with one defect each."""

import os
import subprocess
import tempfile
import time
from dataclasses import replace
from uuid import uuid4

from launchkit.builtin.noop import NoopBuilder
from launchkit.errors import BuildError, LaunchError
from launchkit.model import Image
from launchkit.testing import FakeBuilder
from launchkit.testing.trees import File
from mutants.builder_builds import (
    Blocks,
    BuildsAllTheSame,
    CancelIsAnError,
    HalfIsThere,
    IgnoresDestination,
    IgnoresPlatform,
    KeepsOne,
    Late,
    LosesTheLock,
    LosesTheLockOfFailures,
    Mixes,
    NoopSuite,
    NotPushed,
    OneName,
    Refuses,
    RefusesStrangely,
    RemembersFailures,
    RemembersTheCode,
    SaltOfItsOwn,
    Silent,
    SilentWhenItFails,
    StaysAway,
    Swallows,
    WorksAlways,
    WorksNever,
    connect,
    hang,
    hang_over_nothing,
    leak_file,
    leak_program,
    mark_password,
    tell_password,
    touch_all,
    widen_all,
    write_beside,
    write_into,
)
from mutants.builder_steps import (
    Suite,
    awaiting,
    building,
    doing,
    failing,
    giving,
    in_thread,
    naming,
    raised,
    seeing,
)
from mutants.builder_trees import (
    FollowsOutwards,
    contents_alone,
    cut,
    each,
    followed,
    names_apart,
    only,
    plain,
    program,
    sizes,
    unix,
)
from mutants.builder_variants import InTemporary, OneByOne, Slow, Warns
from mutants.table import Mutant


def mutant(defect: str, made: type[FakeBuilder], *, fast: bool = False) -> Mutant:
    return Mutant(defect, Suite, {"made": made}, fast)


PASSWORD = "fake-password"


MUTANTS = (
    mutant("the destination is another", IgnoresDestination),
    mutant("an image has no tag", giving(lambda _, i: replace(i, ref=i.ref.rpartition(":")[0]))),
    mutant("a name is no name", giving(lambda _, i: replace(i, ref=f"https://{i.ref}"))),
    mutant("a digest is cut", giving(lambda _, i: replace(i, digest=(i.digest or "")[:19]))),
    mutant("a digest is another", giving(lambda _, i: replace(i, digest=f"sha256:{'1' * 64}"))),
    mutant("a warning is empty", giving(lambda _, i: replace(i, warnings=("",)))),
    mutant("warnings are a list", giving(lambda _, i: replace(i, warnings=["careful"]))),
    mutant("gives no image", giving(lambda *_: None)),
    mutant("is not pushed", NotPushed, fast=True),
    mutant("removes other images", KeepsOne),
    mutant("no program is executable", building(each(plain))),
    mutant("each file is executable", building(each(program))),
    mutant("links are left out", building(only(lambda _, w: isinstance(w, File)))),
    mutant("links are followed", building(followed)),
    mutant("links out of the code are followed", FollowsOutwards),
    mutant("dot files are left out", building(only(lambda n, _: not n.startswith(".")))),
    mutant("empty files are left out", building(only(lambda _, w: w != File(b"")))),
    mutant("odd names are left out", building(only(lambda n, _: n.isascii()))),
    mutant("names with spaces are left out", building(only(lambda n, _: " " not in n))),
    mutant("only the top is built", building(only(lambda n, _: "/" not in n))),
    mutant("line ends are converted", building(each(unix))),
    mutant("large files are cut", building(each(cut))),
    mutant("something is added", building(lambda tree: {**tree, "Dockerfile": File(b"")})),
    mutant("a name holds the time", naming(lambda _: time.time_ns())),
    mutant("a name holds the run", naming(lambda r: r.launch.run_id)),
    mutant("a name holds the attempt", naming(lambda r: r.launch.attempt)),
    mutant("a name holds the author", naming(lambda r: r.launch.author)),
    mutant("a name holds the place of the code", naming(lambda r: hash(r.code) % 1000)),
    mutant("a name holds times", naming(lambda r: int((r.code / "empty").stat().st_mtime))),
    mutant("a name holds modes", naming(lambda r: (r.code / "empty").stat().st_mode)),
    mutant("a name holds something of its own", SaltOfItsOwn, fast=True),
    mutant("all have one name", OneName),
    mutant("platforms share a name", IgnoresPlatform),
    mutant("programs do not count in a name", seeing(each(plain))),
    mutant("links do not count in a name", seeing(only(lambda _, w: isinstance(w, File)))),
    mutant("links count as what they point to", seeing(followed)),
    mutant("dot files do not count in a name", seeing(only(lambda n, _: not n.startswith(".")))),
    mutant("empty files do not count in a name", seeing(only(lambda _, w: w != File(b"")))),
    mutant("only the top counts in a name", seeing(only(lambda n, _: "/" not in n))),
    mutant("sizes count in a name, not contents", seeing(each(sizes))),
    mutant("contents count in a name, not names", seeing(contents_alone)),
    mutant("names and contents count apart", seeing(names_apart)),
    mutant("remembers code by its place", RemembersTheCode),
    mutant("remembers failures", RemembersFailures),
    mutant("stays away", StaysAway),
    mutant("leaves something beside the code", in_thread(write_beside)),
    mutant("leaves something in the code", in_thread(write_into)),
    mutant("changes times of the code", in_thread(touch_all)),
    mutant("changes modes of the code", in_thread(widen_all)),
    mutant("says nothing", Silent),
    mutant("says nothing when it fails", SilentWhenItFails),
    mutant("says something after it has returned", Late),
    mutant("lets errors of the system out", failing(lambda e: raised(OSError(e.message)))),
    mutant("fails as any launch", failing(lambda e: raised(LaunchError(e.message, hint=e.hint)))),
    mutant("an error says nothing", failing(lambda _: raised(BuildError("failed")))),
    mutant("an error has no log", failing(lambda _: raised(BuildError("the build has failed")))),
    mutant("gives nothing when it fails", failing(lambda _: Image(ref="r.io/lk/job:none"))),
    mutant(
        "an error tells the password",
        failing(lambda e: raised(BuildError(f"{e.message} {PASSWORD}"))),
        fast=True,
    ),
    mutant(
        "a hint tells the password",
        failing(lambda e: raised(BuildError(e.message, hint=f"is {PASSWORD} right?"))),
    ),
    mutant("a cause tells the password", failing(lambda e: raised(e, OSError(PASSWORD)))),
    mutant("the log tells the password", awaiting(tell_password)),
    mutant("the timeline tells the password", awaiting(mark_password)),
    mutant("a warning tells the password", giving(lambda _, i: replace(i, warnings=(PASSWORD,)))),
    mutant("builds at once are mixed up", Mixes),
    mutant("refuses builds at once", Refuses),
    mutant("swallows cancellation", Swallows),
    mutant("cancellation becomes an error", CancelIsAnError),
    mutant("keeps its lock after cancellation", LosesTheLock),
    mutant("keeps its lock after a failure", LosesTheLockOfFailures),
    mutant("takes what is half built", HalfIsThere),
    mutant("reads the code in the loop's thread", Blocks, fast=True),
    mutant("sleeps in the loop's thread", doing(lambda _: time.sleep(0.001))),
    mutant("connects in the loop's thread", doing(connect)),
    mutant("waits for a program", doing(lambda _: subprocess.run(["true"], check=True))),
    mutant("changes the environment", doing(lambda _: os.environ.update(BUILT=uuid4().hex))),
    mutant("changes the directory", doing(lambda r: os.chdir(r.code.parent))),
    mutant("leaks sockets", awaiting(leak_file)),
    mutant("leaks programs", awaiting(leak_program)),
    mutant("leaves temporary directories", in_thread(lambda _: tempfile.mkdtemp())),
    mutant("hangs", awaiting(hang)),
    mutant("waits for ever for code", awaiting(hang_over_nothing)),
    mutant("works here, it says in words", WorksAlways),
    mutant("never says whether it works here", WorksNever),
    mutant("builds though it says it does not", BuildsAllTheSame),
    Mutant("refuses with a foreign error", NoopSuite, {"made": RefusesStrangely}),
)


VARIANTS = (
    Mutant("the fake", Suite, {}, fast=True),
    Mutant("takes its time", Suite, {"made": Slow}),
    Mutant("builds one after the other", Suite, {"made": OneByOne}),
    Mutant("warns", Suite, {"made": Warns}),
    Mutant("copies the code first", Suite, {"made": InTemporary}),
    Mutant("cannot be away", Suite, {"can_be_away": False}),
    Mutant("never builds", NoopSuite, {"made": NoopBuilder}),
)
